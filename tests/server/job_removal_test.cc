// Jobs that go in portions: what is seen of one meanwhile, and what becomes of one that was left half removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "server/store/garbage_collector.h"
#include "server/store/state_dir.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Ten events or two runs at a time. The job has five runs that succeeded.
class JobRemovalTest : public ::testing::Test {
 protected:
  JobRemovalTest() {
    Finish(JobId{store_.MustSubmit(TestStore::Study(1)).number - 1});  // the training
    Finish(JobId{2});
    store_.MustExecute("INSERT INTO classifiers (key, digest, job_id, data) VALUES ('key', 'judge', 1, x'')");
    NewJob study = TestStore::Study(5);
    study.request_id = "request";
    for (int i = 0; i < 5; ++i) study.runs[static_cast<size_t>(i)].set_content_key(absl::StrCat("content ", i));
    job_ = store_.MustSubmit(study);
    for (int run = 1; run <= 5; ++run) {
      store_.MustExecute(
          absl::StrCat("INSERT INTO attempts (job_id, run_number, number, token_digest, state, device, start_time, "
                       "end_time) VALUES (",
                       job_.number, ", ", run, ", 1, 't", run, "', 5, 'cpu0', 0, 1); INSERT INTO histograms VALUES (",
                       job_.number, ", ", run, ", 1, 3, x'')"));
      AddArtifact(run, absl::StrCat("of run ", run));
      AddArtifact(run, "of all");
      for (int event = 0; event < 4; ++event) AddEvent();
    }
    Finish(job_);
    store_.MustExecute("UPDATE runs SET classifier_digest = 'judge'");
  }

  void Finish(JobId job) {
    store_.MustExecute(absl::StrCat("UPDATE runs SET state = 5 WHERE job_id = ", job.number,
                                    "; UPDATE queue SET queued = 0 WHERE job_id = ", job.number));
  }
  void AddArtifact(int run, const std::string& content) {
    const std::string path = store_.folder() + "/file";
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", job_.number, ", ", run, ", '", content,
                                    "', '', '", Sha256Hex(content), "', ", content.size(), ", 0)"));
  }
  void AddEvent() {
    const absl::Status added = store_.connections().Write(absl::Now(), [&](WriteScope& scope) {
      v1::Event event;
      event.mutable_queue()->set_paused(true);
      return AppendEvent(scope, job_, event);
    });
    EXPECT_TRUE(added.ok()) << added;
  }

  int64_t Left(const std::string& table) {
    return store_.MustRead(
        absl::StrCat("SELECT COUNT(*) FROM ", table, " WHERE ", table == "jobs" ? "id" : "job_id", " = ", job_.number));
  }
  bool IsThere(const std::string& content) { return fs::exists(store_.artifacts().PathOf(Sha256Hex(content))); }

  // `go_on` is asked between portions.
  absl::Status Purge(
      JobDeletion::When when, const std::function<bool()>& go_on = [] { return true; }) {
    return deletion_.Purge(job_, when, TestStore::Ada(), go_on).status();
  }

  // To whoever asks the job is gone already.
  void ExpectHidden() {
    EXPECT_TRUE(absl::IsNotFound(store_.jobs().Get(job_).status()));
    EXPECT_TRUE(absl::IsNotFound(store_.jobs().Owner(job_).status()));
    EXPECT_TRUE(absl::IsNotFound(store_.jobs().GetRun(RunId{job_, 5}).status()));
    EXPECT_TRUE(absl::IsNotFound(store_.jobs().GetWithRuns(job_).status()));
    EXPECT_TRUE(absl::IsNotFound(store_.events().Read(job_, 0, 1).status()));
    EXPECT_TRUE(absl::IsNotFound(store_.artifacts().List(job_).status()));
    EXPECT_TRUE(absl::IsNotFound(deletion_.Undelete(job_, TestStore::Ada()).status()));
    EXPECT_TRUE(absl::IsNotFound(deletion_.Delete(job_, TestStore::Ada()).status()));
    EXPECT_TRUE(absl::IsNotFound(Purge(JobDeletion::When::kNow)));
    EXPECT_TRUE(absl::IsNotFound(store_.queue().Retry(job_, TestStore::Ada()).status()));
    for (const bool deleted : {false, true}) {
      v1::ListJobsRequest request;
      request.mutable_filter()->set_deleted(deleted);
      const absl::StatusOr<v1::ListJobsResponse> list = store_.jobs().List(request);
      ASSERT_TRUE(list.ok()) << list.status();
      for (const v1::Job& one : list->jobs()) EXPECT_NE(one.id(), job_.ToString());
    }
    const absl::StatusOr<EventPage> events = store_.events().ReadAll({}, 0, 1000);
    ASSERT_TRUE(events.ok()) << events.status();
    for (const v1::Event& event : events->events) EXPECT_NE(event.job_id(), job_.ToString());
    NewJob next = TestStore::Study(1);
    next.after = {job_};
    EXPECT_TRUE(absl::IsInvalidArgument(store_.jobs().Submit(next, {}, TestStore::Ada()).status()));
  }

  // What is there of the job has all that it had.
  void ExpectWhole() {
    const int64_t runs = Left("runs");
    EXPECT_EQ(Left("attempts"), runs);
    EXPECT_EQ(Left("histograms"), runs);
    EXPECT_EQ(Left("artifacts"), 2 * runs);
    for (int64_t run = 1; run <= 5; ++run) EXPECT_EQ(IsThere(absl::StrCat("of run ", run)), run > 5 - runs) << run;
    EXPECT_EQ(IsThere("of all"), runs > 0);
    EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM removals"), 0);
  }

  void ExpectGone() {
    for (const char* table : {"jobs", "runs", "events", "attempts", "histograms", "artifacts", "queue"}) {
      EXPECT_EQ(Left(table), 0) << table;
    }
    ExpectWhole();
  }

  TestStore store_;
  RealClock clock_;
  JobDeletion deletion_{&store_.connections(), &store_.removals(), &clock_, absl::Hours(24), {10, 2}};
  JobId job_;
};

