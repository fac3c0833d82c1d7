// The queue's tables: what is kept in step with the runs, what is read of them, and what use is charged.
#include "server/store/queue_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "server/jobs/forecast.h"
#include "server/jobs/queue_snapshot.h"
#include "server/store/job_store.h"
#include "server/store/queue_changes.h"
#include "server/store/run_changes.h"
#include "server/store/use_decay.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kHalfLife = absl::Hours(10);
const Actor kAda = {"ada", "login ada"};

class QueueStoreTest : public ::testing::Test {
 protected:
  QueueStoreTest()
      : connections_(*Connections::Open(folder_.path() + "/skew.db")),
        jobs_(connections_.get(), &clock_),
        runs_(connections_.get(), &clock_),
        queue_(connections_.get(), &clock_, kHalfLife) {
    EXPECT_TRUE(queue_.Open().ok());
  }

  // A job that trains a classifier of its own: it waits for nothing. `runs` copies of its run.
  JobId Submit(const std::string& owner, int32_t runs = 1, int32_t priority = 0) {
    NewJob job;
    job.kind = v1::CLASSIFIER_TRAINING;
    job.owner = owner;
    job.spec.set_dataset("tiny");
    job.spec.set_max_attempts(3);
    job.spec.mutable_classifier()->set_epochs(1);
    job.classifier_key = absl::StrCat("key ", ++keys_);
    job.runs.resize(static_cast<size_t>(runs));
    for (v1::Run& run : job.runs) run.set_model("classifier");
    job.priority = priority;
    const absl::StatusOr<Submission> submission = jobs_.Submit(job, {}, kAda);
    EXPECT_TRUE(submission.ok()) << submission.status();
    return *JobId::Parse(submission->job.id());
  }

  AttemptId Start(const QueueKey& key) {
    const auto claim = runs_.ClaimOneOf(key, {"cpu0", "cpu x1"}, absl::StrCat("token ", ++keys_));
    EXPECT_TRUE(claim.ok()) << claim.status();
    EXPECT_TRUE(claim->has_value());
    worker::v1::Report started;
    started.set_number(1);
    started.mutable_started();
    EXPECT_TRUE(runs_.ApplyReport((*claim)->attempt, started).ok());
    return (*claim)->attempt;
  }

  void End(const AttemptId& attempt, v1::RunState state, absl::Time held_until = absl::InfiniteFuture()) {
    const auto end = runs_.EndAttempt(attempt, [&](const AttemptFacts&) {
      AttemptEnd verdict;
      verdict.state = state;
      verdict.held_until = held_until;
      return verdict;
    });
    EXPECT_TRUE(end.ok()) << end.status();
  }

  QueuePicture Ready(int rows = 64) {
    absl::StatusOr<QueuePicture> picture = queue_.ReadReady(rows);
    EXPECT_TRUE(picture.ok()) << picture.status();
    return *std::move(picture);
  }

  double UseOf(const std::string& user) {
    const absl::StatusOr<v1::ListSharesResponse> shares = queue_.ListShares();
    EXPECT_TRUE(shares.ok()) << shares.status();
    for (const v1::Share& share : shares->shares()) {
      if (share.user() == user) return share.used_slot_seconds();
    }
    return 0;
  }

  const TempFolder folder_;
  FakeClock clock_;
  std::unique_ptr<Connections> connections_;
  JobStore jobs_;
  RunStore runs_;
  QueueStore queue_;
  int keys_ = 0;
};

TEST_F(QueueStoreTest, RowsFollowTheRuns) {
  const JobId job = Submit("ada", 3);
  ASSERT_EQ(Ready().users.size(), 1u);
  const QueueRow row = Ready().users[0].rows.at(0);
  EXPECT_EQ(row.runs, 3);
  EXPECT_EQ(row.next_run, 1);
  clock_.Advance(absl::Seconds(5));
  const AttemptId attempt = Start(row.key);
  QueuePicture picture = Ready();
  EXPECT_EQ(picture.users[0].rows.at(0).runs, 2);
  EXPECT_EQ(picture.users[0].rows.at(0).next_run, 2);
  EXPECT_EQ(picture.users[0].rows.at(0).waiting_since, clock_.Now());
  EXPECT_EQ(picture.users[0].last_start, clock_.Now());
  ASSERT_EQ(picture.active.size(), 1u);
  EXPECT_EQ(picture.active[0].device, "cpu0");
  End(attempt, v1::QUEUED);
  EXPECT_EQ(Ready().users[0].rows.at(0).runs, 3);
  ASSERT_TRUE(jobs_.Cancel(job, kAda).ok());
  EXPECT_TRUE(Ready().users.empty());
}

