#include "server/store/job_deletion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "server/store/state_dir.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobDeletionTest : public ::testing::Test {
 protected:
  JobDeletionTest() { Finish(training_, v1::SUCCEEDED); }

  void Finish(JobId job, v1::RunState state) {
    store_.MustExecute(absl::StrCat("UPDATE runs SET state = ", state, " WHERE job_id = ", job.number,
                                    "; UPDATE queue SET queued = 0 WHERE job_id = ", job.number));
  }
  JobId FinishedJob(v1::RunState state = v1::SUCCEEDED) {
    const JobId job = store_.MustSubmit(TestStore::Study(1, "ada", {{"k", "v"}}));
    Finish(job, state);
    return job;
  }
  void AddArtifact(JobId job, const std::string& content) {
    const std::string path = store_.folder() + "/file";
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", job.number, ", 1, '", content, "', '', '",
                                    Sha256Hex(content), "', ", content.size(), ", 0)"));
  }
  bool IsThere(const std::string& content) { return fs::exists(store_.artifacts().PathOf(Sha256Hex(content))); }

  absl::Status Delete(JobId job) { return deletion_.Delete(job, TestStore::Ada()).status(); }
  absl::Status Undelete(JobId job) { return deletion_.Undelete(job, TestStore::Ada()).status(); }
  absl::Status Purge(JobId job, JobDeletion::When when = JobDeletion::When::kNow) {
    return deletion_.Purge(job, when, TestStore::Ada()).status();
  }
  static void ExpectRefused(const absl::Status& status, const std::string& why) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  }

  std::vector<std::string> Listed(bool deleted, const std::string& label = "") {
    v1::ListJobsRequest request;
    request.mutable_filter()->set_kind(v1::STUDY);
    request.mutable_filter()->set_deleted(deleted);
    if (!label.empty()) (*request.mutable_filter()->mutable_labels())["k"] = label;
    std::vector<std::string> ids;
    const absl::StatusOr<v1::ListJobsResponse> list = store_.jobs().List(request);
    EXPECT_TRUE(list.ok()) << list.status();
    for (const v1::Job& job : list->jobs()) ids.push_back(job.id());
    return ids;
  }

  TestStore store_;
  FakeClock clock_;
  JobDeletion deletion_{&store_.connections(), &store_.removals(), &clock_, absl::Hours(24)};
  const JobId first_ = store_.MustSubmit(TestStore::Study(1));
  const JobId training_{1};
};

TEST_F(JobDeletionTest, ADeletedJobIsOutOfListsAndComesBack) {
  const JobId job = FinishedJob();
  ASSERT_TRUE(Delete(job).ok());
  EXPECT_THAT(Listed(false), ElementsAre(first_.ToString()));
  EXPECT_THAT(Listed(false, "v"), IsEmpty());
  EXPECT_THAT(Listed(true), ElementsAre(job.ToString()));
  EXPECT_THAT(Listed(true, "v"), ElementsAre(job.ToString()));
  EXPECT_THAT(Listed(true, "w"), IsEmpty());
  const v1::Job deleted = *store_.jobs().Get(job);
  EXPECT_EQ(FromProto(deleted.purge_time()) - FromProto(deleted.delete_time()), absl::Hours(24));
  EXPECT_EQ(deleted.state(), v1::JOB_SUCCEEDED);
  ExpectRefused(Delete(job), "deleted already");
  ASSERT_TRUE(Undelete(job).ok());
  EXPECT_THAT(Listed(false), ElementsAre(job.ToString(), first_.ToString()));
  EXPECT_THAT(Listed(true), IsEmpty());
  EXPECT_FALSE(store_.jobs().Get(job)->has_delete_time());
  ExpectRefused(Undelete(job), "is not deleted");
  const EventPage events = *store_.events().Read(job, 0, 100);
  ASSERT_GE(events.events.size(), 2u);
  EXPECT_TRUE(events.events.rbegin()[1].deletion().has_delete_time());
  EXPECT_TRUE(events.events.back().has_deletion());
  EXPECT_FALSE(events.events.back().deletion().has_delete_time());
}

TEST_F(JobDeletionTest, WhatIsStillNeededIsNotDeleted) {
  ExpectRefused(Delete(first_), "is queued and cannot be deleted: cancel it first");
  ExpectRefused(Purge(first_), "cancel it first");
  EXPECT_TRUE(absl::IsNotFound(Delete(JobId{99})));
  store_.MustExecute("INSERT INTO classifiers (key, digest, job_id, data) VALUES ('key', 'judge', 1, x'')");
  ExpectRefused(Delete(training_), "trained a judge");
  ExpectRefused(Purge(training_), "trained a judge");
}