TEST_F(JobRemovalTest, AJobThatGoesInPortionsIsGoneFromTheFirstOneOn) {
  std::vector<std::pair<int64_t, int64_t>> left;
  ASSERT_TRUE(Purge(JobDeletion::When::kNow, [&] {
                left.emplace_back(Left("events"), Left("runs"));
                ExpectHidden();
                ExpectWhole();
                return true;
              }).ok());
  // 21 events, then five runs, of which some go with the last events.
  EXPECT_THAT(left, ElementsAre(std::pair(11, 5), std::pair(1, 5), std::pair(0, 3), std::pair(0, 1)));
  ExpectGone();
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'DeleteJob' AND detail = 'for good'"), 1);
}

TEST_F(JobRemovalTest, WhatWasLeftOfAJobIsDueAndGoesWithTheNextCollection) {
  int portions = 0;
  EXPECT_TRUE(Purge(JobDeletion::When::kNow, [&] { return ++portions < 4; }).ok());
  EXPECT_EQ(Left("runs"), 1);
  ExpectHidden();
  const StateDir state = *StateDir::Open(store_.folder());
  GarbageCollector collector(&store_.connections(), &store_.removals(), &deletion_, &clock_, &state, Retention());
  const auto collected = collector.Collect({}, [] { return true; });
  ASSERT_TRUE(collected.ok()) << collected.status();
  ExpectGone();
  EXPECT_TRUE(absl::IsNotFound(Purge(JobDeletion::When::kDue)));
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'DeleteJob'"), 1);
}

TEST_F(JobRemovalTest, ACollectionThatIsCancelledGoesOnTheNextTime) {
  ASSERT_TRUE(deletion_.Delete(job_, TestStore::Ada()).ok());
  store_.MustExecute("UPDATE jobs SET purge_time = 2 WHERE purge_time IS NOT NULL");
  EXPECT_TRUE(absl::IsCancelled(Purge(JobDeletion::When::kDue, [] { return false; })));
  ExpectHidden();
  EXPECT_EQ(Left("runs"), 5);
  EXPECT_TRUE(Purge(JobDeletion::When::kDue).ok());
  ExpectGone();
}

TEST_F(JobRemovalTest, NothingNewRestsOnAJobThatGoes) {
  NewJob again = TestStore::Study(1);
  again.request_id = "request";
  again.runs[0].set_content_key("content 4");
  EXPECT_EQ(store_.reuse().FindAnswers(again)->size(), 1u);
  NewJob next = TestStore::Study(1);
  next.after = {job_};
  const JobId waiting = store_.MustSubmit(next);
  EXPECT_TRUE(Purge(JobDeletion::When::kNow, [] { return false; }).ok());
  EXPECT_EQ(Left("runs"), 5);
  EXPECT_THAT(*store_.reuse().FindAnswers(again), IsEmpty());
  EXPECT_THAT(store_.jobs().Get(waiting)->after(), IsEmpty());
  // The request that made it makes another one.
  const absl::StatusOr<Submission> submission = store_.jobs().Submit(again, {}, TestStore::Ada());
  ASSERT_TRUE(submission.ok()) << submission.status();
  EXPECT_FALSE(submission->existing);
}

TEST_F(JobRemovalTest, ATrainingThatGoesIsNotWaitedFor) {
  NewJob study = TestStore::Study(1);
  study.classifier_key = "another";
  NewJob training = TestStore::Training();
  training.classifier_key = "another";
  ASSERT_TRUE(store_.jobs().Submit(study, {training}, TestStore::Ada()).ok());
  for (const int id : {4, 5}) Finish(JobId{id});
  store_.MustExecute("UPDATE runs SET state = 6 WHERE job_id = 4");
  for (int i = 0; i < 10; ++i) {
    store_.MustExecute(
        absl::StrCat("INSERT INTO events (job_id, sequence, time, data) VALUES (4, ", 100 + i, ", 0, x'')"));
  }
  ASSERT_TRUE(deletion_.Purge(JobId{4}, JobDeletion::When::kNow, TestStore::Ada(), [] { return false; }).status().ok());
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM runs WHERE job_id = 4"), 1);
  ASSERT_TRUE(store_.jobs().Submit(study, {training}, TestStore::Ada()).ok());
  EXPECT_EQ(store_.jobs().Get(JobId{6})->kind(), v1::CLASSIFIER_TRAINING);
  EXPECT_EQ(store_.jobs().Get(JobId{7})->kind(), v1::STUDY);
}

}  // namespace
}  // namespace skew
