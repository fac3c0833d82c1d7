#include "client/client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/client_stubs.h"
#include "common/message_limits.h"
#include "common/status.h"

namespace skew {
namespace {

std::shared_ptr<grpc::Channel> Connect(const Client::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options.own_connection ? 1 : 0);
  // Dead peers are found within half a minute, also while a watch has nothing to say.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kClientReadAheadBytes);
  // Retries are ours; the channel only has to try to connect often enough.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  // A web proxy that the environment names is not for this.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A page of runs or a table of a large study is longer than gRPC's 4 MiB.
  arguments.SetMaxReceiveMessageSize(kMostResponseBytes);
  arguments.SetMaxSendMessageSize(kMostRequestBytes);
  return grpc::CreateCustomChannel(
      options.server.target, options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials(),
      arguments);
}

// The other end speaks, but not with us: it ended the connection before the first call. Only gRPC's words tell that
// from a server that is not there.
bool IsRefusedHandshake(const absl::Status& status) {
  const absl::string_view text = status.message();
  return absl::IsUnavailable(status) && absl::StrContains(text, "failed to connect") &&
         (absl::StrContains(text, "Socket closed") || absl::StrContains(text, "handshake failed"));
}

// Of a refusal that passes by itself. Other RESOURCE_EXHAUSTED, such as a message that is too large, would come again.
std::optional<absl::Duration> RetryHint(const absl::Status& status) {
  return absl::IsResourceExhausted(status) ? RetryDelay(status) : std::nullopt;
}

// Somebody listens there and has not said anything so far.
bool IsSilence(const absl::Status& status) { return absl::StrContains(status.message(), "SETTINGS frame"); }

template <typename Field>
auto ToVector(const Field& repeated) {
  return std::vector<typename Field::value_type>(repeated.begin(), repeated.end());
}

}  // namespace

Client::Stubs::Stubs(const std::shared_ptr<grpc::Channel>& channel, std::string call_token)
    : token(std::move(call_token)),
      jobs(v1::JobService::NewStub(channel)),
      runs(v1::RunService::NewStub(channel)),
      artifacts(v1::ArtifactService::NewStub(channel)),
      server(v1::ServerService::NewStub(channel)),
      access(v1::AccessService::NewStub(channel)),
      admin(v1::AdminService::NewStub(channel)),
      analysis(v1::AnalysisService::NewStub(channel)),
      queue(v1::QueueService::NewStub(channel)),
      reuse(v1::ReuseService::NewStub(channel)) {}

void Client::Stubs::Prepare(grpc::ClientContext& context) const {
  if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
}

Client::Client(Options options)
    : options_(std::move(options)), stubs_(std::make_unique<Stubs>(Connect(options_), options_.server.token)) {}

Client::~Client() = default;

absl::Status Client::Explain(const absl::Status& status) const {
  if (IsRefusedHandshake(status)) {
    return absl::UnauthenticatedError(absl::StrCat(
        "the server at ", options_.server.target, " (", options_.server.origin, ") ended the handshake: ",
        options_.server.tls.ca.empty() ? "it may speak TLS; then --ca is needed"
                                       : "its certificate is not of the CA in --ca, or yours not of its CA",
        ": ", status.message()));
  }
  if (absl::IsUnavailable(status)) {
    return Annotate(status, absl::StrCat("the server at ", options_.server.target, " (", options_.server.origin,
                                         ") is not available"));
  }
  if (absl::IsDeadlineExceeded(status) && absl::Now() < options_.deadline) {
    return Annotate(status, absl::StrCat("no answer from ", options_.server.target, " within ",
                                         absl::FormatDuration(options_.call_deadline)));
  }
  return status;
}

absl::Status Client::Repeat(Retry& retry, const std::function<absl::Status()>& attempt) const {
  absl::Status refused;
  absl::Status outage;
  while (true) {
    const absl::Status status = attempt();
    if (absl::IsDeadlineExceeded(status) && retry.has_waited() && options_.deadline != absl::InfiniteFuture()) {
      return absl::DeadlineExceededError(Explain(outage).message());
    }
    const std::optional<absl::Duration> hint = RetryHint(status);
    if (hint.has_value()) {
      outage = status;
      if (!retry.has_waited() && options_.on_outage != nullptr) {
        options_.on_outage(absl::StrCat(options_.server.target, " asks to wait: ", status.message()));
      }
      if (retry.Wait(*hint)) continue;
      return absl::Now() < options_.deadline ? status : absl::DeadlineExceededError(status.message());
    }
    if (!absl::IsUnavailable(status)) return Explain(status);
    outage = status;
    if (IsRefusedHandshake(status)) refused = status;
    if (!retry.has_waited() && options_.on_outage != nullptr) {
      options_.on_outage(absl::StrCat(options_.server.target, " is not available, trying again: ", status.message()));
    }
    if (retry.Wait()) continue;
    const absl::Status last = Explain(IsSilence(status) && !refused.ok() ? refused : status);
    return absl::Now() < options_.deadline ? last : absl::DeadlineExceededError(last.message());
  }
}