// Between the end of a job and the moment in which those that wait for it are told.
TEST_F(JobDeletionTest, WhatFailedStaysUntilOthersHaveNoticed) {
  ExpectRefused(Delete(training_), "studies that need its judge");
  const JobId failed = FinishedJob(v1::FAILED);
  NewJob next = TestStore::Study(1);
  next.after = {failed};
  Finish(failed, v1::QUEUED);
  const JobId waiting = store_.MustSubmit(next);
  Finish(failed, v1::FAILED);
  ExpectRefused(Purge(failed), "is waited for");
  ASSERT_TRUE(store_.queue().SettleWaits().ok());
  EXPECT_EQ(store_.jobs().Get(waiting)->state(), v1::JOB_FAILED);
  EXPECT_TRUE(Purge(failed).ok());
  EXPECT_THAT(store_.jobs().Get(waiting)->after(), IsEmpty());
}

TEST_F(JobDeletionTest, ADeletedJobIsNotRetriedButATrainingThatAStudyNeedsComesBack) {
  ASSERT_TRUE(store_.jobs().Cancel(first_, TestStore::Ada()).ok());
  ASSERT_TRUE(Delete(first_).ok());
  ExpectRefused(store_.queue().Retry(first_, TestStore::Ada()).status(), "undelete it first");
  ExpectRefused(store_.queue().Retry(RunId{first_, 1}, TestStore::Ada()).status(), "undelete it first");
  ASSERT_TRUE(Undelete(first_).ok());
  Finish(training_, v1::FAILED);
  ASSERT_TRUE(Delete(training_).ok());
  ASSERT_TRUE(store_.queue().Retry(first_, TestStore::Ada()).ok());
  EXPECT_EQ(store_.jobs().Get(training_)->state(), v1::JOB_QUEUED);
  EXPECT_FALSE(store_.jobs().Get(training_)->has_delete_time());
}

TEST_F(JobDeletionTest, AStudyWhoseTrainingIsGoneIsNotRetried) {
  ASSERT_TRUE(store_.jobs().Cancel(first_, TestStore::Ada()).ok());
  Finish(training_, v1::FAILED);
  ASSERT_TRUE(Purge(training_).ok());
  ExpectRefused(store_.queue().Retry(first_, TestStore::Ada()).status(), "submit the study again");
  // Which trains a classifier.
  EXPECT_EQ(store_.jobs().Get(JobId{store_.MustSubmit(TestStore::Study(1)).number - 1})->kind(),
            v1::CLASSIFIER_TRAINING);
}

TEST_F(JobDeletionTest, APurgedJobLeavesNothing) {
  const JobId job = FinishedJob();
  v1::RunCounts others = *store_.jobs().CountRuns();
  others.set_total(others.total() - 1);
  others.set_succeeded(others.succeeded() - 1);
  AddArtifact(job, "abc");
  const AttemptId attempt{RunId{job, 1}, 1};
  store_.MustExecute(absl::StrCat(
      "INSERT INTO attempts (job_id, run_number, number, token_digest, state, device, start_time, end_time) VALUES (",
      job.number, ", 1, 1, 't', 5, 'cpu0', 0, 1); INSERT INTO histograms VALUES (", job.number,
      ", 1, 1, 3, x''); INSERT INTO job_needs VALUES (", job.number, ", 1, 0)"));
  const std::string log = absl::StrCat(store_.folder(), "/", StateDir::LogName(attempt));
  const std::string work = absl::StrCat(store_.folder(), "/", StateDir::WorkName(attempt.run));
  fs::create_directories(store_.folder() + "/logs");
  fs::create_directories(work);
  ASSERT_TRUE(WriteFileAtomically(log, "line").ok());
  ASSERT_TRUE(WriteFileAtomically(work + "/checkpoint", "state").ok());
  ASSERT_TRUE(Purge(job).ok());
  EXPECT_TRUE(absl::IsNotFound(store_.jobs().Get(job).status()));
  EXPECT_TRUE(absl::IsNotFound(store_.events().Read(job, 0, 1).status()));
  for (const char* table :
       {"events", "runs", "attempts", "histograms", "artifacts", "queue", "job_labels", "job_needs"}) {
    EXPECT_EQ(store_.MustRead(absl::StrCat("SELECT COUNT(*) FROM ", table, " WHERE job_id = ", job.number)), 0)
        << table;
  }
  EXPECT_FALSE(IsThere("abc"));
  EXPECT_FALSE(fs::exists(log));
  EXPECT_FALSE(fs::exists(work));
  EXPECT_EQ(store_.jobs().CountRuns()->ShortDebugString(), others.ShortDebugString());
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'DeleteJob' AND detail = 'for good'"), 1);
  EXPECT_GT(store_.MustSubmit(TestStore::Study(1)), job);  // its number is not used again
}

