#include "client/report/value_tables.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "common/proto_time.h"
#include "common/results.h"

namespace skew {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Map;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsPresent(const Message& message, const FieldDescriptor& field) {
  return !field.has_presence() || message.GetReflection()->HasField(message, &field);
}

// "" for what is no number, or absent.
std::string NumberText(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated() || !IsPresent(message, field)) return "";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Exact(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    default:
      return "";
  }
}

std::string NumberText(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  return field == nullptr ? "" : NumberText(message, *field);
}

// What values are of; empty: of all.
struct Subject {
  std::string model;
  std::string bias_point;
  std::string label;
  std::string judge;
};

// Narrowed to what the message is of.
Subject Narrowed(Subject subject, const Message& message) {
  const Descriptor& descriptor = *message.GetDescriptor();
  if (const std::string label = NumberText(message, "class"); !label.empty()) subject.label = label;
  if (const FieldDescriptor* judge = descriptor.FindFieldByName("classifier_digest"); judge != nullptr) {
    subject.judge = message.GetReflection()->GetString(message, judge);
  }
  return subject;
}

void AddValue(const Subject& subject, const std::string& name, const std::string& value, Table& table) {
  table.AddRow({subject.model, subject.bias_point, subject.label, subject.judge, name, value, "", "", ""});
}

// An Estimate or a JudgeSpread.
bool HasSpread(const Message& message) { return message.GetDescriptor()->FindFieldByName("sd") != nullptr; }

bool IsOfTheSpread(const FieldDescriptor& field) {
  return field.name() == "mean" || field.name() == "sd" || field.name() == "low" || field.name() == "high";
}

// Names, or what has a table of its own.
bool IsLeftOut(const FieldDescriptor& field) {
  return field.is_map() || field.name() == "class" || field.name() == "model_index" ||
         field.message_type() == v1::RunResult::descriptor() || field.message_type() == v1::MeasureResult::descriptor();
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the messages are
void AddValues(const Message& message, const Subject& of, const std::string& name, Table& table) {
  const Reflection& reflection = *message.GetReflection();
  const Subject subject = Narrowed(of, message);
  const bool has_spread = HasSpread(message);
  if (has_spread) {
    table.AddRow({subject.model, subject.bias_point, subject.label, subject.judge, name, NumberText(message, "mean"),
                  NumberText(message, "sd"), NumberText(message, "low"), NumberText(message, "high")});
  }
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (IsLeftOut(field) || (has_spread && IsOfTheSpread(field))) continue;
    const std::string full_name = name.empty() ? field.name() : absl::StrCat(name, "_", field.name());
    if (const std::string number = NumberText(message, field); !number.empty()) {
      AddValue(subject, full_name, number, table);
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field.is_repeated()) {
      for (int k = 0; k < reflection.FieldSize(message, &field); ++k) {
        AddValues(reflection.GetRepeatedMessage(message, &field, k), subject, name, table);
      }
    } else if (IsPresent(message, field)) {
      AddValues(reflection.GetMessage(message, &field), subject, full_name, table);
    }
  }
}

int32_t CountOf(const Map<int32_t, int32_t>& counts, int32_t label) {
  const auto found = counts.find(label);
  return found == counts.end() ? 0 : found->second;
}

std::vector<Cell> RunNames(const v1::Run& run) {
  return {run.id(), run.model(), CountsText(run.bias_point().counts()), absl::StrCat(run.iteration())};
}

void AddMeasures(const v1::Run& run, const Message& measures, const std::string& label, Table& table) {
  for (int i = 0; i < measures.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *measures.GetDescriptor()->field(i);
    const std::string number = NumberText(measures, field);
    if (number.empty()) continue;
    std::vector<Cell> row = RunNames(run);
    row.insert(row.end(), {label, field.name(), number});
    table.AddRow(std::move(row));
  }
}