TEST_F(QueueStoreTest, RefusalsSayInWordsHowThingsStand) {
  const JobId job = Submit("ada", 1);
  const RunId run{job, 1};
  EXPECT_EQ(queue_.Retry(job, kAda).status().message(), "job j1 is queued and has no run to retry");
  EXPECT_EQ(queue_.Retry(run, kAda).status().message(), "run j1.1 is queued and cannot be retried");
  ASSERT_TRUE(jobs_.Cancel(job, kAda).ok());
  EXPECT_EQ(jobs_.Cancel(job, kAda).status().message(), "job j1 is cancelled and cannot be cancelled");
  EXPECT_EQ(jobs_.Cancel(run, kAda).status().message(), "run j1.1 is cancelled and cannot be cancelled");
  EXPECT_EQ(queue_.SetPaused(job, true, kAda).status().message(), "job j1 is cancelled and cannot be paused");
  EXPECT_EQ(queue_.SetPriority(run, 1, kAda).status().message(),
            "run j1.1 is cancelled and cannot be given another priority");
}

TEST_F(QueueStoreTest, NothingIsClaimedTwiceNorWhenItIsPaused) {
  const JobId job = Submit("ada", 1);
  const QueueKey key = Ready().users[0].rows.at(0).key;
  ASSERT_TRUE(queue_.SetPaused(job, true, kAda).ok());
  EXPECT_TRUE(Ready().users[0].rows.empty());
  EXPECT_FALSE(runs_.ClaimOneOf(key, {"cpu0", ""}, "a")->has_value());
  ASSERT_TRUE(queue_.SetPaused(job, false, kAda).ok());
  Start(key);
  EXPECT_FALSE(runs_.ClaimOneOf(key, {"cpu1", ""}, "b")->has_value());
}

TEST_F(QueueStoreTest, ARunWithAPriorityOfItsOwnIsARowOfItsOwn) {
  const JobId job = Submit("ada", 4);
  ASSERT_TRUE(queue_.SetPriority(RunId{job, 3}, 7, kAda).ok());
  const std::vector<QueueRow> rows = Ready().users[0].rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key.priority, 7);
  EXPECT_EQ(rows[0].next_run, 3);
  EXPECT_EQ(rows[1].runs, 3);
  EXPECT_EQ(Start(rows[0].key).run.number, 3);
}

TEST_F(QueueStoreTest, UseIsChargedAndDecays) {
  Submit("ada", 2);
  const QueueKey key = Ready().users[0].rows.at(0).key;
  const AttemptId first = Start(key);
  clock_.Advance(absl::Minutes(30));
  EXPECT_NEAR(UseOf("ada"), UseOfHolding(absl::Minutes(30), kHalfLife), 1e-3);  // while it runs
  End(first, v1::QUEUED);
  EXPECT_NEAR(UseOf("ada"), UseOfHolding(absl::Minutes(30), kHalfLife), 1e-3);
  clock_.Advance(kHalfLife);
  EXPECT_NEAR(UseOf("ada"), UseOfHolding(absl::Minutes(30), kHalfLife) / 2, 1e-3);
  const AttemptId second = Start(key);
  clock_.Advance(absl::Minutes(60));
  End(second, v1::QUEUED);
  EXPECT_NEAR(UseOf("ada"),
              DecayedUse(UseOfHolding(absl::Minutes(30), kHalfLife), kHalfLife + absl::Minutes(60), kHalfLife) +
                  UseOfHolding(absl::Minutes(60), kHalfLife),
              1e-3);
}

TEST_F(QueueStoreTest, TimeWithoutADaemonIsNotCharged) {
  Submit("ada");
  const AttemptId attempt = Start(Ready().users[0].rows.at(0).key);
  clock_.Advance(absl::Hours(8));
  End(attempt, v1::QUEUED, clock_.Now() - absl::Hours(7));
  EXPECT_NEAR(UseOf("ada"), DecayedUse(UseOfHolding(absl::Hours(1), kHalfLife), absl::Hours(7), kHalfLife), 1e-3);
}

TEST_F(QueueStoreTest, AnotherHalfLifeCountsFromNowOn) {
  Submit("ada");
  const AttemptId attempt = Start(Ready().users[0].rows.at(0).key);
  clock_.Advance(absl::Minutes(10));
  End(attempt, v1::QUEUED);
  const double use = UseOf("ada");
  clock_.Advance(kHalfLife);
  QueueStore faster(connections_.get(), &clock_, kHalfLife / 2);
  ASSERT_TRUE(faster.Open().ok());
  clock_.Advance(kHalfLife / 2);
  EXPECT_NEAR(faster.ListShares()->shares(0).used_slot_seconds(), use / 4, 1e-3);
}