TEST_F(JobDeletionTest, WhatIsDueIsPurgedAndNothingElse) {
  const JobId job = FinishedJob();
  ExpectRefused(Purge(job, JobDeletion::When::kDue), "is to be kept");
  ASSERT_TRUE(Delete(job).ok());
  clock_.Advance(absl::Hours(23));
  ExpectRefused(Purge(job, JobDeletion::When::kDue), "is to be kept");
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(Purge(job, JobDeletion::When::kDue).ok());
}

TEST_F(JobDeletionTest, OnesKeptForeverHaveNoTime) {
  JobDeletion deletion(&store_.connections(), &store_.removals(), &clock_, absl::InfiniteDuration());
  const JobId job = FinishedJob();
  ASSERT_TRUE(deletion.Delete(job, TestStore::Ada()).ok());
  EXPECT_FALSE(store_.jobs().Get(job)->has_purge_time());
  clock_.Advance(absl::Hours(1'000'000));
  ExpectRefused(deletion.Purge(job, JobDeletion::When::kDue, TestStore::Ada()).status(), "is to be kept");
}

// Its artifacts take room, and count as the owner's, as long as they are there.
TEST_F(JobDeletionTest, TheOwnersLimitCountsAJobUntilItIsGone) {
  v1::SetShareRequest share;
  share.set_user("ada");
  share.set_max_artifact_bytes(4);
  ASSERT_TRUE(store_.queue().SetShare(share, TestStore::Ada()).ok());
  const JobId job = FinishedJob();
  AddArtifact(job, "abcd");
  const auto submit = [&] {
    return store_.jobs().Submit(TestStore::Study(1), {TestStore::Training()}, TestStore::Ada()).status();
  };
  EXPECT_TRUE(absl::IsResourceExhausted(submit()));
  ASSERT_TRUE(Delete(job).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(submit()));
  ASSERT_TRUE(Purge(job).ok());
  EXPECT_TRUE(submit().ok());
}

TEST_F(JobDeletionTest, ARunThatWasAnsweredFromAPurgedJobStaysWhole) {
  store_.MustExecute("INSERT INTO classifiers (key, digest, job_id, data) VALUES ('key', 'judge', 1, x'')");
  NewJob study = TestStore::Study(1);
  study.runs[0].set_content_key("content");
  const JobId source = store_.MustSubmit(study);
  Finish(source, v1::SUCCEEDED);
  AddArtifact(source, "abc");
  v1::ClassHistogram histogram;
  histogram.set_run_id(RunId{source, 1}.ToString());
  histogram.set_final(true);
  ASSERT_TRUE(store_.connections()
                  .Write(absl::Now(),
                         [&](WriteScope& scope) {
                           return scope.db.Prepare("INSERT INTO histograms VALUES (?, 1, 1, 3, ?)")
                               .Bind(source.number)
                               .Bind(histogram)
                               .Run();
                         })
                  .ok());
  store_.MustExecute("UPDATE runs SET classifier_digest = 'judge'");
  const JobId copy = store_.MustSubmit(study);
  ASSERT_EQ(store_.jobs().Get(copy)->runs().reused(), 1);
  ASSERT_TRUE(Purge(source).ok());
  const absl::StatusOr<RunRecord> record = store_.reuse().ReadRecord(RunId{copy, 1});
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->run.reused_from(), RunId({source, 1}).ToString());
  EXPECT_EQ(record->histograms.size(), 1u);
  EXPECT_TRUE(store_.artifacts().Find(RunId{copy, 1}, "abc").ok());
  // And answers others.
  EXPECT_EQ(store_.jobs().Get(store_.MustSubmit(study))->runs().reused(), 1);
  ASSERT_TRUE(Purge(copy).ok());
  EXPECT_TRUE(IsThere("abc"));
}

}  // namespace
}  // namespace skew
