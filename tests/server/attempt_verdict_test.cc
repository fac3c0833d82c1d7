#include "server/jobs/attempt_verdict.h"

#include <gtest/gtest.h>

#include "common/worker_exit.h"

namespace skew {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

AttemptFacts Facts(v1::RunState state) {
  AttemptFacts facts;
  facts.run_state = state;
  facts.max_attempts = 3;
  return facts;
}

worker::v1::Report Finished() {
  worker::v1::Report report;
  report.mutable_finished();
  return report;
}

worker::v1::Report Failed(v1::Reason reason) {
  worker::v1::Report report;
  report.mutable_failed()->set_reason(reason);
  report.mutable_failed()->set_message("what happened");
  return report;
}

TEST(AttemptVerdictTest, AFinishedRunSucceedsHoweverItsProcessEnds) {
  AttemptFacts facts = Facts(v1::RUNNING);
  facts.outcome = Finished();
  EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kNone, {true, 9}, kNow).state, v1::SUCCEEDED);
  EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kDrain, {}, kNow).state, v1::SUCCEEDED);
  facts.run_state = v1::CANCELLING;
  EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kCancel, {}, kNow).state, v1::SUCCEEDED);
}

TEST(AttemptVerdictTest, AnAdoptedWorkerThatEndsWithoutAWordIsLost) {
  const AttemptEnd end = DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kNone, {.known = false}, kNow);
  EXPECT_EQ(end.state, v1::QUEUED);
  EXPECT_EQ(end.reason, v1::WORKER_LOST);
}

TEST(AttemptVerdictTest, ACancelledRunIsNotTriedAgain) {
  const AttemptEnd end = DecideAttemptEnd(Facts(v1::CANCELLING), StopCause::kCancel, {true, 9}, kNow);
  EXPECT_EQ(end.state, v1::CANCELLED);
  EXPECT_EQ(end.reason, v1::CANCEL_REQUESTED);
}

TEST(AttemptVerdictTest, ALostWorkerIsTriedAgainLaterEachTimeUntilAttemptsRunOut) {
  AttemptFacts facts = Facts(v1::RUNNING);
  const AttemptEnd first = DecideAttemptEnd(facts, StopCause::kNone, {true, 9}, kNow);
  EXPECT_EQ(first.state, v1::QUEUED);
  EXPECT_EQ(first.reason, v1::WORKER_LOST);
  EXPECT_EQ(first.message, "the worker was killed by signal 9");
  EXPECT_EQ(first.not_before, kNow + absl::Seconds(1));
  facts.failures = 1;
  EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kNone, {true, 9}, kNow).not_before, kNow + absl::Seconds(2));
  facts.failures = 2;
  const AttemptEnd last = DecideAttemptEnd(facts, StopCause::kNone, {false, 1}, kNow);
  EXPECT_EQ(last.state, v1::FAILED);
  EXPECT_EQ(last.reason, v1::WORKER_LOST);
}

TEST(AttemptVerdictTest, WhatCannotGetBetterIsNotTriedAgain) {
  for (const v1::Reason reason : {v1::NUMERIC, v1::OUT_OF_MEMORY_HOST, v1::INTERNAL, v1::USER_CONFIG}) {
    AttemptFacts facts = Facts(v1::RUNNING);
    facts.outcome = Failed(reason);
    const AttemptEnd end = DecideAttemptEnd(facts, StopCause::kNone, {}, kNow);
    EXPECT_EQ(end.state, v1::FAILED);
    EXPECT_EQ(end.reason, reason);
    EXPECT_EQ(end.message, "what happened");
  }
}

TEST(AttemptVerdictTest, PreemptionsGoBackToTheQueueAtOnceHoweverOften) {
  AttemptFacts facts = Facts(v1::RUNNING);
  facts.failures = 2;
  for (const auto& [cause, exit] : std::vector<std::pair<StopCause, WorkerExit>>{
           {StopCause::kDrain, {}}, {StopCause::kDrain, {true, 9}}, {StopCause::kNone, {false, kExitDaemonLost}}}) {
    const AttemptEnd end = DecideAttemptEnd(facts, cause, exit, kNow);
    EXPECT_EQ(end.state, v1::QUEUED);
    EXPECT_EQ(end.reason, v1::PREEMPTED);
    EXPECT_LE(end.not_before, kNow);
  }
}