TEST_F(QueueStoreTest, LengthsAreLearnedFromFirstAttemptsOnly) {
  Submit("ada", 4);
  const QueueKey key = Ready().users[0].rows.at(0).key;
  const AttemptId broken = Start(key);
  clock_.Advance(absl::Seconds(100));
  End(broken, v1::QUEUED);
  EXPECT_TRUE(Ready().lengths.empty());
  const AttemptId resumed = Start(key);  // attempt 2 of run 1
  End(resumed, v1::SUCCEEDED);
  EXPECT_TRUE(Ready().lengths.empty());
  for (const int seconds : {10, 20}) {
    const AttemptId attempt = Start(key);
    clock_.Advance(absl::Seconds(seconds));
    End(attempt, v1::SUCCEEDED);
  }
  const QueuePicture picture = Ready();
  ASSERT_EQ(picture.lengths.size(), 1u);
  EXPECT_EQ(picture.lengths.begin()->second.length, absl::Seconds(15));
  EXPECT_EQ(picture.lengths.begin()->first, std::pair(key.shape, std::string("cpu x1")));
}

TEST_F(QueueStoreTest, SharesFallBackOnTheStar) {
  v1::SetShareRequest request;
  request.set_user("*");
  request.set_weight(3);
  request.set_max_queued(5);
  ASSERT_TRUE(queue_.SetShare(request, kAda).ok());
  request.Clear();
  request.set_user("ada");
  request.set_max_queued(1);
  const absl::StatusOr<v1::Share> share = queue_.SetShare(request, kAda);
  ASSERT_TRUE(share.ok()) << share.status();
  EXPECT_EQ(share->weight(), 3);
  EXPECT_EQ(share->max_queued(), 1);
  Submit("ada");
  NewJob more;
  more.owner = "ada";
  more.runs.resize(1);
  const absl::Status refused = jobs_.Submit(more, {}, kAda).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("max_queued"));
}

TEST_F(QueueStoreTest, AClockThatWasSetBackMakesNobodyWaitForADayThatComesAgain) {
  Submit("ada", 2);
  const QueueKey key = Ready().users[0].rows.at(0).key;
  for (int run = 0; run < 2; ++run) {
    const absl::Time retry = clock_.Now() + absl::Seconds(30);
    const auto end = runs_.EndAttempt(Start(key), [&](const AttemptFacts&) {
      return AttemptEnd{v1::QUEUED, v1::WORKER_LOST, "", retry};
    });
    ASSERT_TRUE(end.ok()) << end.status();
  }
  clock_.Advance(-absl::Hours(24));
  EXPECT_FALSE(runs_.ClaimOneOf(key, {"cpu0", ""}, "early")->has_value());
  ASSERT_TRUE(queue_.Open().ok());  // as a daemon that starts
  EXPECT_LE(Ready().users[0].rows.at(0).waiting_since, clock_.Now());
  EXPECT_LE(Ready().users[0].last_start, clock_.Now());
  EXPECT_TRUE(runs_.ClaimOneOf(key, {"cpu0", ""}, "now")->has_value());
}

// What a decision found too early, by its reading of the clock, may be in the past a moment later.
TEST_F(QueueStoreTest, ARetryThatBecomesDueMeanwhileIsStillToCome) {
  Submit("ada", 1);
  const QueueKey key = Ready().users[0].rows.at(0).key;
  const absl::Time retry = clock_.Now() + absl::Seconds(30);
  const auto end = runs_.EndAttempt(Start(key), [&](const AttemptFacts&) {
    return AttemptEnd{v1::QUEUED, v1::WORKER_LOST, "", retry};
  });
  ASSERT_TRUE(end.ok()) << end.status();
  clock_.Advance(absl::Seconds(29));
  const absl::Time begun = clock_.Now();
  EXPECT_FALSE(runs_.ClaimOneOf(key, {"cpu0", ""}, "early")->has_value());
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(*runs_.NextRetryTime(begun), retry);
  EXPECT_EQ(*runs_.NextRetryTime(clock_.Now()), absl::InfiniteFuture());
}

TEST_F(QueueStoreTest, ADeviceOnWhichARunWasLostIsAvoided) {
  const JobId job = Submit("ada", 1);
  const RunId run{job, 1};
  const QueueKey key = Ready().users[0].rows.at(0).key;
  EXPECT_EQ(runs_.DeviceToAvoid(run).value(), "");
  for (const auto& [reason, device] : std::vector<std::pair<v1::Reason, std::string>>{
           {v1::WORKER_LOST, "cpu0"}, {v1::PREEMPTED, ""}, {v1::DEVICE_FAULT, "cpu0"}}) {
    const auto end = runs_.EndAttempt(Start(key), [reason = reason](const AttemptFacts&) {
      return AttemptEnd{v1::QUEUED, reason, ""};
    });
    ASSERT_TRUE(end.ok()) << end.status();
    EXPECT_EQ(runs_.DeviceToAvoid(run).value(), device) << v1::Reason_Name(reason);
  }
}

