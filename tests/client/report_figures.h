// What the tests of a report's figures share.
#ifndef SKEW_TESTS_CLIENT_REPORT_FIGURES_H_
#define SKEW_TESTS_CLIENT_REPORT_FIGURES_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/report/figure.h"
#include "common/results.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {

using Rows = std::vector<std::map<std::string, std::string>>;

// CSV without quotes, by heading.
inline Rows Read(const std::string& csv) {
  const std::vector<std::string> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  const std::vector<std::string> names = absl::StrSplit(lines.at(0), ',');
  Rows rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = absl::StrSplit(lines[i], ',');
    EXPECT_EQ(fields.size(), names.size()) << lines[i];
    std::map<std::string, std::string>& row = rows.emplace_back();
    for (size_t k = 0; k < names.size(); ++k) row[names[k]] = fields.at(k);
  }
  return rows;
}

inline double Value(const std::string& text) {
  double value = 0;
  EXPECT_TRUE(absl::SimpleAtod(text, &value)) << text;
  return value;
}

inline Figure Find(const StudyData& data, const std::string& name) {
  for (Figure& figure : StudyFigures(data)) {
    if (figure.name == name) return figure;
  }
  ADD_FAILURE() << "no figure " << name;
  return {};
}

inline std::vector<std::string> Names(const StudyData& data) {
  std::vector<std::string> names;
  for (const Figure& figure : StudyFigures(data)) names.push_back(figure.name);
  return names;
}

// The rows of a data block of a script: "$p0s1".
inline std::vector<std::string> Block(const Figure& figure, const std::string& name) {
  const std::string begin = absl::StrCat("\n", name, " << EOD\n");
  const size_t from = figure.script.find(begin);
  if (from == std::string::npos) return {};
  const size_t rows = from + begin.size();
  std::vector<std::string> block =
      absl::StrSplit(figure.script.substr(rows, figure.script.find("EOD", rows) - rows), '\n');
  block.pop_back();  // behind the last line break
  return block;
}

// After changes to the runs.
inline void ComputeAnew(JobData& job) {
  const std::vector<v1::Classifier> judges(job.results.classifiers().begin(), job.results.classifiers().end());
  job.results.clear_cells();
  for (v1::ResultCell& cell : ComputeResults(job.runs, judges, /*include_runs=*/true)) {
    *job.results.add_cells() = std::move(cell);
  }
}

// A GAN at so many bias points, one run each.
inline StudyData StudyOfPoints(int points) {
  StudyData study = ReportStudy(1);
  JobData& job = study.jobs.front();
  job.runs.clear();
  job.histograms.clear();
  for (int i = 0; i < points; ++i) {
    const v1::Run& run = job.runs.emplace_back(ReportRun("j1", i + 1, 0, 1000 + 10 * i, 0));
    job.histograms[run.id()] = {{200, run.histogram()}};
    job.losses[run.id()] = LossCurvesOf("step,loss_d,loss_g\n1,0.5,2\n2,0.75,3\n");
  }
  ComputeAnew(job);
  return study;
}

// Of all images and of class 1, only in the runs at 100 images of class 1.
inline StudyData MeasuredStudy(int iterations) {
  StudyData study = ReportStudy(iterations);
  JobData& job = study.jobs.front();
  for (v1::Run& run : job.runs) {
    if (run.bias_point().counts().at(1) != 100) continue;
    v1::ImageMeasures& measures = *run.mutable_histogram()->mutable_image_measures();
    measures.mutable_all()->set_frechet(4 + run.iteration());
    measures.set_frechet_balanced(300);
    measures.mutable_all()->set_recall(0.5);
    (*measures.mutable_classes())[1].set_vendi(2);
  }
  ComputeAnew(job);
  return study;
}

}  // namespace skew

#endif  // SKEW_TESTS_CLIENT_REPORT_FIGURES_H_
