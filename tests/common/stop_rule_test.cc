#include "common/stop_rule.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/time/time.h"
#include "common/expansion.h"
#include "common/proto_time.h"

namespace skew {
namespace {

v1::JobSpec Spec() {
  v1::JobSpec spec;
  (*spec.mutable_bias()->mutable_fixed())[0] = 20;
  spec.mutable_bias()->mutable_varied()->set_class_(1);
  for (const int32_t count : {5, 20}) spec.mutable_bias()->mutable_varied()->add_counts(count);
  spec.add_models()->mutable_dcgan();
  spec.set_iterations(10);
  spec.set_seed(7);
  spec.mutable_stop()->set_class_(1);
  spec.mutable_stop()->set_half_width(0.02);
  spec.mutable_stop()->set_min_iterations(3);
  return spec;
}

// Runs of the first cell that took ten minutes each and generated these counts of class 1 among 10,000 images.
std::vector<v1::Run> Finished(const std::vector<int32_t>& counts) {
  std::vector<v1::Run> runs;
  for (const int32_t count : counts) {
    v1::Run run = Expand(Spec()).front();
    run.set_iteration(static_cast<int32_t>(runs.size()));
    run.set_state(v1::SUCCEEDED);
    *run.mutable_start_time() = ToProto(absl::FromUnixSeconds(1000));
    *run.mutable_end_time() = ToProto(absl::FromUnixSeconds(1600));
    run.mutable_histogram()->set_final(true);
    run.mutable_histogram()->set_images(10000);
    (*run.mutable_histogram()->mutable_counts())[0] = 10000 - count;
    (*run.mutable_histogram()->mutable_counts())[1] = count;
    runs.push_back(run);
  }
  return runs;
}

TEST(StopRuleTest, EveryCellBeginsWithTheFewestIterations) {
  EXPECT_EQ(Expand(Spec()).size(), 6U);
  EXPECT_EQ(CountRuns(Spec()), 20);
}

TEST(StopRuleTest, AWideIntervalAsksForTheRunThatTheWholeStudyWouldHave) {
  const std::optional<v1::Run> next = NextIteration(Spec(), Finished({1500, 2500, 2000}));
  ASSERT_TRUE(next.has_value());
  v1::JobSpec whole = Spec();
  whole.clear_stop();
  EXPECT_EQ(next->ShortDebugString(), Expand(whole)[6].ShortDebugString());  // iteration 3 of the first of two cells
}

TEST(StopRuleTest, ANarrowIntervalStops) {
  EXPECT_FALSE(NextIteration(Spec(), Finished({2000, 2010, 1990})).has_value());
}

TEST(StopRuleTest, NothingIsAddedWhileARunHasNoResult) {
  std::vector<v1::Run> runs = Finished({1500, 2500, 2000});
  for (const v1::RunState state : {v1::QUEUED, v1::RUNNING, v1::FAILED, v1::CANCELLED}) {
    runs[1].set_state(state);
    EXPECT_FALSE(NextIteration(Spec(), runs).has_value()) << v1::RunState_Name(state);
  }
}

TEST(StopRuleTest, ThereAreNoMoreThanTheIterationsAsked) {
  v1::JobSpec spec = Spec();
  spec.set_iterations(3);
  EXPECT_FALSE(NextIteration(spec, Finished({1500, 2500, 2000})).has_value());
}

TEST(StopRuleTest, ARunWithoutAnAcceptedImageTellsNothing) {
  std::vector<v1::Run> runs = Finished({2000, 2010, 1990});
  (*runs[2].mutable_histogram()->mutable_counts())[0] = 0;
  (*runs[2].mutable_histogram()->mutable_counts())[1] = 0;
  EXPECT_TRUE(NextIteration(Spec(), runs).has_value());
}

TEST(StopRuleTest, SavedTimeIsThatOfTheIterationsThatWereNotNeeded) {
  const v1::SavedRuns saved = SavedByStopping(Spec(), Finished({2000, 2010, 1990}));
  EXPECT_EQ(saved.runs(), 7);
  EXPECT_EQ(FromProto(saved.time()), absl::Minutes(70));
  std::vector<v1::Run> answered = Finished({2000, 2010, 1990});
  answered[1].clear_start_time();  // from the store
  EXPECT_EQ(FromProto(SavedByStopping(Spec(), answered).time()), absl::Minutes(70));
  EXPECT_EQ(SavedByStopping(Spec(), Finished({1500, 2500, 2000})).runs(), 0);
  v1::JobSpec whole = Spec();
  whole.clear_stop();
  EXPECT_EQ(SavedByStopping(whole, Finished({2000, 2010, 1990})).runs(), 0);
}

}  // namespace
}  // namespace skew