// All artifacts of a user may take long to add up.
TEST_F(QueueStoreTest, TheLimitOfArtifactsKeepsNobodyFromWriting) {
  v1::SetShareRequest request;
  request.set_user("ada");
  request.set_max_artifact_bytes(1);
  ASSERT_TRUE(queue_.SetShare(request, kAda).ok());
  const JobId job = Submit("ada");
  const absl::Status stored = connections_->Write(clock_.Now(), [&](WriteScope& scope) {
    return scope.db
        .Prepare(
            "INSERT INTO artifacts (job_id, run_number, name, digest, media_type, size_bytes, create_time) "
            "VALUES (?, 1, 'a', 'd', '', 5, 0)")
        .Bind(job.number)
        .Run();
  });
  ASSERT_TRUE(stored.ok()) << stored;
  NewJob more;
  more.owner = "ada";
  more.runs.resize(1);
  absl::Notification answered;
  std::thread submitter;
  const absl::Status written = connections_->Write(clock_.Now(), [&](WriteScope&) {
    submitter = std::thread([&] {
      const absl::Status refused = jobs_.Submit(more, {}, kAda).status();
      EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
      answered.Notify();
    });
    EXPECT_TRUE(answered.WaitForNotificationWithTimeout(absl::Seconds(20)));
    return absl::OkStatus();
  });
  EXPECT_TRUE(written.ok()) << written;
  submitter.join();
}

// Each of them comes after a job that failed, and none has so many that it would be told in parts.
TEST_F(QueueStoreTest, RunsOfManyJobsAreNotFailedAllAtOnce) {
  const JobId failed = Submit("ada");
  for (int i = 0; i < 3; ++i) {
    NewJob next;
    next.kind = v1::CLASSIFIER_TRAINING;
    next.owner = "ada";
    next.classifier_key = absl::StrCat("after ", i);
    next.after = {failed};
    next.runs.resize(kRunsAtOnce / 2);
    ASSERT_TRUE(jobs_.Submit(next, {}, kAda).ok());
  }
  ASSERT_TRUE(jobs_.Cancel(failed, kAda).ok());
  SettledWaits settled;
  const auto settle = [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(settled, FindSettled(scope.db));
    return WriteSettled(scope, settled);
  };
  ASSERT_TRUE(connections_->Write(clock_.Now(), settle).ok());
  EXPECT_EQ(settled.failed.size(), 3u);
  EXPECT_EQ(jobs_.CountRuns()->failed(), kRunsAtOnce);
  ASSERT_TRUE(queue_.SettleWaits().ok());
  EXPECT_EQ(jobs_.CountRuns()->failed(), kRunsAtOnce / 2 * 3);
}

// Prints what decisions cost; what is read is bounded, so that time does not grow with the queue.
TEST_F(QueueStoreTest, RowsOfHeldJobsTakeNoPlace) {
  const JobId first = Submit("ada", 1);
  const JobId held = Submit("ada", 1);
  const JobId last = Submit("ada", 1);
  const absl::StatusOr<QueuePicture> picture = queue_.ReadReady(2, {held});
  ASSERT_TRUE(picture.ok()) << picture.status();
  const std::vector<QueueRow>& rows = picture->users.at(0).rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key.job, first);
  EXPECT_EQ(rows[1].key.job, last);
}

TEST_F(QueueStoreTest, ADecisionReadsRowsAndNotRuns) {
  constexpr int kUsers = 10;
  for (int job = 0; job < 1000; ++job) Submit(absl::StrCat("user", job % kUsers), 100, job % 3);
  const absl::Time begin = absl::Now();
  const QueuePicture picture = Ready();
  const absl::Time read = absl::Now();
  ASSERT_EQ(picture.users.size(), static_cast<size_t>(kUsers));
  for (const QueueUser& user : picture.users) {
    EXPECT_LE(user.rows.size(), 72u);
    EXPECT_EQ(user.rows.front().key.priority, 2);
  }
  const std::vector<DeviceSlots> devices = {{"cpu0", "cpu x1"}, {"cpu1", "cpu x1"}};
  EXPECT_EQ(DecideStarts(SnapshotOf(picture, devices), {}).size(), 2u);
  const absl::Time decided = absl::Now();
  const QueuePicture all = *queue_.ReadAll(500);
  const Forecast forecast = PlayForward(SnapshotOf(all, devices), {}, kHalfLife, 20'000);
  std::printf("100,000 queued runs of 1,000 jobs: read %s, decided %s, forecast %s\n",
              absl::FormatDuration(read - begin).c_str(), absl::FormatDuration(decided - read).c_str(),
              absl::FormatDuration(absl::Now() - decided).c_str());
  EXPECT_EQ(forecast.starts_of.size(), static_cast<size_t>(kUsers));
}

}  // namespace
}  // namespace skew
