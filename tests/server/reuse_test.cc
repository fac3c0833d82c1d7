// What was done is not done again: as the daemon's clients see it. Only the training is scripted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/sqlite.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class ReuseTest : public ::testing::Test {
 protected:
  ReuseTest() { daemon_.AllowReuse(); }

  // Two models at two bias points; scripted workers say that they compute in BF16.
  static v1::JobSpec Spec(int32_t iterations = 1) {
    v1::JobSpec spec = TestDaemon::Spec("finish");
    spec.add_models()->mutable_dcgan()->set_precision(v1::BF16);
    spec.mutable_bias()->mutable_varied()->add_counts(10);
    spec.set_iterations(iterations);
    return spec;
  }

  // Trained to its end.
  std::string Trained(const v1::JobSpec& spec) {
    std::string id = daemon_.MustSubmit(spec);
    EXPECT_EQ(daemon_.Await(id).state(), v1::JOB_SUCCEEDED);
    return id;
  }

  std::vector<v1::Run> Runs(const std::string& job) {
    grpc::ClientContext context;
    v1::ListRunsRequest request;
    request.set_job_id(job);
    v1::ListRunsResponse response;
    EXPECT_TRUE(daemon_.runs().ListRuns(&context, request, &response).ok());
    return {response.runs().begin(), response.runs().end()};
  }

  std::string Results(const std::string& job) {
    grpc::ClientContext context;
    v1::GetResultsRequest request;
    request.set_job_id(job);
    v1::GetResultsResponse response;
    EXPECT_TRUE(daemon_.jobs().GetResults(&context, request, &response).ok());
    std::string text;
    for (const v1::ResultCell& cell : response.cells()) text += cell.DebugString();
    return text;
  }

  grpc::Status ReadArtifact(const std::string& run, std::string& content) {
    grpc::ClientContext context;
    v1::ReadArtifactRequest request;
    request.set_run_id(run);
    request.set_name("samples.txt");
    const auto stream = daemon_.artifacts().ReadArtifact(&context, request);
    v1::ReadArtifactResponse response;
    content.clear();
    while (stream->Read(&response)) content += response.data();
    return stream->Finish();
  }

  grpc::Status Extend(const std::string& job, int32_t iterations, v1::SubmitJobResponse& response,
                      bool validate_only = false) {
    grpc::ClientContext context;
    v1::ExtendJobRequest request;
    request.set_job_id(job);
    request.set_iterations(iterations);
    request.set_validate_only(validate_only);
    return daemon_.reuse().ExtendJob(&context, request, &response);
  }

  grpc::Status Reproduce(const std::string& run, v1::SubmitJobResponse& response, const std::string& request_id = "") {
    grpc::ClientContext context;
    v1::ReproduceRunRequest request;
    request.set_run_id(run);
    request.set_request_id(request_id);
    return daemon_.reuse().ReproduceRun(&context, request, &response);
  }

  grpc::Status Compare(const std::string& run, const std::string& other, v1::CompareRunsResponse& response) {
    grpc::ClientContext context;
    v1::CompareRunsRequest request;
    request.set_run_id(run);
    request.set_other_run_id(other);
    return daemon_.reuse().CompareRuns(&context, request, &response);
  }

  void Execute(const std::string& sql) {
    const auto db =
        Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadWriteCreate, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    const absl::Status status = (*db)->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }

  TestDaemon daemon_;
};

