// The server's methods as plain functions.
#ifndef SKEW_CLIENT_CLIENT_H_
#define SKEW_CLIENT_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/retry.h"
#include "client/server_address.h"
#include "grpcpp/security/credentials.h"
#include "skew/v1/access_service.pb.h"
#include "skew/v1/admin_service.pb.h"
#include "skew/v1/analysis_service.pb.h"
#include "skew/v1/device.pb.h"
#include "skew/v1/event.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/queue_service.pb.h"
#include "skew/v1/reuse_service.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/v1/run_service.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// A wrapper over the stubs that retries, pages and resumes. What the methods mean, and their errors, stands in the
// .proto files; added here:
//
//   UNAVAILABLE        is retried, with growing waits. It comes back when the patience is used up, with the address,
//                      where that was read, and the reason.
//   RESOURCE_EXHAUSTED is retried when it says when to try again and the patience lasts until then. A stream that was
//   cut
//                      since it was read too slowly is opened again where it was. No other error is retried.
//   UNAUTHENTICATED    also when the patience is used up on a server that ends the connection before the first call:
//                      one of the two does not take the other's certificate, or only one speaks TLS.
//   DEADLINE_EXCEEDED  a call was not answered within Options::call_deadline, or Options::deadline has passed.
//
// Submitting twice is safe only with a request id. Thread-compatible; calls block.
class Client {
 public:
  struct Options {
    ServerAddress server;
    // Null: without TLS.
    std::shared_ptr<grpc::ChannelCredentials> credentials;
    // For calls, from the first time on that they are to be retried.
    absl::Duration patience = absl::Seconds(10);
    // For streams under way, from their interruption on: long enough for a restart of the server.
    absl::Duration stream_patience = absl::Minutes(2);
    absl::Duration call_deadline = absl::Minutes(1);
    absl::Duration first_wait = absl::Milliseconds(100);
    // Ends every call and stream, and all waiting for a server that is not available.
    absl::Time deadline = absl::InfiniteFuture();
    // Shares no connection with other clients in this process.
    bool own_connection = false;
    // Told once per outage that a call or stream is tried again. May be null.
    std::function<void(absl::string_view note)> on_outage;
  };

  // Connects on first use.
  explicit Client(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  absl::StatusOr<v1::SubmitJobResponse> SubmitJob(const v1::SubmitJobRequest& request);
  absl::StatusOr<v1::Job> GetJob(const std::string& job_id);
  // At most `limit`, over as many pages as that takes.
  absl::StatusOr<std::vector<v1::Job>> ListJobs(const v1::JobFilter& filter, size_t limit);
  absl::StatusOr<v1::Job> CancelJob(const std::string& job_id);
  absl::StatusOr<v1::Job> PauseJob(const std::string& job_id);
  absl::StatusOr<v1::Job> ResumeJob(const std::string& job_id);
  absl::StatusOr<v1::Job> RetryJob(const std::string& job_id);
  absl::StatusOr<v1::Job> SetJobPriority(const std::string& job_id, int32_t priority);
  absl::StatusOr<v1::Job> DeleteJob(const std::string& job_id, bool purge);
  absl::StatusOr<v1::Job> UndeleteJob(const std::string& job_id);
  absl::StatusOr<v1::GetResultsResponse> GetResults(const v1::GetResultsRequest& request);
  absl::StatusOr<v1::AnalyseJobsResponse> AnalyseJobs(const v1::AnalyseJobsRequest& request);

  struct RunList {
    std::vector<v1::Run> runs;
    // A watch that starts here misses nothing that the list does not show.
    int64_t revision = 0;
  };
  absl::StatusOr<RunList> ListRuns(const std::string& job_id);
  // Of all runs, over as many pages as that takes.
  absl::StatusOr<std::vector<v1::ClassHistogram>> ListHistograms(const std::string& job_id);
  absl::StatusOr<v1::Run> GetRun(const std::string& run_id);
  absl::StatusOr<v1::Run> CancelRun(const std::string& run_id);
  absl::StatusOr<v1::Run> PauseRun(const std::string& run_id);
  absl::StatusOr<v1::Run> ResumeRun(const std::string& run_id);
  absl::StatusOr<v1::Run> RetryRun(const std::string& run_id);
  absl::StatusOr<v1::Run> SetRunPriority(const std::string& run_id, int32_t priority);

  absl::StatusOr<v1::GetQueueResponse> GetQueue(int32_t max_waiting);
  absl::StatusOr<v1::ListSharesResponse> ListShares();
  absl::StatusOr<v1::Share> SetShare(const v1::SetShareRequest& request);
  // An empty name means all devices. Returns the server's devices.
  absl::StatusOr<std::vector<v1::Device>> DrainDevice(const std::string& device);
  absl::StatusOr<std::vector<v1::Device>> UndrainDevice(const std::string& device);

  // Of a run ("j17.3") or of all runs of a job ("j17").
  absl::StatusOr<std::vector<v1::Artifact>> ListArtifacts(const std::string& id);

  absl::StatusOr<v1::ServerInfo> GetServerInfo();
  absl::StatusOr<std::vector<v1::Device>> ListDevices();
  absl::StatusOr<std::vector<v1::Dataset>> ListDatasets();
  absl::StatusOr<std::vector<v1::Classifier>> ListClassifiers();

  absl::StatusOr<v1::SubmitJobResponse> ExtendJob(const v1::ExtendJobRequest& request);
  absl::StatusOr<v1::SubmitJobResponse> ReproduceRun(const v1::ReproduceRunRequest& request);
  absl::StatusOr<v1::CompareRunsResponse> CompareRuns(const v1::CompareRunsRequest& request);

  absl::StatusOr<v1::WhoAmIResponse> WhoAmI();
  absl::StatusOr<v1::User> CreateUser(const v1::CreateUserRequest& request);
  absl::StatusOr<std::vector<v1::User>> ListUsers();
  absl::StatusOr<v1::User> UpdateUser(const v1::UpdateUserRequest& request);
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request);
  // Of `user`; empty: one's own.
  absl::StatusOr<std::vector<v1::Token>> ListTokens(const std::string& user);
  absl::StatusOr<v1::Token> RevokeToken(const std::string& token_id);
  // At most `limit`, over as many pages as that takes. Page size and token of `request` do not count.
  absl::StatusOr<std::vector<v1::AuditEvent>> ListAuditEvents(v1::ListAuditEventsRequest request, size_t limit);

