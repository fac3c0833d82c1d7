#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/render/format.h"
#include "client/report/csv.h"
#include "client/report/value_tables.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ::testing::HasSubstr;
using ::testing::Not;

// Gives every field a value of its own, repeated ones one element.
class Filler {
 public:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as the messages are
  void Fill(Message& message) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *message.GetDescriptor()->field(i);
      if (field.message_type() == v1::ClassHistogram::descriptor()) continue;  // histograms hold histograms
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const Reflection& reflection = *message.GetReflection();
        Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                 : *reflection.MutableMessage(&message, &field));
      } else {
        SetValue(message, field);
      }
    }
  }

 private:
  void SetValue(Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    ++count_;
    const int32_t whole = 70000 + 7 * count_;
    const double real = 0.1234 + 0.001 * count_;
    const bool many = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return many ? reflection.AddDouble(&message, &field, real) : reflection.SetDouble(&message, &field, real);
      case FieldDescriptor::CPPTYPE_INT32:
        return many ? reflection.AddInt32(&message, &field, whole) : reflection.SetInt32(&message, &field, whole);
      case FieldDescriptor::CPPTYPE_INT64:
        return many ? reflection.AddInt64(&message, &field, whole) : reflection.SetInt64(&message, &field, whole);
      case FieldDescriptor::CPPTYPE_STRING:
        return many ? reflection.AddString(&message, &field, absl::StrCat("text", count_))
                    : reflection.SetString(&message, &field, absl::StrCat("text", count_));
      default:
        return;
    }
  }

  int count_ = 0;
};

// Every number in the message that is not of one of the fields `left_out`, by its path.
// NOLINTNEXTLINE(misc-no-recursion): as deep as the messages are
void Numbers(const Message& message, const std::string& path, const std::set<std::string>& left_out,
             std::map<std::string, std::string>& numbers) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    if (left_out.contains(name)) continue;
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_DOUBLE:
        numbers[name] =
            Exact(many ? reflection.GetRepeatedDouble(message, field, 0) : reflection.GetDouble(message, field));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        numbers[name] =
            absl::StrCat(many ? reflection.GetRepeatedInt32(message, field, 0) : reflection.GetInt32(message, field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        numbers[name] =
            absl::StrCat(many ? reflection.GetRepeatedInt64(message, field, 0) : reflection.GetInt64(message, field));
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Numbers(many ? reflection.GetRepeatedMessage(message, field, 0) : reflection.GetMessage(message, field), name,
                left_out, numbers);
        break;
      default:
        break;
    }
  }
}

std::set<std::string> FieldsOf(const std::map<std::string, std::string>& files) {
  std::set<std::string> fields;
  for (const auto& [name, content] : files) {
    if (name.ends_with(".csv")) fields.merge(std::set<std::string>(absl::StrSplit(content, absl::ByAnyChar(",\n"))));
  }
  return fields;
}

// A study of one run, in whose results and histogram every field is filled.
StudyData FilledStudy() {
  Filler filler;
  StudyData study;
  JobData& job = study.jobs.emplace_back();
  job.job.set_id("j1");
  filler.Fill(job.results);
  job.results.mutable_saved()->mutable_time()->set_nanos(0);
  job.results.mutable_classifiers(0)->set_classes(1);
  v1::Run& run = job.runs.emplace_back();
  run.set_id(job.results.cells(0).runs(0).run_id());
  run.set_state(v1::SUCCEEDED);
  filler.Fill(*run.mutable_histogram());
  run.mutable_histogram()->set_final(true);
  filler.Fill(*run.mutable_histogram()->add_more_judges());
  filler.Fill(study.analysis);
  return study;
}

TEST(ReportValuesTest, EveryNumberOfTheResultsIsInSomeFile) {
  const StudyData study = FilledStudy();
  const JobData& job = study.jobs.front();
  std::map<std::string, std::string> numbers;
  Numbers(job.results, "",
          {
              "revision",              // says nothing of the results
              "cells.model_index",     // that is, cells.model
              "cells.bias_point",      // "0:2000 1:50", of more digits than one field
              "cells.runs.iteration",  // of the runs themselves
              "classifiers.classes",   // the rows of the confusion matrix
              "classifiers.spec",      // how the judge was trained is no result
          },
          numbers);
  // Of which update, and what only a histogram of the study's own judge has.
  Numbers(job.runs.front().histogram(), "histogram",
          {"histogram.step", "histogram.epoch", "histogram.more_judges.step", "histogram.more_judges.epoch",
           "histogram.more_judges.image_measures"},
          numbers);
  Numbers(study.analysis, "analysis", {"analysis.runs", "analysis.alpha", "analysis.classifiers"}, numbers);
  EXPECT_GT(numbers.size(), 150);
  const std::set<std::string> fields = FieldsOf(ReportFiles(study, StudyFigures(study)));
  for (const auto& [path, number] : numbers) EXPECT_TRUE(fields.contains(number)) << path << " = " << number;
}