TEST_F(ReuseTest, TheSameStudyIsDoneAtOnce) {
  const std::string first = Trained(Spec(2));
  v1::JobSpec again = Spec(2);
  again.set_name("under another name");
  again.clear_labels();
  again.set_max_attempts(1);
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.Submit(again, response, "", /*validate_only=*/true).ok());
  EXPECT_EQ(response.job().runs().reused(), 8);
  EXPECT_EQ(response.job().state(), v1::JOB_SUCCEEDED);
  EXPECT_FALSE(response.job().has_outlook());  // nothing is left to wait for
  response.Clear();
  ASSERT_TRUE(daemon_.Submit(again, response).ok());
  EXPECT_EQ(response.job().state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(response.job().runs().reused(), 8);
  EXPECT_THAT(response.notes(), Contains("8 of 8 runs done already: answered from the store"));
  const std::string second = response.job().id();
  EXPECT_EQ(Results(second), Results(first));
  for (const v1::Run& run : Runs(second)) {
    EXPECT_EQ(run.reused_from(), absl::StrCat(first, run.id().substr(second.size())));
    EXPECT_EQ(run.attempts_size(), 0);
    std::string content;
    EXPECT_TRUE(ReadArtifact(run.id(), content).ok());
    EXPECT_EQ(content, "samples of " + run.reused_from());
  }
  const auto responses = daemon_.Watch(second);
  EXPECT_EQ(responses.size(), 1 + 8 * 2 + 1u);  // accepted; a histogram and a state of each; the end
  EXPECT_EQ(responses.back().end().cause(), v1::StreamEnd::JOB_FINISHED);
}

TEST_F(ReuseTest, TheLogIsWhereTheRunWasTrained) {
  Trained(Spec());
  const std::string second = Trained(Spec());
  grpc::ClientContext context;
  v1::ReadLogRequest request;
  request.set_run_id(second + ".1");
  const auto stream = daemon_.runs().ReadLog(&context, request);
  v1::ReadLogResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("see the log of j2.1"));
}