  // As long as they take: Options::call_deadline does not count.
  absl::StatusOr<v1::BackUpResponse> BackUp(const std::string& name);
  absl::StatusOr<v1::CheckArtifactsResponse> CheckArtifacts();
  absl::StatusOr<v1::CollectGarbageResponse> CollectGarbage(bool dry_run);
  absl::StatusOr<std::vector<v1::QuarantinedContent>> ListQuarantine();

  // Calls `on_event` with every event of the job after `after_revision` until the job has finished; then returns OK.
  // A stream that was cut, or that the server ended for another reason, is opened again after the last event seen.
  // DATA_LOSS when the events' sequence has a gap or a repeat (from 0 it must begin with 1); OUT_OF_RANGE when the
  // server does not keep those that come next any more. An error of `on_event` ends the watch and is returned.
  absl::Status WatchJob(const std::string& job_id, int64_t after_revision,
                        const std::function<absl::Status(const v1::Event&)>& on_event);

  // The same for the events of all jobs that `filter` lets through, whose states and `deleted` must not be set. It ends
  // with an error only.
  absl::Status WatchJobs(const v1::JobFilter& filter, int64_t after_revision,
                         const std::function<absl::Status(const v1::Event&)>& on_event);

  // Calls `on_data` with the pieces of an attempt's log (0: the newest). Interrupted streams go on where they were.
  absl::Status ReadLog(const std::string& run_id, int32_t attempt, bool follow,
                       const std::function<absl::Status(absl::string_view)>& on_data);

  // Calls `on_data` with the pieces of an artifact's content and returns its description. Interrupted streams go on
  // where they were. DATA_LOSS when the content does not have the digest and size that the server names.
  absl::StatusOr<v1::Artifact> ReadArtifact(const std::string& run_id, const std::string& name,
                                            const std::function<absl::Status(absl::string_view)>& on_data);

 private:
  struct Stubs;

  // One unary call, with retries.
  template <typename Stub, typename Response, typename Method, typename Request>
  absl::StatusOr<Response> Call(const std::unique_ptr<Stub>& stub, Method method, const Request& request);
  // The same with another limit than Options::call_deadline.
  template <typename Stub, typename Response, typename Method, typename Request>
  absl::StatusOr<Response> CallWithin(absl::Duration limit, const std::unique_ptr<Stub>& stub, Method method,
                                      const Request& request);
  // A watch over as many streams as it takes: `open` opens one with a context, after a revision.
  template <typename Order, typename Open>
  absl::Status Follow(const std::string& what, Order order, Open open,
                      const std::function<absl::Status(const v1::Event&)>& on_event);
  // Repeats `attempt` while that can help and `retry` has patience.
  absl::Status Repeat(Retry& retry, const std::function<absl::Status()>& attempt) const;
  Retry CallRetry() const { return {options_.patience, options_.first_wait, options_.deadline}; }
  Retry StreamRetry() const { return {options_.stream_patience, options_.first_wait, options_.deadline}; }
  absl::Status Explain(const absl::Status& status) const;

  const Options options_;
  const std::unique_ptr<Stubs> stubs_;
};

}  // namespace skew

#endif  // SKEW_CLIENT_CLIENT_H_
