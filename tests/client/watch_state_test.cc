#include "client/render/watch_state.h"

#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;

WatchState TwoRuns() {
  return WatchState(Parse<v1::Job>("id: 'j1'"),
                    {Parse<v1::Run>("id: 'j1.1' state: QUEUED"), Parse<v1::Run>("id: 'j1.2' state: QUEUED")});
}

void ApplyText(WatchState& state, const std::string& event) { state.Apply(Parse<v1::Event>(event)); }

TEST(WatchStateTest, FollowsStatesAndCounts) {
  WatchState state = TwoRuns();
  EXPECT_EQ(state.job().state(), v1::JOB_QUEUED);
  ApplyText(state, "time { seconds: 5 } run_state { run_id: 'j1.1' state: STARTING device: 'cpu0' }");
  ApplyText(state, "time { seconds: 6 } run_state { run_id: 'j1.1' state: RUNNING }");
  EXPECT_EQ(state.job().state(), v1::JOB_RUNNING);
  EXPECT_EQ(state.job().start_time().seconds(), 5);
  EXPECT_EQ(state.FindRun("j1.1")->device(), "cpu0");
  EXPECT_THAT(state.job().runs(), EqualsProto("total: 2 queued: 1 active: 1"));
  ApplyText(state, "run_state { run_id: 'j1.1' state: SUCCEEDED }");
  ApplyText(state, "time { seconds: 9 } run_state { run_id: 'j1.2' state: FAILED reason: NUMERIC }");
  EXPECT_EQ(state.job().state(), v1::JOB_FAILED);
  EXPECT_EQ(state.job().end_time().seconds(), 9);
}

TEST(WatchStateTest, KeepsTheNewestProgressAndHistograms) {
  WatchState state = TwoRuns();
  ApplyText(state, "progress { run_id: 'j1.2' progress { step: 7 } }");
  EXPECT_EQ(state.FindRun("j1.2")->progress().step(), 7);
  ApplyText(state, "histogram { run_id: 'j1.1' step: 1 }");
  ApplyText(state, "histogram { run_id: 'j1.2' step: 1 }");
  ApplyText(state, "histogram { run_id: 'j1.1' step: 2 }");
  EXPECT_THAT(state.NewestHistograms(), ElementsAre(state.FindRun("j1.1"), state.FindRun("j1.2")));
  EXPECT_EQ(state.FindRun("j1.1")->histogram().step(), 2);
}

TEST(WatchStateTest, PassesOverWhatIsNotKnown) {
  WatchState state = TwoRuns();
  ApplyText(state, "run_state { run_id: 'j1.9' state: FAILED }");
  ApplyText(state, "job_accepted { runs: 2 }");
  EXPECT_EQ(state.FindRun("j1.9"), nullptr);
  EXPECT_EQ(state.job().state(), v1::JOB_QUEUED);
}

}  // namespace
}  // namespace skew
