#include "client/report/csv.h"

#include "absl/strings/str_cat.h"
#include "client/render/cells.h"
#include "client/render/findings_table.h"
#include "client/render/format.h"
#include "client/render/judges_table.h"
#include "client/render/measures_table.h"
#include "client/render/message_text.h"
#include "client/render/results_table.h"
#include "client/render/table.h"
#include "client/report/value_tables.h"
#include "common/judge_results.h"
#include "common/results.h"

namespace skew {
namespace {

std::map<std::string, const v1::RunResult*> ResultsByRun(const JobData& job) {
  std::map<std::string, const v1::RunResult*> results;
  for (const v1::ResultCell& cell : job.results.cells()) {
    for (const v1::RunResult& run : cell.runs()) results[run.run_id()] = &run;
  }
  return results;
}

std::vector<Cell> RunCells(const v1::Run& run) {
  const v1::ClassHistogram& histogram = run.histogram();
  const std::string precision = run.precision() == v1::PRECISION_UNSPECIFIED ? "" : v1::Precision_Name(run.precision());
  return {run.id(),
          run.model(),
          CountsText(run.bias_point().counts()),
          absl::StrCat(run.iteration()),
          absl::StrCat(run.seed()),
          StateName(run.state()),
          run.device(),
          precision,
          run.manifest_digest(),
          run.classifier_digest(),
          absl::StrCat(histogram.images()),
          absl::StrCat(histogram.rejected()),
          absl::StrCat(histogram.off_support())};
}

void AddClassCells(const v1::RunClassResult& one, std::vector<Cell>& row) {
  row.emplace_back(absl::StrCat(one.class_()));
  row.emplace_back(absl::StrCat(one.images()));
  row.emplace_back(Exact(one.share()));
  row.emplace_back(ExactIf(one.has_corrected(), one.corrected()));
  row.emplace_back(ExactIf(one.has_pacc(), one.pacc()));
  row.emplace_back(ExactIf(one.has_cleam(), one.cleam()));
  for (const v1::Interval* interval : {&one.wilson(), &one.clopper_pearson(), &one.goodman()}) {
    row.emplace_back(Exact(interval->low()));
    row.emplace_back(Exact(interval->high()));
  }
}

std::string RunsCsv(const JobData& job) {
  Table table({{"", "run"},
               {"", "model"},
               {"", "bias_point"},
               {"", "iteration"},
               {"", "seed"},
               {"", "state"},
               {"", "device"},
               {"", "precision"},
               {"", "manifest"},
               {"", "judge"},
               {"", "images"},
               {"", "rejected"},
               {"", "off_support"},
               {"", "class"},
               {"", "accepted_images"},
               {"", "share"},
               {"", "corrected"},
               {"", "pacc"},
               {"", "cleam"},
               {"", "wilson_low"},
               {"", "wilson_high"},
               {"", "clopper_pearson_low"},
               {"", "clopper_pearson_high"},
               {"", "goodman_low"},
               {"", "goodman_high"},
               {"", "chi_square"},
               {"", "chi_square_p"},
               {"", "g_statistic"},
               {"", "g_p"}});
  const std::map<std::string, const v1::RunResult*> results = ResultsByRun(job);
  for (const v1::Run& run : job.runs) {
    const auto found = results.find(run.id());
    if (found == results.end()) {
      std::vector<Cell> row = RunCells(run);
      row.resize(29, "");
      table.AddRow(std::move(row));
      continue;
    }
    for (const v1::RunClassResult& one : found->second->classes()) {
      std::vector<Cell> row = RunCells(run);
      AddClassCells(one, row);
      const v1::RunResult& result = *found->second;
      for (const double value : {result.chi_square(), result.chi_square_p(), result.g_statistic(), result.g_p()}) {
        row.emplace_back(Exact(value));
      }
      table.AddRow(std::move(row));
    }
  }
  return table.ToCsv();
}

void AddJudgedRun(const v1::Run& run, const v1::ClassHistogram& judged, Table& table) {
  for (const auto& [label, count] : std::map<int32_t, int32_t>(judged.counts().begin(), judged.counts().end())) {
    table.AddRow({run.id(), run.model(), CountsText(run.bias_point().counts()), absl::StrCat(run.iteration()),
                  judged.classifier_digest(), absl::StrCat(judged.images()), absl::StrCat(judged.rejected()),
                  absl::StrCat(judged.off_support()), absl::StrCat(label), absl::StrCat(count),
                  Exact(GeneratedShare(judged, label))});
  }
}

// What every judge counted in every run.
std::string JudgedRunsCsv(const JobData& job) {
  Table table({{"", "run"},
               {"", "model"},
               {"", "bias_point"},
               {"", "iteration"},
               {"", "judge"},
               {"", "images"},
               {"", "rejected"},
               {"", "off_support"},
               {"", "class"},
               {"", "accepted_images"},
               {"", "share"}});
  for (const v1::Run& run : job.runs) {
    if (!HasResult(run)) continue;
    AddJudgedRun(run, run.histogram(), table);
    for (const v1::ClassHistogram& further : run.histogram().more_judges()) AddJudgedRun(run, further, table);
  }
  return table.ToCsv();
}

}  // namespace

std::string SpecFileName(const v1::Job& job) { return absl::StrCat("study-", job.id(), ".yaml"); }

std::map<std::string, std::string> ReportFiles(const StudyData& data, const std::vector<Figure>& figures) {
  std::map<std::string, std::string> files;
  files["claims.csv"] = FindingsTable(data.analysis).ToCsv();
  for (const JobData& job : data.jobs) {
    const std::string& id = job.job.id();
    files[absl::StrCat("results-", id, ".csv")] = ResultsTable(job.results).ToCsv();
    files[absl::StrCat("estimates-", id, ".csv")] = EstimatesTable(job).ToCsv();
    files[absl::StrCat("measures-", id, ".csv")] = AllMeasures(job.results).ToCsv();
    files[absl::StrCat("run-measures-", id, ".csv")] = RunMeasuresTable(job).ToCsv();
    files[absl::StrCat("run-classes-", id, ".csv")] = RunClassesTable(job).ToCsv();
    files[absl::StrCat("confusion-", id, ".csv")] = ConfusionTable(job).ToCsv();
    if (HaveMoreJudges(job.runs)) {
      files[absl::StrCat("judges-", id, ".csv")] = AllJudges(job.results).ToCsv();
      files[absl::StrCat("judged-runs-", id, ".csv")] = JudgedRunsCsv(job);
    }
    files[absl::StrCat("runs-", id, ".csv")] = RunsCsv(job);
    files[SpecFileName(job.job)] = ToYaml(job.job.spec());
  }
  for (const Figure& figure : figures) {
    if (figure.missing.empty()) files[absl::StrCat(figure.name, ".csv")] = figure.csv;
  }
  return files;
}

}  // namespace skew
