// What a report shows, collected from the server.
#ifndef SKEW_CLIENT_REPORT_STUDY_DATA_H_
#define SKEW_CLIENT_REPORT_STUDY_DATA_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "skew/v1/analysis_service.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// Losses of a run, each a mean over a block of steps. Blocks are of equal length, at most kLossBlocks of them, and end
// at `steps`; runs of equal length have the same blocks.
struct LossCurves {
  std::vector<std::string> names;
  std::vector<int32_t> steps;
  std::vector<std::vector<double>> means;  // one series per name, parallel to `steps`
};
inline constexpr int kLossBlocks = 100;

// From the content of "losses.csv". Empty when it is no such table.
LossCurves LossCurvesOf(absl::string_view csv);

// A PNG that a run has stored.
struct Picture {
  std::string run_id;
  std::string name;
  std::string png;
};

// Pictures of one model at one bias point: of the first iteration that has them.
struct CellPictures {
  int32_t model_index = 0;
  std::map<int32_t, int32_t> bias_point;
  std::optional<Picture> generated;
  std::optional<Picture> real;  // only of the first model that has it: all have the same at a bias point
};

struct JobData {
  v1::Job job;
  std::vector<v1::Run> runs;
  // With runs.
  v1::GetResultsResponse results;
  // By run id, then step; the final one in place of another of its step.
  std::map<std::string, std::map<int32_t, v1::ClassHistogram>> histograms;
  // By run id, of the runs that have stored them.
  std::map<std::string, LossCurves> losses;
  std::vector<CellPictures> pictures;
};

struct StudyData {
  std::vector<JobData> jobs;
  v1::AnalyseJobsRequest request;
  v1::AnalyseJobsResponse analysis;
  v1::ServerInfo server;
  // That the program was built from that shows it; for the caller to say.
  std::string commit;
  // When it was collected.
  absl::Time time;
};

// What is read beside the results; each costs calls for every run.
struct StudyParts {
  bool histograms = true;
  bool losses = true;
  bool pictures = false;
};

// The jobs that `request` names, which may still be running. Errors as of the calls; AnalysisService.AnalyseJobs says
// which jobs do not go together.
absl::StatusOr<StudyData> CollectStudy(Client& client, const v1::AnalyseJobsRequest& request, const StudyParts& parts);

}  // namespace skew

#endif  // SKEW_CLIENT_REPORT_STUDY_DATA_H_
