// Changes of jobs with so many runs that others have to write in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two runs at a time. The job has five, and its judge is there.
class PortionsTest : public ::testing::Test {
 protected:
  PortionsTest() : job_(store_.MustSubmit(TestStore::Study(5))) {
    v1::Classifier judge;
    judge.set_job_id("j1");
    store_.MustExecute(absl::StrCat("INSERT INTO classifiers (key, digest, job_id, data) VALUES ('key', 'judge', 1, x'",
                                    absl::BytesToHexString(judge.SerializeAsString()), "')"));
    EXPECT_TRUE(store_.jobs().Cancel(JobId{1}, TestStore::Ada()).ok());  // the training
    store_.connections().SetListener([this](JobId job, int64_t) {
      if (job != job_ || !between_) return;
      const std::function<void()> between = std::move(between_);
      between_ = nullptr;
      between();
    });
  }

  // What happens after the first portion.
  void Between(std::function<void()> between) { between_ = std::move(between); }

  // From now on nothing becomes of the run with this number; until Mend.
  void Break(int number) {
    store_.MustExecute(absl::StrCat("CREATE TRIGGER broken BEFORE UPDATE OF state ON runs WHEN new.number = ", number,
                                    " AND new.job_id = ", job_.number, " BEGIN SELECT RAISE(ABORT, 'broken'); END"));
  }
  void Mend() { store_.MustExecute("DROP TRIGGER broken"); }

  std::vector<v1::RunState> States() {
    v1::ListRunsRequest request;
    request.set_job_id(job_.ToString());
    const absl::StatusOr<v1::ListRunsResponse> list = store_.jobs().ListRuns(request);
    EXPECT_TRUE(list.ok()) << list.status();
    std::vector<v1::RunState> states;
    for (const v1::Run& run : list->runs()) states.push_back(run.state());
    return states;
  }

  int64_t AuditEvents(const std::string& action) {
    return store_.MustRead(
        absl::StrCat("SELECT COUNT(*) FROM audit_events WHERE action = '", action, "' AND object = 'j2'"));
  }

  void End(const AttemptId& attempt, v1::RunState state) {
    const auto end = store_.runs().EndAttempt(attempt, [&](const AttemptFacts&) { return AttemptEnd{state, {}, ""}; });
    EXPECT_TRUE(end.ok()) << end.status();
  }

  RealClock clock_;
  TestStore store_;
  JobStore jobs_{&store_.connections(), &clock_, 2};
  QueueStore queue_{&store_.connections(), &clock_, absl::Hours(24), 2};
  JobId job_;
  std::function<void()> between_;
};

TEST_F(PortionsTest, ARunThatStartsWhileItsJobIsCancelledIsCancelledToo) {
  std::optional<Claim> claim;
  Between([&] {
    EXPECT_THAT(States(), ElementsAre(v1::CANCELLED, v1::CANCELLED, v1::QUEUED, v1::QUEUED, v1::QUEUED));
    claim = store_.ClaimNext("token");
  });
  const absl::StatusOr<v1::Job> cancelled = jobs_.Cancel(job_, TestStore::Ada());
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  ASSERT_TRUE(claim.has_value());
  EXPECT_EQ(cancelled->runs().cancelled(), 4);
  EXPECT_EQ(cancelled->runs().active(), 1);
  EXPECT_THAT(States(), ElementsAre(v1::CANCELLED, v1::CANCELLED, v1::CANCELLING, v1::CANCELLED, v1::CANCELLED));
  End(claim->attempt, v1::CANCELLED);
  EXPECT_EQ(store_.jobs().Get(job_)->state(), v1::JOB_CANCELLED);
  EXPECT_EQ(AuditEvents("CancelJob"), 1);
}

TEST_F(PortionsTest, AJobThatWasCancelledInPartIsCancelledByAnotherCall) {
  Break(4);
  EXPECT_FALSE(jobs_.Cancel(job_, TestStore::Ada()).ok());
  EXPECT_THAT(States(), ElementsAre(v1::CANCELLED, v1::CANCELLED, v1::QUEUED, v1::QUEUED, v1::QUEUED));
  EXPECT_EQ(AuditEvents("CancelJob"), 1);
  Mend();
  const absl::StatusOr<v1::Job> cancelled = jobs_.Cancel(job_, TestStore::Ada());
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_CANCELLED);
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM queue WHERE queued > 0 AND job_id = 2"), 0);
  EXPECT_EQ(AuditEvents("CancelJob"), 2);
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_.Cancel(job_, TestStore::Ada()).status()));
}

TEST_F(PortionsTest, AJobIsQueuedAgainInPortions) {
  ASSERT_TRUE(jobs_.Cancel(job_, TestStore::Ada()).ok());
  Between([&] {
    EXPECT_THAT(States(), ElementsAre(v1::QUEUED, v1::QUEUED, v1::CANCELLED, v1::CANCELLED, v1::CANCELLED));
    // One that fails at once has had its turn.
    const std::optional<Claim> claim = store_.ClaimNext("token");
    ASSERT_TRUE(claim.has_value());
    End(claim->attempt, v1::FAILED);
  });
  const absl::StatusOr<v1::Job> retried = queue_.Retry(job_, TestStore::Ada());
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_THAT(States(), ElementsAre(v1::FAILED, v1::QUEUED, v1::QUEUED, v1::QUEUED, v1::QUEUED));
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue WHERE job_id = 2"), 4);
  EXPECT_EQ(AuditEvents("RetryJob"), 1);
}

TEST_F(PortionsTest, WhatIsQueuedAgainInPartIsQueuedWholeByAnotherCall) {
  ASSERT_TRUE(jobs_.Cancel(job_, TestStore::Ada()).ok());
  Break(4);
  EXPECT_FALSE(queue_.Retry(job_, TestStore::Ada()).ok());
  EXPECT_THAT(States(), ElementsAre(v1::QUEUED, v1::QUEUED, v1::CANCELLED, v1::CANCELLED, v1::CANCELLED));
  Mend();
  ASSERT_TRUE(queue_.Retry(job_, TestStore::Ada()).ok());
  EXPECT_EQ(store_.jobs().Get(job_)->state(), v1::JOB_QUEUED);
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue WHERE job_id = 2"), 5);
}

TEST_F(PortionsTest, NoMoreAreQueuedAgainThanTheOwnerMayHave) {
  ASSERT_TRUE(jobs_.Cancel(job_, TestStore::Ada()).ok());
  v1::SetShareRequest share;
  share.set_user("ada");
  share.set_max_queued(5);
  ASSERT_TRUE(queue_.SetShare(share, TestStore::Ada()).ok());
  Between([&] { store_.MustSubmit(TestStore::Study(1)); });
  const absl::Status status = queue_.Retry(job_, TestStore::Ada()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_queued"));
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue"), 5);
}

}  // namespace
}  // namespace skew
