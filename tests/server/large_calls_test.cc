// Calls that are large: what is refused, and when, and what has to wait for its turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "skew/v1/analysis_service.grpc.pb.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// With a name of so many bytes.
v1::JobSpec SpecOf(size_t bytes) {
  v1::JobSpec spec = TestDaemon::Spec("finish");
  spec.set_name(std::string(bytes, 'x'));
  return spec;
}

// To explain itself to a client, a specification that is too large need not be much larger than that.
TEST(LargeSubmissionTest, IsNotReadAboveTwoMebibytes) {
  TestDaemon daemon;
  v1::SubmitJobResponse response;
  grpc::Status status = daemon.Submit(SpecOf(size_t{3} << 19), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("at most 1048576 are accepted"));
  status = daemon.Submit(SpecOf(size_t{3} << 20), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

// To look for what the request has made before, its specification is copied and filled in.
TEST(LargeSubmissionTest, IsRefusedBeforeItIsLookedFor) {
  TestDaemon daemon;
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon.Submit(TestDaemon::Spec("finish"), response, "again").ok());
  EXPECT_EQ(daemon.Submit(SpecOf(9), response, "again").error_code(), grpc::StatusCode::ALREADY_EXISTS);
  for (const bool validate_only : {false, true}) {
    const grpc::Status status = daemon.Submit(SpecOf(size_t{3} << 19), response, "again", validate_only);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("spec: "));
  }
}

// Nothing is written while this is there, so that calls that write do not end.
class HeldWriter {
 public:
  explicit HeldWriter(Connections& connections)
      : writer_([&] {
          const absl::Status written = connections.Write(absl::Now(), [&](WriteScope&) {
            held_.Notify();
            go_on_.WaitForNotification();
            return absl::OkStatus();
          });
          EXPECT_TRUE(written.ok()) << written;
        }) {
    held_.WaitForNotification();
  }
  ~HeldWriter() {
    go_on_.Notify();
    writer_.join();
  }

 private:
  absl::Notification held_;
  absl::Notification go_on_;
  std::thread writer_;
};

class LargeCallTest : public ::testing::Test {
 protected:
  // Three bias points; with 667 iterations just above what needs no turn.
  static v1::JobSpec Spec(int32_t iterations) {
    v1::JobSpec spec = TestDaemon::Spec("finish");
    spec.mutable_bias()->mutable_varied()->add_counts(6);
    spec.mutable_bias()->mutable_varied()->add_counts(7);
    spec.set_iterations(iterations);
    return spec;
  }

  grpc::Status Extend(const std::string& job, int32_t iterations, grpc::ClientContext& context) {
    v1::ExtendJobRequest request;
    request.set_job_id(job);
    request.set_iterations(iterations);
    request.set_validate_only(true);
    v1::SubmitJobResponse response;
    return daemon_.reuse().ExtendJob(&context, request, &response);
  }

  grpc::Status Validate(int32_t iterations, grpc::ClientContext& context) {
    v1::SubmitJobRequest request;
    *request.mutable_spec() = Spec(iterations);
    request.set_validate_only(true);
    v1::SubmitJobResponse response;
    return daemon_.jobs().SubmitJob(&context, request, &response);
  }

  grpc::Status ListArtifacts(const v1::ListArtifactsRequest& request, grpc::ClientContext& context) {
    v1::ListArtifactsResponse response;
    return daemon_.artifacts().ListArtifacts(&context, request, &response);
  }

  // Calls are cut after a moment; those that have to wait for a turn while another has it come to that.
  static void ExpectWaits(const std::function<grpc::Status(grpc::ClientContext&)>& call) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
    const grpc::Status status = call(context);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  }
  static void ExpectWaitsNot(const std::function<grpc::Status(grpc::ClientContext&)>& call) {
    grpc::ClientContext context;
    const grpc::Status status = call(context);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  TestDaemon daemon_{[](Daemon::Options& options) { options.limits.large_reads = {1, 1}; }};
};

TEST_F(LargeCallTest, JobsOfManyRunsAndListsOfAllTheirArtifactsTakeTurns) {
  const std::string job = daemon_.MustSubmit(Spec(1));
  daemon_.Await(job);
  v1::ListArtifactsRequest of_job;
  of_job.set_job_id(job);
  v1::ListArtifactsRequest of_run;
  of_run.set_run_id(job + ".1");
  const OpenStreams& open = daemon_.daemon().open_streams();
  std::thread submitter;
  {
    const HeldWriter held(daemon_.daemon().connections());
    submitter = std::thread([&] {
      v1::SubmitJobResponse response;
      const grpc::Status status = daemon_.Submit(Spec(667), response);
      EXPECT_TRUE(status.ok()) << status.error_message();
    });
    EXPECT_TRUE(Comes([&] { return open.count(OpenStreams::Kind::kLargeRead) == 1; }));
    ExpectWaits([&](grpc::ClientContext& context) { return Validate(667, context); });
    ExpectWaits([&](grpc::ClientContext& context) { return Extend(job, 667, context); });
    ExpectWaits([&](grpc::ClientContext& context) { return ListArtifacts(of_job, context); });
    ExpectWaitsNot([&](grpc::ClientContext& context) { return Validate(666, context); });
    ExpectWaitsNot([&](grpc::ClientContext& context) { return Extend(job, 666, context); });
    ExpectWaitsNot([&](grpc::ClientContext& context) { return ListArtifacts(of_run, context); });
  }
  submitter.join();
  EXPECT_TRUE(Comes([&] { return open.count(OpenStreams::Kind::kLargeRead) == 0; }));
  ExpectWaitsNot([&](grpc::ClientContext& context) { return Extend(job, 667, context); });
  ExpectWaitsNot([&](grpc::ClientContext& context) { return ListArtifacts(of_job, context); });
}

TEST_F(LargeCallTest, RunsThatAreAnalysedTogetherAreBounded) {
  const std::string job = daemon_.MustSubmit(Spec(1));
  daemon_.Await(job);
  const auto analyse = [&] {
    grpc::ClientContext context;
    v1::AnalyseJobsRequest request;
    request.add_job_ids(job);
    v1::AnalyseJobsResponse response;
    return v1::AnalysisService::NewStub(daemon_.channel())->AnalyseJobs(&context, request, &response);
  };
  EXPECT_TRUE(analyse().ok());
  const absl::Status grown = daemon_.daemon().connections().Write(absl::Now(), [&](WriteScope& scope) {
    return scope.db.Prepare("UPDATE jobs SET runs_total = 100001 WHERE kind = 1").Run();
  });
  ASSERT_TRUE(grown.ok()) << grown;
  const grpc::Status status = analyse();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("100001 runs in all; at most 100000 are analysed together"));
}

TEST_F(LargeCallTest, LabelsThatAreAskedForAreBounded) {
  const auto list = [&](int labels) {
    grpc::ClientContext context;
    v1::ListJobsRequest request;
    for (int i = 0; i < labels; ++i) (*request.mutable_filter()->mutable_labels())[absl::StrCat(i)] = "x";
    v1::ListJobsResponse response;
    return daemon_.jobs().ListJobs(&context, request, &response);
  };
  EXPECT_TRUE(list(16).ok());
  const grpc::Status status = list(17);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("filter.labels: 17 labels; no job has more than 16"));
}

}  // namespace
}  // namespace skew