void AddClasses(const v1::Run& run, const v1::ClassHistogram& judged, Table& table) {
  std::set<int32_t> labels;
  for (const Map<int32_t, int32_t>* counts :
       {&judged.counts(), &judged.rejected_classes(), &judged.off_support_classes()}) {
    for (const auto& [label, count] : *counts) labels.insert(label);
  }
  for (int32_t label = 0; label < judged.mean_posterior_size(); ++label) labels.insert(label);
  for (const int32_t label : labels) {
    std::vector<Cell> row = RunNames(run);
    const bool has_posterior = label < judged.mean_posterior_size();
    row.insert(row.end(),
               {judged.classifier_digest(), absl::StrCat(label), absl::StrCat(CountOf(judged.counts(), label)),
                absl::StrCat(CountOf(judged.rejected_classes(), label)),
                absl::StrCat(CountOf(judged.off_support_classes(), label)),
                has_posterior ? Exact(judged.mean_posterior(label)) : ""});
    table.AddRow(std::move(row));
  }
}

}  // namespace

Table EstimatesTable(const JobData& job) {
  Table table({{"", "model"},
               {"", "bias_point"},
               {"", "class"},
               {"", "judge"},
               {"", "name"},
               {"", "value"},
               {"", "sd"},
               {"", "low"},
               {"", "high"}});
  for (const v1::ResultCell& cell : job.results.cells()) {
    AddValues(cell, {cell.model(), CountsText(cell.bias_point().counts()), "", ""}, "", table);
  }
  for (const v1::Classifier& judge : job.results.classifiers()) {
    AddValue({"", "", "", judge.digest()}, "test_accuracy", Exact(judge.test_accuracy()), table);
  }
  if (job.results.has_saved()) {
    const v1::SavedRuns& saved = job.results.saved();
    AddValue({}, "saved_runs", absl::StrCat(saved.runs()), table);
    AddValue({}, "saved_seconds", Exact(absl::ToDoubleSeconds(FromProto(saved.time()))), table);
  }
  return table;
}

Table RunMeasuresTable(const JobData& job) {
  Table table({{"", "run"},
               {"", "model"},
               {"", "bias_point"},
               {"", "iteration"},
               {"", "class"},
               {"", "measure"},
               {"", "value"}});
  for (const v1::Run& run : job.runs) {
    if (!HasResult(run) || !run.histogram().has_image_measures()) continue;
    const v1::ImageMeasures& measures = run.histogram().image_measures();
    AddMeasures(run, measures.all(), "", table);
    AddMeasures(run, measures, "", table);
    for (const auto& [label, of_class] :
         std::map<int32_t, v1::SampleMeasures>(measures.classes().begin(), measures.classes().end())) {
      AddMeasures(run, of_class, absl::StrCat(label), table);
    }
  }
  return table;
}

Table RunClassesTable(const JobData& job) {
  Table table({{"", "run"},
               {"", "model"},
               {"", "bias_point"},
               {"", "iteration"},
               {"", "judge"},
               {"", "class"},
               {"", "accepted_images"},
               {"", "rejected_images"},
               {"", "off_support_images"},
               {"", "mean_posterior"}});
  for (const v1::Run& run : job.runs) {
    if (!HasResult(run)) continue;
    AddClasses(run, run.histogram(), table);
    for (const v1::ClassHistogram& further : run.histogram().more_judges()) AddClasses(run, further, table);
  }
  return table;
}

Table ConfusionTable(const JobData& job) {
  Table table({{"", "judge"},
               {"", "true_class"},
               {"", "predicted_class"},
               {"", "calibration_images"},
               {"", "accepted_images"},
               {"", "test_images"},
               {"", "mean_posterior"}});
  for (const v1::Classifier& judge : job.results.classifiers()) {
    for (int entry = 0; judge.classes() > 0 && entry < judge.confusion_size(); ++entry) {
      table.AddRow({judge.digest(), absl::StrCat(entry / judge.classes()), absl::StrCat(entry % judge.classes()),
                    absl::StrCat(judge.confusion(entry)),
                    entry < judge.accepted_confusion_size() ? absl::StrCat(judge.accepted_confusion(entry)) : "",
                    entry < judge.test_confusion_size() ? absl::StrCat(judge.test_confusion(entry)) : "",
                    entry < judge.mean_posteriors_size() ? Exact(judge.mean_posteriors(entry)) : ""});
    }
  }
  return table;
}

}  // namespace skew
