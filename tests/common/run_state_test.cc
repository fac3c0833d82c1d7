#include "common/run_state.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

constexpr v1::RunState kStates[] = {v1::QUEUED,    v1::STARTING, v1::RUNNING,  v1::CANCELLING,
                                    v1::SUCCEEDED, v1::FAILED,   v1::CANCELLED};

TEST(RunStateTest, TerminalStatesAreLeftOnlyForARetryAndSuccessNever) {
  for (const v1::RunState from : {v1::SUCCEEDED, v1::FAILED, v1::CANCELLED}) {
    EXPECT_TRUE(IsTerminal(from));
    for (const v1::RunState to : kStates) {
      EXPECT_EQ(IsLegalChange(from, to), from != v1::SUCCEEDED && to == v1::QUEUED) << from << " to " << to;
    }
  }
}

TEST(RunStateTest, ARunThatStartedCannotSucceedBeforeItRan) {
  EXPECT_TRUE(IsLegalChange(v1::QUEUED, v1::SUCCEEDED));  // from the store
  EXPECT_FALSE(IsLegalChange(v1::STARTING, v1::SUCCEEDED));
  EXPECT_FALSE(IsLegalChange(v1::QUEUED, v1::RUNNING));
  EXPECT_TRUE(IsLegalChange(v1::RUNNING, v1::SUCCEEDED));
}

TEST(RunStateTest, ActiveRunsReturnToTheQueueForARetry) {
  EXPECT_TRUE(IsLegalChange(v1::STARTING, v1::QUEUED));
  EXPECT_TRUE(IsLegalChange(v1::RUNNING, v1::QUEUED));
  EXPECT_FALSE(IsLegalChange(v1::CANCELLING, v1::QUEUED));
}

TEST(RunStateTest, OnlyPassingTroubleIsRetried) {
  EXPECT_TRUE(IsRetried(v1::WORKER_LOST));
  EXPECT_TRUE(IsRetried(v1::PREEMPTED));
  EXPECT_TRUE(IsRetried(v1::DEVICE_FAULT));
  for (const v1::Reason reason : {v1::NUMERIC, v1::OUT_OF_MEMORY_HOST, v1::OUT_OF_MEMORY_DEVICE, v1::TIMEOUT,
                                  v1::USER_CONFIG, v1::INTERNAL, v1::DEPENDENCY_FAILED, v1::CANCEL_REQUESTED}) {
    EXPECT_FALSE(IsRetried(reason)) << v1::Reason_Name(reason);
  }
}

TEST(RunStateTest, EveryReasonHasItsClass) {
  for (int reason = 1; reason < v1::Reason_ARRAYSIZE; ++reason) {
    EXPECT_EQ(FailureClassOf(static_cast<v1::Reason>(reason)).reason, reason);
  }
  EXPECT_TRUE(FailureClassOf(v1::DEVICE_FAULT).elsewhere);
  EXPECT_FALSE(FailureClassOf(v1::PREEMPTED).elsewhere);
}

TEST(RunStateTest, OnlyWhatIsTheServersDoingDoesNotCount) {
  for (int reason = 1; reason < v1::Reason_ARRAYSIZE; ++reason) {
    EXPECT_EQ(CountsAsAttempt(static_cast<v1::Reason>(reason)), reason != v1::PREEMPTED);
  }
}

v1::RunCounts Counts(std::initializer_list<v1::RunState> states) {
  v1::RunCounts counts;
  for (const v1::RunState state : states) AddRuns(state, 1, counts);
  return counts;
}

TEST(JobStateTest, FollowsFromTheRuns) {
  EXPECT_EQ(JobStateOf(Counts({v1::QUEUED, v1::QUEUED})), v1::JOB_QUEUED);
  EXPECT_EQ(JobStateOf(Counts({v1::QUEUED, v1::SUCCEEDED})), v1::JOB_RUNNING);
  EXPECT_EQ(JobStateOf(Counts({v1::CANCELLING, v1::CANCELLED})), v1::JOB_RUNNING);
  EXPECT_EQ(JobStateOf(Counts({v1::SUCCEEDED, v1::SUCCEEDED})), v1::JOB_SUCCEEDED);
  EXPECT_EQ(JobStateOf(Counts({v1::SUCCEEDED, v1::CANCELLED})), v1::JOB_CANCELLED);
  EXPECT_EQ(JobStateOf(Counts({v1::FAILED, v1::CANCELLED, v1::SUCCEEDED})), v1::JOB_FAILED);
}

}  // namespace
}  // namespace skew
