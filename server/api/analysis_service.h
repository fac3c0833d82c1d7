// skew.v1.AnalysisService; semantics in analysis_service.proto.
#ifndef SKEW_SERVER_API_ANALYSIS_SERVICE_H_
#define SKEW_SERVER_API_ANALYSIS_SERVICE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/analysis.h"
#include "common/ids.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/open_streams.h"
#include "server/store/artifact_store.h"
#include "server/store/job_store.h"
#include "skew/v1/analysis_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class AnalysisService final : public v1::AnalysisService::Service {
 public:
  // Borrowed; they outlive the server.
  AnalysisService(AccessGate* gate, JobStore* jobs, ArtifactStore* artifacts, OpenStreams* streams)
      : gate_(gate), jobs_(jobs), artifacts_(artifacts), streams_(streams) {}

  grpc::Status AnalyseJobs(grpc::ServerContext* context, const v1::AnalyseJobsRequest* request,
                           v1::AnalyseJobsResponse* response) override;

 private:
  // The largest generator loss in a losses.csv, by the file's digest; empty where it has none.
  using LossByDigest = std::map<std::string, std::optional<double>>;

  // The ids of jobs that may be held in memory together.
  absl::StatusOr<std::vector<JobId>> CheckRuns(const v1::AnalyseJobsRequest& request);
  // Reads files that are not in `losses` yet.
  absl::StatusOr<JobToAnalyse> Load(JobId id, LossByDigest& losses);

  AccessGate* const gate_;
  JobStore* const jobs_;
  ArtifactStore* const artifacts_;
  OpenStreams* const streams_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_ANALYSIS_SERVICE_H_