TEST(AttemptVerdictTest, AKillForWantOfMemoryIsToldFromOneByAPerson) {
  const WorkerExit killed{.signalled = true, .code = 9};
  EXPECT_EQ(DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kNone, killed, kNow).reason, v1::WORKER_LOST);
  WorkerExit out_of_memory = killed;
  out_of_memory.out_of_memory = true;
  const AttemptEnd end = DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kNone, out_of_memory, kNow);
  EXPECT_EQ(end.state, v1::FAILED);
  EXPECT_EQ(end.reason, v1::OUT_OF_MEMORY_HOST);
  EXPECT_EQ(DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kDrain, out_of_memory, kNow).reason, v1::PREEMPTED);
}

TEST(AttemptVerdictTest, AWorkerThatCouldNotBeStartedForNowCostsNoAttempt) {
  AttemptFacts facts = Facts(v1::STARTING);
  facts.failures = 2;
  const AttemptEnd end = DecideAttemptEnd(facts, StopCause::kNone, {.not_started = "no descriptors"}, kNow);
  EXPECT_EQ(end.state, v1::QUEUED);
  EXPECT_EQ(end.reason, v1::PREEMPTED);
  EXPECT_EQ(end.not_before, kNow + absl::Seconds(2));
  EXPECT_EQ(end.message, "the server could not start a worker: no descriptors");
  for (const auto& [failed_starts, pause] : {std::pair{3, absl::Seconds(8)}, {1'000'000, absl::Seconds(64)}}) {
    const WorkerExit exit{.not_started = "no descriptors", .failed_starts = failed_starts};
    EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kNone, exit, kNow).not_before, kNow + pause);
  }
  facts.in_vain = 2;  // other runs were started meanwhile
  const WorkerExit exit{.not_started = "no descriptors", .failed_starts = 1};
  EXPECT_EQ(DecideAttemptEnd(facts, StopCause::kNone, exit, kNow).not_before, kNow + absl::Seconds(8));
}

TEST(AttemptVerdictTest, WhatTheServerLacksCostsNoAttempt) {
  AttemptFacts facts = Facts(v1::STARTING);
  facts.failures = 2;
  facts.in_vain = 1;
  facts.outcome = Failed(v1::PREEMPTED);
  const AttemptEnd end = DecideAttemptEnd(facts, StopCause::kNone, {}, kNow);
  EXPECT_EQ(end.state, v1::QUEUED);
  EXPECT_EQ(end.reason, v1::PREEMPTED);
  EXPECT_EQ(end.message, "what happened");
  EXPECT_EQ(end.not_before, kNow + absl::Seconds(4));
}

TEST(AttemptVerdictTest, SilenceIsTriedAgainAndGarbageIsNot) {
  const WorkerExit killed{.signalled = true, .code = 9};
  const AttemptEnd silent = DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kSilence, killed, kNow);
  EXPECT_EQ(silent.state, v1::QUEUED);
  EXPECT_EQ(silent.reason, v1::WORKER_LOST);
  WorkerExit refused = killed;
  refused.refused = "step: '-1' cannot be";
  const AttemptEnd garbage = DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kRefused, refused, kNow);
  EXPECT_EQ(garbage.state, v1::FAILED);
  EXPECT_EQ(garbage.reason, v1::INTERNAL);
  EXPECT_EQ(garbage.message, "the worker sent what cannot be: step: '-1' cannot be");
}

TEST(AttemptVerdictTest, ARunOverItsTimeLimitFails) {
  const AttemptEnd end = DecideAttemptEnd(Facts(v1::RUNNING), StopCause::kTimeout, {true, 9}, kNow);
  EXPECT_EQ(end.state, v1::FAILED);
  EXPECT_EQ(end.reason, v1::TIMEOUT);
}

}  // namespace
}  // namespace skew