TEST(ReportValuesTest, ValuesHaveTheNamesOfTheirFields) {
  JobData job;
  job.results = Parse<v1::GetResultsResponse>(R"pb(
    cells {
      model: 'dcgan'
      bias_point { counts { key: 1 value: 50 } }
      runs_succeeded: 2
      runs_total: 3
      classes {
        class: 1
        trained_images: 50
        trained_share: 1
        delta { mean: -0.5 sd: 0.25 low: -1 high: 0 }
        judge_spread { judges: 2 sd: 0.5 low: 0.25 high: 0.75 }
      }
      divergences { hellinger { mean: 0.125 } }
      judges {
        classifier_digest: 'j'
        runs: 2
        rejected { mean: 0.5 }
        classes {
          class: 1
          generated { mean: 0.0625 }
        }
      }
    }
    saved {
      runs: 4
      time { seconds: 90 }
    }
  )pb");
  const std::string csv = EstimatesTable(job).ToCsv();
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "model,bias_point,class,judge,name,value,sd,low,high");
  for (const char* line :
       {"\ndcgan,1:50,,,runs_succeeded,2,,,\n", "\ndcgan,1:50,1,,trained_images,50,,,\n",
        "\ndcgan,1:50,1,,delta,-0.5,0.25,-1,0\n", "\ndcgan,1:50,1,,judge_spread,,0.5,0.25,0.75\n",
        "\ndcgan,1:50,1,,judge_spread_judges,2,,,\n", "\ndcgan,1:50,,,divergences_hellinger,0.125,,,\n",
        "\ndcgan,1:50,,j,rejected,0.5,,,\n", "\ndcgan,1:50,1,j,generated,0.0625,,,\n", "\n,,,,saved_runs,4,,,\n",
        "\n,,,,saved_seconds,90,,,\n"}) {
    EXPECT_THAT(csv, HasSubstr(line));
  }
  EXPECT_THAT(csv, Not(HasSubstr("corrected"))) << "what is absent has no line";
}

TEST(ReportValuesTest, ClassesOfARunAreThoseOfTheDataset) {
  JobData job;
  v1::Run& run = job.runs.emplace_back(ReportRun("j1", 1, 0, 100, 0));
  (*run.mutable_histogram()->mutable_rejected_classes())[1] = 60;
  (*run.mutable_histogram()->mutable_off_support_classes())[2] = 40;
  for (const double output : {0.5, 0.25, 0.25}) run.mutable_histogram()->add_mean_posterior(output);
  EXPECT_EQ(RunClassesTable(job).ToCsv(),
            "run,model,bias_point,iteration,judge,class,accepted_images,rejected_images,off_support_images,"
            "mean_posterior\n"
            "j1.1,dcgan,0:900 1:100,0,judge,0,950,0,0,0.5\n"
            "j1.1,dcgan,0:900 1:100,0,judge,1,50,60,0,0.25\n"
            "j1.1,dcgan,0:900 1:100,0,judge,2,0,0,40,0.25\n");
}

TEST(ReportValuesTest, ConfusionIsByTrueAndPredictedClass) {
  JobData job;
  v1::Classifier& judge = *job.results.add_classifiers();
  judge.set_digest("judge");
  judge.set_classes(2);
  for (const int count : {495, 5, 7, 493}) judge.add_confusion(count);
  const std::string heading =
      "judge,true_class,predicted_class,calibration_images,accepted_images,test_images,mean_posterior\n";
  EXPECT_EQ(ConfusionTable(job).ToCsv(),
            heading + "judge,0,0,495,,,\njudge,0,1,5,,,\njudge,1,0,7,,,\njudge,1,1,493,,,\n");
  for (const int count : {494, 2, 3, 490}) judge.add_accepted_confusion(count);
  EXPECT_EQ(ConfusionTable(job).ToCsv(),
            heading + "judge,0,0,495,494,,\njudge,0,1,5,2,,\njudge,1,0,7,3,,\njudge,1,1,493,490,,\n");
}

TEST(ReportValuesTest, MeasuresAreThoseOfEveryRun) {
  JobData job;
  v1::Run& run = job.runs.emplace_back(ReportRun("j1", 1, 0, 100, 0));
  v1::ImageMeasures& measures = *run.mutable_histogram()->mutable_image_measures();
  measures.mutable_all()->set_recall(0.5);
  measures.set_frechet_balanced(3);
  measures.mutable_all()->set_images(5000);
  (*measures.mutable_classes())[1].set_near_pairs(0);
  const std::string csv = RunMeasuresTable(job).ToCsv();
  for (const char* line :
       {"\nj1.1,dcgan,0:900 1:100,0,,recall,0.5\n", "\nj1.1,dcgan,0:900 1:100,0,,images,5000\n",
        "\nj1.1,dcgan,0:900 1:100,0,,frechet_balanced,3\n", "\nj1.1,dcgan,0:900 1:100,0,1,near_pairs,0\n"}) {
    EXPECT_THAT(csv, HasSubstr(line));
  }
  EXPECT_THAT(csv, Not(HasSubstr("vendi")));
}

}  // namespace
}  // namespace skew