absl::StatusOr<v1::SubmitJobResponse> Client::SubmitJob(const v1::SubmitJobRequest& request) {
  return Call<v1::JobService::Stub, v1::SubmitJobResponse>(stubs_->jobs, &v1::JobService::Stub::SubmitJob, request);
}

absl::StatusOr<v1::Job> Client::GetJob(const std::string& job_id) {
  v1::GetJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::GetJob, request);
}

absl::StatusOr<std::vector<v1::Job>> Client::ListJobs(const v1::JobFilter& filter, size_t limit) {
  std::vector<v1::Job> jobs;
  v1::ListJobsRequest request;
  *request.mutable_filter() = filter;
  do {
    request.set_page_size(static_cast<int32_t>(std::min(limit - jobs.size(), kPage)));
    SKEW_ASSIGN_OR_RETURN(const auto page, (Call<v1::JobService::Stub, v1::ListJobsResponse>(
                                               stubs_->jobs, &v1::JobService::Stub::ListJobs, request)));
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && jobs.size() < limit);
  return jobs;
}

absl::StatusOr<v1::Job> Client::CancelJob(const std::string& job_id) {
  v1::CancelJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::CancelJob, request);
}

absl::StatusOr<v1::Job> Client::PauseJob(const std::string& job_id) {
  v1::PauseJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::PauseJob, request);
}

absl::StatusOr<v1::Job> Client::ResumeJob(const std::string& job_id) {
  v1::ResumeJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::ResumeJob, request);
}

absl::StatusOr<v1::Job> Client::RetryJob(const std::string& job_id) {
  v1::RetryJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::RetryJob, request);
}

absl::StatusOr<v1::Job> Client::SetJobPriority(const std::string& job_id, int32_t priority) {
  v1::SetJobPriorityRequest request;
  request.set_job_id(job_id);
  request.set_priority(priority);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::SetJobPriority, request);
}

absl::StatusOr<v1::Job> Client::DeleteJob(const std::string& job_id, bool purge) {
  v1::DeleteJobRequest request;
  request.set_job_id(job_id);
  request.set_purge(purge);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::DeleteJob, request);
}

absl::StatusOr<v1::Job> Client::UndeleteJob(const std::string& job_id) {
  v1::UndeleteJobRequest request;
  request.set_job_id(job_id);
  return Call<v1::JobService::Stub, v1::Job>(stubs_->jobs, &v1::JobService::Stub::UndeleteJob, request);
}

absl::StatusOr<v1::GetResultsResponse> Client::GetResults(const v1::GetResultsRequest& request) {
  return Call<v1::JobService::Stub, v1::GetResultsResponse>(stubs_->jobs, &v1::JobService::Stub::GetResults, request);
}

absl::StatusOr<v1::AnalyseJobsResponse> Client::AnalyseJobs(const v1::AnalyseJobsRequest& request) {
  return Call<v1::AnalysisService::Stub, v1::AnalyseJobsResponse>(stubs_->analysis,
                                                                  &v1::AnalysisService::Stub::AnalyseJobs, request);
}

absl::StatusOr<Client::RunList> Client::ListRuns(const std::string& job_id) {
  RunList list;
  v1::ListRunsRequest request;
  request.set_job_id(job_id);
  request.set_page_size(static_cast<int32_t>(kPage));
  do {
    SKEW_ASSIGN_OR_RETURN(const auto page, (Call<v1::RunService::Stub, v1::ListRunsResponse>(
                                               stubs_->runs, &v1::RunService::Stub::ListRuns, request)));
    // Of the first page: what happened while the others were read must be told again.
    if (request.page_token().empty()) list.revision = page.revision();
    list.runs.insert(list.runs.end(), page.runs().begin(), page.runs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return list;
}

absl::StatusOr<std::vector<v1::ClassHistogram>> Client::ListHistograms(const std::string& job_id) {
  std::vector<v1::ClassHistogram> histograms;
  v1::ListHistogramsRequest request;
  request.set_job_id(job_id);
  do {
    SKEW_ASSIGN_OR_RETURN(const auto page, (Call<v1::RunService::Stub, v1::ListHistogramsResponse>(
                                               stubs_->runs, &v1::RunService::Stub::ListHistograms, request)));
    histograms.insert(histograms.end(), page.histograms().begin(), page.histograms().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return histograms;
}

absl::StatusOr<v1::Run> Client::GetRun(const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::GetRun, request);
}

absl::StatusOr<v1::Run> Client::CancelRun(const std::string& run_id) {
  v1::CancelRunRequest request;
  request.set_run_id(run_id);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::CancelRun, request);
}

absl::StatusOr<v1::Run> Client::PauseRun(const std::string& run_id) {
  v1::PauseRunRequest request;
  request.set_run_id(run_id);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::PauseRun, request);
}

absl::StatusOr<v1::Run> Client::ResumeRun(const std::string& run_id) {
  v1::ResumeRunRequest request;
  request.set_run_id(run_id);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::ResumeRun, request);
}

