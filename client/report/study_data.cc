#include "client/report/study_data.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status.h"

namespace skew {
namespace {

// Of one artifact, so that a damaged or strange one does no harm.
constexpr size_t kMostBytes = size_t{64} << 20;

absl::StatusOr<std::string> ReadWhole(Client& client, const std::string& run_id, const std::string& name) {
  std::string content;
  SKEW_RETURN_IF_ERROR(client
                           .ReadArtifact(run_id, name,
                                         [&](absl::string_view data) -> absl::Status {
                                           content.append(data.data(), data.size());
                                           if (content.size() <= kMostBytes) return absl::OkStatus();
                                           return absl::ResourceExhaustedError(
                                               absl::StrCat("artifact ", name, " of ", run_id, " is too large"));
                                         })
                           .status());
  return content;
}

absl::Status ReadHistograms(Client& client, JobData& data) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::ClassHistogram> histograms, client.ListHistograms(data.job.id()));
  for (const v1::ClassHistogram& histogram : histograms) {
    v1::ClassHistogram& kept = data.histograms[histogram.run_id()][histogram.step()];
    if (!kept.final() || histogram.final()) kept = histogram;
  }
  return absl::OkStatus();
}

using NamesByRun = std::map<std::string, std::set<std::string>>;

absl::StatusOr<NamesByRun> ArtifactNames(Client& client, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Artifact> artifacts, client.ListArtifacts(job_id));
  NamesByRun names;
  for (const v1::Artifact& artifact : artifacts) names[artifact.run_id()].insert(artifact.name());
  return names;
}

absl::Status ReadLosses(Client& client, const NamesByRun& names, JobData& data) {
  for (const auto& [run_id, of_run] : names) {
    if (!of_run.contains("losses.csv")) continue;
    SKEW_ASSIGN_OR_RETURN(const std::string csv, ReadWhole(client, run_id, "losses.csv"));
    data.losses[run_id] = LossCurvesOf(csv);
  }
  return absl::OkStatus();
}

// The first of the wanted names that the run has stored.
absl::StatusOr<std::optional<Picture>> ReadPicture(Client& client, const std::string& run_id,
                                                   const std::set<std::string>& names,
                                                   const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) {
    if (!names.contains(name)) continue;
    SKEW_ASSIGN_OR_RETURN(std::string png, ReadWhole(client, run_id, name));
    return Picture{run_id, name, std::move(png)};
  }
  return std::nullopt;
}

absl::Status ReadPictures(Client& client, const NamesByRun& names, JobData& data) {
  std::vector<const v1::Run*> runs;
  runs.reserve(data.runs.size());
  for (const v1::Run& run : data.runs) runs.push_back(&run);
  std::stable_sort(runs.begin(), runs.end(), [](const v1::Run* a, const v1::Run* b) {
    return std::tuple(a->model_index(), a->iteration()) < std::tuple(b->model_index(), b->iteration());
  });
  std::map<std::pair<int32_t, std::map<int32_t, int32_t>>, CellPictures> cells;
  std::set<std::map<int32_t, int32_t>> with_real;  // models are trained on the same images
  for (const v1::Run* run : runs) {
    const std::map<int32_t, int32_t> point(run->bias_point().counts().begin(), run->bias_point().counts().end());
    CellPictures& cell = cells[{run->model_index(), point}];
    const auto stored = names.find(run->id());
    if (cell.generated.has_value() || stored == names.end()) continue;
    cell.model_index = run->model_index();
    cell.bias_point = point;
    SKEW_ASSIGN_OR_RETURN(cell.generated,
                          ReadPicture(client, run->id(), stored->second, {"samples-by-class.png", "samples.png"}));
    if (!cell.generated.has_value() || with_real.contains(point)) continue;
    SKEW_ASSIGN_OR_RETURN(cell.real, ReadPicture(client, run->id(), stored->second, {"real-by-class.png"}));
    if (cell.real.has_value()) with_real.insert(point);
  }
  for (auto& [key, cell] : cells) {
    if (cell.generated.has_value()) data.pictures.push_back(std::move(cell));
  }
  return absl::OkStatus();
}

absl::StatusOr<JobData> CollectJob(Client& client, const v1::GetResultsRequest& request, const StudyParts& parts) {
  const std::string& job_id = request.job_id();
  JobData data;
  SKEW_ASSIGN_OR_RETURN(data.job, client.GetJob(job_id));
  SKEW_ASSIGN_OR_RETURN(data.results, client.GetResults(request));
  SKEW_ASSIGN_OR_RETURN(Client::RunList list, client.ListRuns(job_id));
  data.runs = std::move(list.runs);
  if (parts.histograms) SKEW_RETURN_IF_ERROR(ReadHistograms(client, data));
  if (!parts.losses && !parts.pictures) return data;
  SKEW_ASSIGN_OR_RETURN(const NamesByRun names, ArtifactNames(client, job_id));
  if (parts.losses) SKEW_RETURN_IF_ERROR(ReadLosses(client, names, data));
  if (parts.pictures) SKEW_RETURN_IF_ERROR(ReadPictures(client, names, data));
  return data;
}

}  // namespace

LossCurves LossCurvesOf(absl::string_view csv) {
  LossCurves curves;
  const std::vector<absl::string_view> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  if (lines.size() < 2) return curves;
  std::vector<std::string> header = absl::StrSplit(lines[0], ',');
  if (header.size() < 2 || header[0] != "step") return curves;
  curves.names.assign(header.begin() + 1, header.end());
  curves.means.resize(curves.names.size());
  const size_t rows = lines.size() - 1;
  const size_t block = (rows + kLossBlocks - 1) / kLossBlocks;
  for (size_t begin = 0; begin < rows; begin += block) {
    const size_t end = std::min(rows, begin + block);
    std::vector<double> sums(curves.names.size(), 0.0);
    int32_t step = 0;
    for (size_t row = begin; row < end; ++row) {
      const std::vector<absl::string_view> fields = absl::StrSplit(lines[row + 1], ',');
      if (fields.size() != header.size() || !absl::SimpleAtoi(fields[0], &step)) return {};
      for (size_t i = 0; i < sums.size(); ++i) {
        double value = 0;
        if (!absl::SimpleAtod(fields[i + 1], &value)) return {};
        sums[i] += value;
      }
    }
    curves.steps.push_back(step);
    for (size_t i = 0; i < sums.size(); ++i) curves.means[i].push_back(sums[i] / static_cast<double>(end - begin));
  }
  return curves;
}

absl::StatusOr<StudyData> CollectStudy(Client& client, const v1::AnalyseJobsRequest& request, const StudyParts& parts) {
  StudyData study;
  study.request = request;
  // First: it says which jobs do not go together.
  SKEW_ASSIGN_OR_RETURN(study.analysis, client.AnalyseJobs(request));
  SKEW_ASSIGN_OR_RETURN(study.server, client.GetServerInfo());
  v1::GetResultsRequest of_job;
  of_job.set_include_runs(true);
  of_job.set_allow_different_judges(request.allow_different_judges());
  for (const std::string& job_id : request.job_ids()) {
    of_job.set_job_id(job_id);
    SKEW_ASSIGN_OR_RETURN(JobData job, CollectJob(client, of_job, parts));
    study.jobs.push_back(std::move(job));
  }
  study.time = absl::Now();
  return study;
}

}  // namespace skew