TEST_F(ReuseTest, WhoeverForcesItTrains) {
  Trained(Spec());
  grpc::ClientContext context;
  v1::SubmitJobRequest request;
  *request.mutable_spec() = Spec();
  request.set_no_reuse(true);
  request.set_request_id("forced");
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.jobs().SubmitJob(&context, request, &response).ok());
  EXPECT_TRUE(response.job().no_reuse());
  const v1::Job job = daemon_.Await(response.job().id());
  EXPECT_EQ(job.runs().reused(), 0);
  for (const v1::Run& run : Runs(job.id())) EXPECT_EQ(run.attempts_size(), 1);
  EXPECT_EQ(daemon_.Submit(Spec(), response, "forced").error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(ReuseTest, AnotherSeedIsAnotherStudy) {
  Trained(Spec());
  v1::JobSpec other = Spec();
  other.set_seed(8);
  EXPECT_EQ(daemon_.GetJob(Trained(other)).runs().reused(), 0);
}

TEST_F(ReuseTest, AStudyThatWaitsBehindItsTwinIsAnsweredWithIt) {
  const std::string first = daemon_.MustSubmit(Spec());
  const std::string second = daemon_.MustSubmit(Spec());
  daemon_.Await(first);
  const v1::Job job = daemon_.Await(second);
  EXPECT_EQ(job.state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(job.runs().reused(), 4);
}

TEST_F(ReuseTest, AStudyWithMoreIterationsTrainsTheNewOnes) {
  Trained(Spec(8));
  const v1::Job job = daemon_.GetJob(Trained(Spec(10)));
  EXPECT_EQ(job.runs().total(), 40);
  EXPECT_EQ(job.runs().reused(), 32);
  for (const v1::Run& run : Runs(job.id())) {
    EXPECT_EQ(run.attempts_size(), run.iteration() < 8 ? 0 : 1) << run.id();
  }
}

TEST_F(ReuseTest, AStudyThatStopsWhenItKnowsGrowsFromItsAnswers) {
  Trained(Spec(3));
  v1::SubmitJobRequest request;
  *request.mutable_spec() = Spec(4);
  request.mutable_spec()->mutable_stop()->set_class_(request.spec().bias().varied().class_());
  request.mutable_spec()->mutable_stop()->set_half_width(1e-6);
  request.set_paused(true);
  grpc::ClientContext context;
  v1::SubmitJobResponse response;
  ASSERT_TRUE(daemon_.jobs().SubmitJob(&context, request, &response).ok());
  // A fourth iteration of each of the four cells, which waits as the job does.
  EXPECT_EQ(response.job().runs().reused(), 12);
  EXPECT_EQ(response.job().runs().queued(), 4);
  EXPECT_TRUE(response.job().paused());
  grpc::ClientContext resuming;
  v1::ResumeJobRequest resume;
  resume.set_job_id(response.job().id());
  v1::Job job;
  ASSERT_TRUE(daemon_.jobs().ResumeJob(&resuming, resume, &job).ok());
  EXPECT_EQ(daemon_.Await(job.id()).runs().succeeded(), 16);
}

TEST_F(ReuseTest, AJobIsExtended) {
  const std::string first = Trained(Spec(2));
  v1::SubmitJobResponse response;
  ASSERT_TRUE(Extend(first, 3, response, /*validate_only=*/true).ok());
  EXPECT_EQ(response.job().id(), "");
  EXPECT_EQ(response.job().runs().reused(), 8);
  EXPECT_TRUE(response.job().has_outlook());
  response.Clear();
  ASSERT_TRUE(Extend(first, 3, response).ok());
  const v1::Job job = daemon_.Await(response.job().id());
  EXPECT_EQ(job.state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(job.spec().iterations(), 3);
  EXPECT_EQ(job.runs().total(), 12);
  EXPECT_EQ(job.runs().reused(), 8);
  EXPECT_EQ(daemon_.GetJob(first).spec().iterations(), 2);
}

TEST_F(ReuseTest, ARuleOfBeforeItsClassWasRequiredIsOfClass0) {
  v1::JobSpec spec = Spec(3);
  spec.mutable_stop()->set_class_(0);
  spec.mutable_stop()->set_half_width(0.4);
  const std::string job = Trained(spec);
  v1::JobSpec old = daemon_.GetJob(job).spec();
  old.mutable_stop()->clear_class_();
  Execute(absl::StrCat("UPDATE jobs SET spec = x'", absl::BytesToHexString(old.SerializeAsString()), "' WHERE id = 2"));
  EXPECT_TRUE(daemon_.GetJob(job).spec().stop().has_class_());
  v1::SubmitJobResponse response;
  ASSERT_TRUE(Extend(job, 4, response).ok());
  EXPECT_TRUE(daemon_.GetJob(response.job().id()).spec().stop().has_class_());
}

TEST_F(ReuseTest, WhatCannotBeExtendedIsRefused) {
  const std::string job = Trained(Spec(2));
  v1::SubmitJobResponse response;
  grpc::Status status = Extend(job, 2, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto violations = FieldViolations(FromGrpc(status));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field(), "iterations");
  EXPECT_EQ(violations[0].description(), "2 is not more than the 2 that job j2 has");
  EXPECT_EQ(Extend(job, 1001, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Extend("j99", 3, response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Extend("x", 3, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Extend("j1", 3, response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  ASSERT_TRUE(Reproduce(job + ".1", response).ok());
  EXPECT_EQ(Extend(response.job().id(), 3, response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  Execute("UPDATE jobs SET dataset_digest = 'of before' WHERE id = 2");
  status = Extend(job, 3, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("job j2 was made with of before"));
}

TEST_F(ReuseTest, ARunIsReproduced) {
  const std::string first = Trained(Spec(2));
  const v1::Run original = daemon_.GetRun(first + ".7");
  v1::SubmitJobResponse response;
  ASSERT_TRUE(Reproduce(original.id(), response).ok());
  const v1::Job job = daemon_.Await(response.job().id());
  EXPECT_EQ(job.state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(job.reproduces(), original.id());
  EXPECT_EQ(job.spec().name(), "reproduction of j2.7");
  EXPECT_EQ(job.runs().total(), 1);
  const v1::Run run = daemon_.GetRun(job.id() + ".1");
  EXPECT_EQ(run.attempts_size(), 1);
  EXPECT_EQ(run.content_key(), original.content_key());
  EXPECT_EQ(run.seed(), original.seed());
  EXPECT_EQ(run.iteration(), original.iteration());
  v1::CompareRunsResponse comparison;
  ASSERT_TRUE(Compare(original.id(), run.id(), comparison).ok());
  // The scripted worker writes the run's name into its samples and manifest.
  EXPECT_EQ(comparison.verdict(), v1::CompareRunsResponse::STATISTICALLY_EQUAL);
  EXPECT_THAT(comparison.differences(), ::testing::ElementsAre("training images", "artifact samples.txt"));
  EXPECT_EQ(comparison.chi_square_p(), 1);
  ASSERT_TRUE(Compare(original.id(), original.id(), comparison).ok());
  EXPECT_EQ(comparison.verdict(), v1::CompareRunsResponse::BIT_EQUAL);
}

TEST_F(ReuseTest, TheSameRequestReproducesOnce) {
  const std::string first = Trained(Spec());
  v1::SubmitJobResponse one;
  v1::SubmitJobResponse other;
  ASSERT_TRUE(Reproduce(first + ".1", one, "request").ok());
  ASSERT_TRUE(Reproduce(first + ".1", other, "request").ok());
  EXPECT_EQ(one.job().id(), other.job().id());
  EXPECT_TRUE(other.existing());
  EXPECT_EQ(Reproduce(first + ".2", other, "request").error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(ReuseTest, WhatCannotBeReproducedIsRefused) {
  const std::string job = Trained(Spec());
  v1::SubmitJobResponse response;
  EXPECT_EQ(Reproduce("j2.99", response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reproduce("j2", response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Reproduce("j1.1", response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::JobSpec failing = TestDaemon::Spec("fail");
  failing.set_seed(99);
  const std::string failed = daemon_.MustSubmit(failing);
  daemon_.Await(failed);
  grpc::Status status = Reproduce(failed + ".1", response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("has failed"));
  v1::CompareRunsResponse comparison;
  EXPECT_EQ(Compare(job + ".1", failed + ".1", comparison).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Compare(job + ".1", "j99.1", comparison).error_code(), grpc::StatusCode::NOT_FOUND);
  Execute("UPDATE runs SET classifier_digest = 'replaced' WHERE job_id = 2");
  status = Reproduce(job + ".1", response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("classifier replaced"));
}

TEST_F(ReuseTest, RunsOfDifferentJudgesAreNotComparedUnlessAllowed) {
  const std::string job = Trained(Spec());
  Execute(
      "UPDATE histograms SET data = CAST(replace(CAST(data AS TEXT), 'scripted', 'replaced') AS BLOB) "
      "WHERE job_id = 2 AND run_number = 1");
  v1::CompareRunsResponse comparison;
  const grpc::Status compared = Compare(job + ".1", job + ".2", comparison);
  EXPECT_EQ(compared.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(compared.error_message(), HasSubstr("judges replaced and scripted"));
  v1::GetResultsRequest request;
  request.set_job_id(job);
  v1::GetResultsResponse response;
  const auto get = [&] {
    grpc::ClientContext context;
    return daemon_.jobs().GetResults(&context, request, &response);
  };
  const grpc::Status refused = get();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("2 different classifiers (replaced, scripted)"));
  request.set_allow_different_judges(true);
  EXPECT_TRUE(get().ok());
  EXPECT_FALSE(response.cells().empty());
}

TEST_F(ReuseTest, AnAnswerOutlivesTheOriginal) {
  const std::string first = Trained(Spec());
  const std::string second = Trained(Spec());
  const std::string results = Results(second);
  std::string content;
  ASSERT_TRUE(ReadArtifact(second + ".1", content).ok());
  for (const char* table : {"histograms", "artifacts", "attempts", "queue", "runs", "events", "job_labels"}) {
    Execute(absl::StrCat("DELETE FROM ", table, " WHERE job_id = 2"));
  }
  Execute("DELETE FROM jobs WHERE id = 2");
  EXPECT_EQ(Results(second), results);
  std::string again;
  EXPECT_TRUE(ReadArtifact(second + ".1", again).ok());
  EXPECT_EQ(again, content);
  EXPECT_EQ(daemon_.GetRun(second + ".1").reused_from(), "j2.1");
}

}  // namespace
}  // namespace skew
