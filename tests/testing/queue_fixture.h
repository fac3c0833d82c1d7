// What tests of the queue share.
#ifndef SKEW_TESTS_TESTING_QUEUE_FIXTURE_H_
#define SKEW_TESTS_TESTING_QUEUE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "tests/testing/test_daemon.h"

namespace skew {

// A daemon with scripted workers, and what users ask of its queue.
class QueueFixture : public ::testing::Test {
 protected:
  grpc::Status Submit(const std::string& owner, v1::SubmitJobRequest request, v1::SubmitJobResponse& response) {
    grpc::ClientContext context;
    daemon_.CallAs(context, owner);
    request.set_no_reuse(true);  // every script is to run
    return daemon_.jobs().SubmitJob(&context, request, &response);
  }

  std::string MustSubmit(const std::string& owner, const v1::JobSpec& spec,
                         const std::function<void(v1::SubmitJobRequest&)>& adjust = nullptr) {
    v1::SubmitJobRequest request;
    *request.mutable_spec() = spec;
    if (adjust) adjust(request);
    v1::SubmitJobResponse response;
    const grpc::Status status = Submit(owner, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.job().id();
  }

  static v1::JobSpec Spec(const std::string& script, int32_t iterations = 1) {
    v1::JobSpec spec = TestDaemon::Spec(script);
    spec.set_iterations(iterations);
    return spec;
  }

  // A job whose run holds the only device until it is cancelled. The classifier is there afterwards.
  std::string Occupy(const std::string& owner = "ada") {
    std::string job = MustSubmit(owner, Spec("wait"));
    AwaitState(job, v1::RUNNING);
    return job;
  }

  void AwaitState(const std::string& job, v1::RunState state) {
    daemon_.WatchUntil(job, [state](const v1::Event& event) { return event.run_state().state() == state; });
  }

  template <typename Request, typename Response>
  grpc::Status CallJob(grpc::Status (v1::JobService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                       const std::string& job, Response& response,
                       const std::function<void(Request&)>& adjust = nullptr) {
    grpc::ClientContext context;
    Request request;
    request.set_job_id(job);
    if (adjust) adjust(request);
    return (daemon_.jobs().*method)(&context, request, &response);
  }

  v1::Job Pause(const std::string& job) {
    v1::Job response;
    EXPECT_TRUE(CallJob(&v1::JobService::Stub::PauseJob, job, response).ok());
    return response;
  }
  v1::Job Resume(const std::string& job) {
    v1::Job response;
    EXPECT_TRUE(CallJob(&v1::JobService::Stub::ResumeJob, job, response).ok());
    return response;
  }
  void Cancel(const std::string& job) {
    v1::Job response;
    EXPECT_TRUE(CallJob(&v1::JobService::Stub::CancelJob, job, response).ok());
  }
  grpc::Status SetPriority(const std::string& job, int32_t priority, v1::Job& response) {
    return CallJob<v1::SetJobPriorityRequest, v1::Job>(
        &v1::JobService::Stub::SetJobPriority, job, response,
        [priority](v1::SetJobPriorityRequest& request) { request.set_priority(priority); });
  }

  v1::Share SetShare(const std::string& user, const std::function<void(v1::SetShareRequest&)>& adjust) {
    grpc::ClientContext context;
    v1::SetShareRequest request;
    request.set_user(user);
    adjust(request);
    v1::Share share;
    EXPECT_TRUE(daemon_.queue().SetShare(&context, request, &share).ok());
    return share;
  }

  std::map<std::string, v1::Share> Shares() {
    grpc::ClientContext context;
    v1::ListSharesResponse response;
    EXPECT_TRUE(daemon_.queue().ListShares(&context, {}, &response).ok());
    std::map<std::string, v1::Share> shares;
    for (const v1::Share& share : response.shares()) shares[share.user()] = share;
    return shares;
  }

  v1::GetQueueResponse Queue() {
    grpc::ClientContext context;
    v1::GetQueueResponse response;
    EXPECT_TRUE(daemon_.queue().GetQueue(&context, {}, &response).ok());
    return response;
  }

  absl::Time StartOf(const std::string& run) {
    const v1::Run stored = daemon_.GetRun(run);
    EXPECT_TRUE(stored.has_start_time()) << run;
    return FromProto(stored.start_time());
  }

  // What the attempts of a job's first runs took, in sum.
  double SecondsOf(const std::string& job, int runs) {
    double seconds = 0;
    for (int i = 1; i <= runs; ++i) {
      const v1::Run stored = daemon_.GetRun(absl::StrCat(job, ".", i));
      for (const v1::Attempt& attempt : stored.attempts()) {
        EXPECT_TRUE(attempt.has_end_time()) << stored.id();
        seconds += absl::ToDoubleSeconds(FromProto(attempt.end_time()) - FromProto(attempt.start_time()));
      }
    }
    return seconds;
  }

  TestDaemon daemon_;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_QUEUE_FIXTURE_H_
