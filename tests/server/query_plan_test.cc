// No statement of the store may take longer because there are more jobs, runs or events than it is about. The
// statements are those that the store has executed: what is checked here is what runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/digest.h"
#include "common/file.h"
#include "server/store/garbage_collector.h"
#include "tests/testing/query_plans.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::StartsWith;

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
    Reuse();
    Queue();
    GiveAccess();
    CheckArtifacts();
    CollectGarbage();
  }
  TestStore& store() { return store_; }

 private:
  void SubmitAndList() {
    NewJob study = TestStore::Study(4, "ada", {{"k", "v"}, {"l", "w"}});
    study.request_id = "request";
    store_.MustSubmit(study);
    EXPECT_TRUE(store_.jobs().Submit(study, {TestStore::Training()}, TestStore::Ada())->existing);
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
      AttemptEnd end;
      end.state = state;
      end.not_before = not_before;
      end.peak_bytes = 1;
      return end;
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
    EXPECT_LT(*store_.runs().NextRetryTime(absl::UnixEpoch()), absl::InfiniteFuture());
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
    v1::JobFilter all;
    EXPECT_GT(store_.events().ReadAll(all, 0, 100)->events.size(), 5u);
    all.set_owner("ada");
    all.set_kind(v1::STUDY);
    (*all.mutable_labels())["none"] = "has it";
    EXPECT_EQ(store_.events().ReadAll(all, 0, 100)->events.size(), 0u);
  }

  void Reuse() {
    NewJob study = TestStore::Study(1);
    study.runs[0].set_content_key("content");
    const JobId first = store_.MustSubmit(study);
    const JobId twin = store_.MustSubmit(study);
    const AttemptId attempt = Start("content").attempt;
    EXPECT_EQ(attempt.run.job, first);
    worker::v1::Report histogram;
    histogram.mutable_histogram()->set_final(true);
    histogram.mutable_histogram()->set_classifier_digest("judge");
    Report(attempt, histogram);
    ReportArtifact(attempt, "samples.png");
    End(attempt, v1::SUCCEEDED);
    EXPECT_EQ(store_.jobs().GetRun(RunId{twin, 1})->reused_from(), attempt.run.ToString());
    EXPECT_EQ(store_.reuse().FindAnswers(study)->size(), 1u);
    EXPECT_EQ(store_.jobs().Get(store_.MustSubmit(study))->runs().reused(), 1);
    EXPECT_EQ(store_.reuse().ReadRecord(attempt.run)->artifacts.size(), 1u);
  }

  void Recover() {
    const AttemptId open = Start("open").attempt;
    EXPECT_EQ(store_.runs().OpenAttempts()->size(), 1u);
    EXPECT_TRUE(store_.queue().ReadAll(8, "ada").ok());  // whose only run that is queued waits for its time
    EXPECT_TRUE(store_.jobs().Cancel(open.run, TestStore::Ada()).ok());
    EXPECT_EQ(store_.runs().CancellingAttempts()->size(), 1u);
    EXPECT_TRUE(store_.jobs().Cancel(open.run.job, TestStore::Ada()).ok());
    End(open, v1::CANCELLED);
    NewJob orphan = TestStore::Study(1);
    orphan.classifier_key = "other";
    NewJob training = TestStore::Training();
    training.classifier_key = "other";
    EXPECT_TRUE(store_.jobs().Submit(orphan, {training}, TestStore::Ada()).ok());
    End(Start("other").attempt, v1::FAILED);
    EXPECT_EQ(*store_.runs().FailOrphanedStudies(), 1);
  }

  // On the study that Recover left cancelled.
  void Queue() {
    QueueStore& queue = store_.queue();
    const Actor ada = TestStore::Ada();
    NewJob study = TestStore::Study(3);
    study.priority = 2;
    study.need.set_memory_bytes(1);
    const JobId job = store_.MustSubmit(study);
    NewJob next = TestStore::Study(1);
    next.after = {job};
    const JobId after = store_.MustSubmit(next);
    EXPECT_TRUE(queue.SetPriority(RunId{job, 2}, 3, ada).ok());
    EXPECT_TRUE(queue.SetPriority(job, 4, ada).ok());
    const Claim open = Start("paused");
    EXPECT_TRUE(queue.SetPaused(open.attempt.run, true, ada).ok());
    EXPECT_EQ(store_.runs().PausedAttempts()->size(), 1u);
    EXPECT_TRUE(queue.SetPaused(job, true, ada).ok());
    End(open.attempt, v1::QUEUED);
    ReadQueue(job);
    EXPECT_TRUE(queue.SetPaused(job, false, ada).ok());
    End(Start("to be tried again").attempt, v1::FAILED);
    EXPECT_TRUE(queue.Retry(job, ada).ok());
    End(Start("failed").attempt, v1::FAILED);
    EXPECT_TRUE(queue.Retry(RunId{job, 1}, ada).ok());
    EXPECT_TRUE(store_.jobs().Cancel(job, ada).ok());
    EXPECT_TRUE(queue.SettleWaits().ok());  // `after` will not start
    EXPECT_EQ(store_.jobs().Get(after)->state(), v1::JOB_FAILED);
    SetShares();
  }

  void ReadQueue(JobId job) {
    QueueStore& queue = store_.queue();
    EXPECT_TRUE(queue.SettleWaits().ok());
    EXPECT_TRUE(queue.ReadReady(8).ok());
    absl::StatusOr<QueuePicture> picture = queue.ReadAll(8, "bob");
    ASSERT_TRUE(picture.ok()) << picture.status();
    for (const QueueUser& user : picture->users) EXPECT_TRUE(queue.AddLengths(user.rows, *picture).ok());
    EXPECT_EQ(queue.ReadQueuedRuns(job)->size(), 3u);
    EXPECT_TRUE(queue.ReadClassifierState("key")->trained);
    EXPECT_EQ(queue.ReadNames(RunId{job, 1})->model, "vae");
  }

  void SetShares() {
    QueueStore& queue = store_.queue();
    v1::SetShareRequest share;
    share.set_user("ada");
    share.set_max_queued(100);
    share.set_max_artifact_bytes(int64_t{1} << 40);
    EXPECT_TRUE(queue.SetShare(share, TestStore::Ada()).ok());
    EXPECT_TRUE(store_.jobs().Cancel(store_.MustSubmit(TestStore::Study(1)), TestStore::Ada()).ok());
    EXPECT_TRUE(queue.SetDrained({"cpu0"}, true, TestStore::Ada()).ok());
    EXPECT_EQ(queue.DrainedDevices()->size(), 1u);
    EXPECT_TRUE(queue.SetDrained({"cpu0"}, false, TestStore::Ada()).ok());
    // A daemon with another half-life.
    RealClock clock;
    EXPECT_TRUE(QueueStore(&store_.connections(), &clock, absl::Hours(1)).Open().ok());
  }

  void GiveAccess() {
    AccessStore& access = store_.access();
    EXPECT_TRUE(access.EnsureAdmin("ada").ok());
    v1::CreateUserRequest bob;
    bob.set_name("bob");
    EXPECT_TRUE(access.CreateUser(bob, TestStore::Ada()).ok());
    v1::UpdateUserRequest viewer;
    viewer.set_name("bob");
    viewer.set_role(v1::VIEWER);
    EXPECT_TRUE(access.UpdateUser(viewer, TestStore::Ada()).ok());
    EXPECT_EQ(access.ListUsers()->size(), 2u);
    const absl::Time expires = absl::Now() + absl::Hours(1);
    EXPECT_TRUE(access.CreateToken({"bob", "laptop", expires}, TestStore::Ada()).ok());
    EXPECT_TRUE(access.CreateToken({"bob", "script", expires, 1}, TestStore::Ada()).ok());
    EXPECT_TRUE(access.RecordUses({{1, absl::Now()}}).ok());
    EXPECT_TRUE(access.RevokeToken(1, TestStore::Ada()).ok());
    EXPECT_EQ(access.ListTokens("bob")->size(), 2u);
    EXPECT_EQ(*store_.jobs().Owner({1}), "ada");
    v1::ListAuditEventsRequest events;
    const int all = access.ListAuditEvents(events)->events_size();
    events.set_actor("ada");
    EXPECT_EQ(access.ListAuditEvents(events)->events_size(), all - 1);  // the first admin is nobody's change
    events.set_object("user bob");
    EXPECT_EQ(access.ListAuditEvents(events)->events_size(), 2);
  }

  // None of which has a file.
  void CheckArtifacts() {
    const auto check = store_.artifacts().CheckAll([] { return true; }, TestStore::Ada());
    ASSERT_TRUE(check.ok()) << check.status();
    EXPECT_GT(check->damaged_size(), 1);
    EXPECT_EQ(store_.artifacts().ListQuarantine()->contents_size(), check->damaged_size());
    const std::string file = store_.folder() + "/file";
    EXPECT_TRUE(WriteFileAtomically(file, "content").ok());
    store_.MustExecute("INSERT INTO quarantine VALUES ('" + Sha256Hex("content") + "', '', 0)");
    EXPECT_TRUE(store_.artifacts().Import(file, Sha256Hex("content"), 7).ok());
  }

  void CollectGarbage() {
    NewJob study = TestStore::Study(1);
    study.classifier_key = "gone";
    NewJob training = TestStore::Training();
    training.classifier_key = "gone";
    const absl::StatusOr<Submission> submitted = store_.jobs().Submit(study, {training}, TestStore::Ada());
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    const JobId job = *JobId::Parse(submitted->job.id());
    EXPECT_TRUE(store_.jobs().Cancel(job, TestStore::Ada()).ok());
    EXPECT_TRUE(store_.deletion().Delete(job, TestStore::Ada()).ok());
    v1::ListJobsRequest deleted;
    deleted.mutable_filter()->set_deleted(true);
    EXPECT_EQ(store_.jobs().List(deleted)->jobs_size(), 1);
    EXPECT_TRUE(store_.deletion().Undelete(job, TestStore::Ada()).ok());
    v1::ListHistogramsRequest histograms;
    histograms.set_job_id("j2");
    EXPECT_GT(store_.jobs().ListHistograms(histograms)->histograms_size(), 0);
    RealClock clock;
    JobDeletion at_once(&store_.connections(), &store_.removals(), &clock, absl::ZeroDuration());
    EXPECT_TRUE(at_once.Delete(job, TestStore::Ada()).ok());
    const absl::StatusOr<StateDir> state = StateDir::Open(store_.folder());
    ASSERT_TRUE(state.ok()) << state.status();
    const absl::Duration none = absl::ZeroDuration();
    GarbageCollector collector(&store_.connections(), &store_.removals(), &at_once, &clock, &*state,
                               {none, none, none, none, none, none});
    EXPECT_TRUE(WriteFileAtomically(state->LogFile({RunId{JobId{2}, 1}, 1}), "line").ok());
    const auto collected = collector.Collect({}, [] { return true; });
    ASSERT_TRUE(collected.ok()) << collected.status();
    EXPECT_GE(collected->garbage_size(), 4);  // the job, samples, logs, events
    EXPECT_TRUE(store_.removals().Finish().ok());
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

// A search can be of an index that is of little use: of all runs that are queued, or all of a job.
TEST(QueryPlanTest, WhatEveryPassOfTheSchedulerReadsHasAnIndexOfItsOwn) {
  Rehearsal rehearsal;
  rehearsal.Play();
  const std::vector<std::string> statements = rehearsal.store().connections().KeptStatements();
  const auto db = Database::Open(rehearsal.store().database(), Database::Mode::kReadOnly, absl::Seconds(1));
  ASSERT_TRUE(db.ok()) << db.status();
  struct Hot {
    const char* beginning;
    const char* step;
  };
  for (const Hot& hot :
       {Hot{"SELECT MIN(not_before) FROM runs", "SEARCH runs USING INDEX runs_by_retry (not_before>?)"},
        Hot{"SELECT r.number FROM queue q JOIN runs r", "SEARCH r USING INDEX runs_in_queue (job_id=? AND shape=? AND"},
        Hot{"SELECT q.job_id, q.shape", "SEARCH r USING INDEX runs_in_queue (job_id=? AND shape=? AND"},
        Hot{"SELECT number, MIN(not_before) FROM runs",
            "SEARCH runs USING INDEX runs_in_queue (job_id=? AND shape=?"}}) {
    int found = 0;
    for (const std::string& statement : statements) {
      if (!absl::StartsWith(statement, hot.beginning)) continue;
      ++found;
      EXPECT_THAT(PlanOf(**db, statement), Contains(StartsWith(hot.step))) << statement;
    }
    EXPECT_GT(found, 0) << hot.beginning;
  }
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
