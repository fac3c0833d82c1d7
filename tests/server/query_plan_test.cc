// No statement of the store may take longer because there are more jobs, runs or events than it is about. The
// statements are those that the store has executed: what is checked here is what runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/query_plans.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::IsEmpty;

std::vector<std::string> CostlyStepsOf(TestStore& store, const std::vector<std::string>& statements) {
  const auto db = Database::Open(store.database(), Database::Mode::kReadOnly, absl::Seconds(1));
  EXPECT_TRUE(db.ok()) << db.status();
  return CostlySteps(**db, statements);
}

// Executes everything that the store can be asked for.
class Rehearsal {
 public:
  void Play() {
    SubmitAndList();
    Train();
    Study();
    Recover();
  }
  TestStore& store() { return store_; }

 private:
  void SubmitAndList() {
    NewJob study = TestStore::Study(4, "ada", {{"k", "v"}, {"l", "w"}});
    study.request_id = "request";
    store_.MustSubmit(study);
    EXPECT_TRUE(store_.jobs().Submit(study, TestStore::Training())->existing);
    v1::ListJobsRequest list;
    EXPECT_EQ(store_.jobs().List(list)->jobs_size(), 2);
    list.mutable_filter()->add_states(v1::JOB_QUEUED);
    EXPECT_EQ(store_.jobs().List(list)->jobs_size(), 2);
    list.mutable_filter()->set_owner("ada");
    (*list.mutable_filter()->mutable_labels())["k"] = "v";
    EXPECT_EQ(store_.jobs().List(list)->jobs_size(), 1);
    EXPECT_EQ(store_.jobs().CountRuns()->queued(), 5);
  }

  void Report(const AttemptId& attempt, worker::v1::Report report) {
    report.set_number(store_.runs().LastReport(attempt).value_or(0) + 1);
    const absl::Status status = store_.runs().ApplyReport(attempt, report);
    EXPECT_TRUE(status.ok()) << status;
  }

  Claim Start(const std::string& token) {
    const std::optional<Claim> claim = store_.ClaimNext(token);
    EXPECT_TRUE(claim.has_value());
    EXPECT_TRUE(store_.runs().RecordProcess(claim->attempt, {1, 2, "boot"}).ok());
    EXPECT_TRUE(store_.runs().FindByToken(token).ok());
    worker::v1::Report started;
    started.mutable_started();
    Report(claim->attempt, started);
    return *claim;
  }

  void ReportArtifact(const AttemptId& attempt, const std::string& name) {
    worker::v1::Report artifact;
    artifact.mutable_artifact()->set_name(name);
    artifact.mutable_artifact()->set_digest("digest of " + name);
    Report(attempt, artifact);
  }

  void End(const AttemptId& attempt, v1::RunState state, absl::Time not_before = absl::InfinitePast()) {
    const auto end = store_.runs().EndAttempt(attempt, [&](const AttemptFacts&) {
      return AttemptEnd{state, v1::REASON_UNSPECIFIED, "", not_before};
    });
    EXPECT_TRUE(end.ok()) << end.status();
  }

  void Train() {
    const Claim claim = Start("training");
    ReportArtifact(claim.attempt, "classifier.pt");
    worker::v1::Report finished;
    finished.mutable_finished()->mutable_classifier()->set_digest("judge");
    Report(claim.attempt, finished);
    End(claim.attempt, v1::SUCCEEDED);
    EXPECT_EQ(store_.jobs().ListClassifiers()->size(), 1u);
  }

  void Study() {
    const AttemptId first = Start("first").attempt;
    worker::v1::Report progress;
    progress.mutable_progress()->set_step(1);
    Report(first, progress);
    worker::v1::Report histogram;
    histogram.mutable_histogram()->set_final(true);
    Report(first, histogram);
    ReportArtifact(first, "samples.png");
    worker::v1::Report finished;
    finished.mutable_finished();
    Report(first, finished);
    End(first, v1::SUCCEEDED);
    End(Start("second").attempt, v1::FAILED);
    End(Start("third").attempt, v1::QUEUED, absl::Now() + absl::Hours(1));  // to be tried again
    EXPECT_LT(*store_.runs().NextRetryTime(), absl::InfiniteFuture());
    Read(first.run);
  }

  void Read(RunId run) {
    EXPECT_TRUE(store_.jobs().Get(run.job).ok());
    EXPECT_EQ(store_.jobs().GetWithRuns(run.job)->runs.size(), 4u);
    EXPECT_TRUE(store_.jobs().GetRun(run).ok());
    v1::ListRunsRequest runs;
    runs.set_job_id(run.job.ToString());
    EXPECT_EQ(store_.jobs().ListRuns(runs)->runs_size(), 4);
    runs.add_states(v1::FAILED);
    EXPECT_EQ(store_.jobs().ListRuns(runs)->runs_size(), 1);
    EXPECT_EQ(store_.artifacts().List(run)->size(), 1u);
    EXPECT_EQ(store_.artifacts().List(run.job)->size(), 1u);
    EXPECT_GT(store_.events().Read(run.job, 0, 100)->events.size(), 5u);
    EXPECT_GT(*store_.events().NewestRevision(), 5);
  }

  void Recover() {
    const AttemptId open = Start("open").attempt;
    EXPECT_EQ(store_.runs().OpenAttempts()->size(), 1u);
    EXPECT_TRUE(store_.jobs().Cancel(open.run).ok());
    EXPECT_EQ(store_.runs().CancellingAttempts()->size(), 1u);
    EXPECT_TRUE(store_.jobs().Cancel(open.run.job).ok());
    End(open, v1::CANCELLED);
    NewJob orphan = TestStore::Study(1);
    orphan.classifier_key = "other";
    NewJob training = TestStore::Training();
    training.classifier_key = "other";
    EXPECT_TRUE(store_.jobs().Submit(orphan, training).ok());
    End(Start("other").attempt, v1::FAILED);
    EXPECT_EQ(*store_.runs().FailOrphanedStudies(), 1);
  }

  TestStore store_;
};

TEST(QueryPlanTest, WhatTheStoreExecutesUsesIndexes) {
  Rehearsal rehearsal;
  rehearsal.Play();
  const std::vector<std::string> statements = rehearsal.store().connections().KeptStatements();
  EXPECT_GT(statements.size(), 60u);
  EXPECT_THAT(CostlyStepsOf(rehearsal.store(), statements), IsEmpty());
}

TEST(QueryPlanTest, ScansAndSortsAreFound) {
  TestStore store;
  EXPECT_EQ(CostlyStepsOf(store, {"SELECT id FROM jobs WHERE create_time > ?"}).size(), 1u);
  EXPECT_EQ(CostlyStepsOf(store, {"UPDATE runs SET message = '' WHERE device = ?"}).size(), 1u);
  EXPECT_EQ(CostlyStepsOf(store, {"SELECT COUNT(*) FROM jobs"}).size(), 1u);  // of an index, but of all of it
  EXPECT_EQ(CostlyStepsOf(store, {"SELECT number FROM runs WHERE job_id = ? ORDER BY device"}).size(), 1u);
  EXPECT_THAT(
      CostlyStepsOf(store, {"SELECT id FROM jobs WHERE id = ?", "BEGIN", "INSERT INTO events VALUES (?,?,?,?,?)"}),
      IsEmpty());
}

}  // namespace
}  // namespace skew