absl::StatusOr<v1::Run> Client::RetryRun(const std::string& run_id) {
  v1::RetryRunRequest request;
  request.set_run_id(run_id);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::RetryRun, request);
}

absl::StatusOr<v1::Run> Client::SetRunPriority(const std::string& run_id, int32_t priority) {
  v1::SetRunPriorityRequest request;
  request.set_run_id(run_id);
  request.set_priority(priority);
  return Call<v1::RunService::Stub, v1::Run>(stubs_->runs, &v1::RunService::Stub::SetRunPriority, request);
}

absl::StatusOr<v1::GetQueueResponse> Client::GetQueue(int32_t max_waiting) {
  v1::GetQueueRequest request;
  request.set_max_waiting(max_waiting);
  return Call<v1::QueueService::Stub, v1::GetQueueResponse>(stubs_->queue, &v1::QueueService::Stub::GetQueue, request);
}

absl::StatusOr<v1::ListSharesResponse> Client::ListShares() {
  return Call<v1::QueueService::Stub, v1::ListSharesResponse>(stubs_->queue, &v1::QueueService::Stub::ListShares,
                                                              v1::ListSharesRequest());
}

absl::StatusOr<v1::Share> Client::SetShare(const v1::SetShareRequest& request) {
  return Call<v1::QueueService::Stub, v1::Share>(stubs_->queue, &v1::QueueService::Stub::SetShare, request);
}

absl::StatusOr<std::vector<v1::Device>> Client::DrainDevice(const std::string& device) {
  v1::DrainDeviceRequest request;
  request.set_device(device);
  SKEW_ASSIGN_OR_RETURN(const auto response, (Call<v1::QueueService::Stub, v1::DrainDeviceResponse>(
                                                 stubs_->queue, &v1::QueueService::Stub::DrainDevice, request)));
  return ToVector(response.devices());
}

absl::StatusOr<std::vector<v1::Device>> Client::UndrainDevice(const std::string& device) {
  v1::UndrainDeviceRequest request;
  request.set_device(device);
  SKEW_ASSIGN_OR_RETURN(const auto response, (Call<v1::QueueService::Stub, v1::UndrainDeviceResponse>(
                                                 stubs_->queue, &v1::QueueService::Stub::UndrainDevice, request)));
  return ToVector(response.devices());
}

absl::StatusOr<std::vector<v1::Artifact>> Client::ListArtifacts(const std::string& id) {
  v1::ListArtifactsRequest request;
  if (id.find('.') == std::string::npos) {
    request.set_job_id(id);
  } else {
    request.set_run_id(id);
  }
  SKEW_ASSIGN_OR_RETURN(const auto response,
                        (Call<v1::ArtifactService::Stub, v1::ListArtifactsResponse>(
                            stubs_->artifacts, &v1::ArtifactService::Stub::ListArtifacts, request)));
  return ToVector(response.artifacts());
}

absl::StatusOr<v1::ServerInfo> Client::GetServerInfo() {
  return Call<v1::ServerService::Stub, v1::ServerInfo>(stubs_->server, &v1::ServerService::Stub::GetServerInfo,
                                                       v1::GetServerInfoRequest());
}

absl::StatusOr<std::vector<v1::Device>> Client::ListDevices() {
  SKEW_ASSIGN_OR_RETURN(const auto response,
                        (Call<v1::ServerService::Stub, v1::ListDevicesResponse>(
                            stubs_->server, &v1::ServerService::Stub::ListDevices, v1::ListDevicesRequest())));
  return ToVector(response.devices());
}

absl::StatusOr<std::vector<v1::Dataset>> Client::ListDatasets() {
  SKEW_ASSIGN_OR_RETURN(const auto response,
                        (Call<v1::ServerService::Stub, v1::ListDatasetsResponse>(
                            stubs_->server, &v1::ServerService::Stub::ListDatasets, v1::ListDatasetsRequest())));
  return ToVector(response.datasets());
}

absl::StatusOr<std::vector<v1::Classifier>> Client::ListClassifiers() {
  SKEW_ASSIGN_OR_RETURN(const auto response,
                        (Call<v1::ServerService::Stub, v1::ListClassifiersResponse>(
                            stubs_->server, &v1::ServerService::Stub::ListClassifiers, v1::ListClassifiersRequest())));
  return ToVector(response.classifiers());
}

}  // namespace skew
