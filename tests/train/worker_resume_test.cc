// Workers that stop, or lose their daemon, and go on.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/engine/checkpoint.h"
#include "tests/train/worker_case.h"

namespace skew::train {
namespace {

using testing::IsEmpty;
using worker::v1::Report;
using worker::v1::WorkOrder;
using Then = ScriptedDaemon::Then;

using WorkerResumeTest = WorkerCase;

TEST_F(WorkerResumeTest, AResumedRunEndsLikeOneThatWasNeverStopped) {
  const Outcome straight = Run(StudyOrder("straight", kLongDcgan));
  const WorkOrder order = StudyOrder("stopped", kLongDcgan);
  const Outcome first = Run(order, AfterHistogram(40, Then::kCheckpointAndStop));
  ASSERT_TRUE(first.last().has_stopped());
  const int step = first.last().stopped().checkpoint_step();
  EXPECT_GE(step, 40);
  EXPECT_LT(step, 300);
  const Outcome second = Run(order);
  EXPECT_EQ(second.reports.front().started().resumed_step(), step);
  EXPECT_EQ(second.reports.front().started().manifest_digest(), straight.reports.front().started().manifest_digest());
  ASSERT_TRUE(second.last().has_finished());

  std::map<int, std::string> histograms = first.Histograms();
  histograms.merge(second.Histograms());
  EXPECT_EQ(histograms, straight.Histograms());
  std::map<std::string, std::string> artifacts = first.ArtifactDigests();
  artifacts.merge(second.ArtifactDigests());
  EXPECT_EQ(artifacts, straight.ArtifactDigests());
}

TEST_F(WorkerResumeTest, AStopDuringTheFinalHistogramCostsNoTraining) {
  const WorkOrder order = StudyOrder("run",
                                     "models { vae { width: 8 latent: 4 } } training { steps: 7 batch_size: 16 } "
                                     "generation { images: 1000000 } evaluation { every_steps: 100 images: 20 }");
  const auto after_training = [](const Report& report) {
    return report.progress().step() == 7 ? Then::kCheckpointAndStop : Then::kAcknowledge;
  };
  const Outcome first = Run(order, after_training);
  EXPECT_EQ(first.last().stopped().checkpoint_step(), 7) << first.last().ShortDebugString();
  EXPECT_THAT(first.Histograms(), IsEmpty());
  const Outcome second = Run(order, AtTheStart(Then::kCancel));
  EXPECT_EQ(second.reports.front().started().resumed_step(), 7);
}

TEST_F(WorkerResumeTest, ACheckpointThatDoesNotFitIsPassedOverForTheOneBefore) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const Outcome first = Run(order, AfterHistogram(40, Then::kCheckpointAndStop));
  const int step = first.last().stopped().checkpoint_step();
  const CheckpointFolder checkpoints(order.work_dir());
  std::vector<std::string> problems;
  Checkpoint unfit = *checkpoints.ReadNewest(problems).value();
  unfit.step += 7;  // it has no losses of those
  ASSERT_TRUE(checkpoints.Write(unfit).ok());
  const Outcome second = Run(order);
  EXPECT_EQ(second.reports.front().started().resumed_step(), step);
  ASSERT_TRUE(second.last().has_finished()) << second.last().ShortDebugString();
  const Outcome straight = Run(StudyOrder("straight", kLongDcgan));
  EXPECT_EQ(second.Histograms().at(-1), straight.Histograms().at(-1));
}

TEST_F(WorkerResumeTest, ACheckpointOfAnotherRunIsPassedOver) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const int step = Run(order, AfterHistogram(20, Then::kCheckpointAndStop)).last().stopped().checkpoint_step();
  EXPECT_GE(step, 20);
  WorkOrder other = order;
  other.set_seed(12);
  EXPECT_EQ(Run(other, AtTheStart(Then::kCancel)).reports.front().started().resumed_step(), 0);
}

TEST_F(WorkerResumeTest, ACheckpointOfAnEarlierVersionDoesNotSayWhoseItIsAndIsTaken) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const int step = Run(order, AfterHistogram(20, Then::kCheckpointAndStop)).last().stopped().checkpoint_step();
  const CheckpointFolder checkpoints(order.work_dir());
  std::vector<std::string> problems;
  Checkpoint checkpoint = *checkpoints.ReadNewest(problems).value();
  ASSERT_EQ(checkpoint.state.erase("identity"), 1U);
  ASSERT_TRUE(checkpoints.Write(checkpoint).ok());
  EXPECT_EQ(Run(order, AtTheStart(Then::kCancel)).reports.front().started().resumed_step(), step);
}

TEST_F(WorkerResumeTest, WritesACheckpointWhenTheDaemonIsLost) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const Outcome lost = Run(order, AfterHistogram(20, Then::kBreak));
  EXPECT_EQ(lost.exit_code, kExitDaemonLost);
  EXPECT_TRUE(lost.last().has_histogram());
  const Outcome resumed = Run(order, AfterHistogram(40, Then::kCancel));
  EXPECT_GE(resumed.reports.front().started().resumed_step(), 20);
}

// The daemon hangs and then is gone, without having taken what evaluations made. The worker has trained on meanwhile,
// and the next attempt does not come by their steps.
TEST_F(WorkerResumeTest, TheNextAttemptReportsWhatNobodyTook) {
  const Outcome straight = Run(StudyOrder("straight", kLongDcgan));
  const WorkOrder order = StudyOrder("lost", kLongDcgan);
  const auto hang_at_20 = [&order](const Report& report) {
    if (!report.has_histogram() || report.histogram().step() != 20) return Then::kAcknowledge;
    while (!std::filesystem::exists(order.work_dir() + "/samples-40.png")) absl::SleepFor(absl::Milliseconds(5));
    return Then::kBreak;
  };
  StopRequest stop;
  RealClock clock;
  {
    ScriptedDaemon daemon(folder_, order, hang_at_20);
    EXPECT_EQ(RunWorker({daemon.address(), ScriptedDaemon::kToken}, &stop, &clock), kExitDaemonLost);
  }
  const Outcome resumed = Run(order);
  EXPECT_GT(resumed.reports.front().started().resumed_step(), 20);
  EXPECT_TRUE(resumed.last().has_finished());
  EXPECT_EQ(resumed.Histograms(), straight.Histograms());
  EXPECT_EQ(resumed.ArtifactDigests(), straight.ArtifactDigests());
}

TEST_F(WorkerResumeTest, AttachesAgainAndLosesAndRepeatsNothing) {
  const WorkOrder order = StudyOrder("run", kShortVae);
  const Outcome undisturbed = Run(StudyOrder("undisturbed", kShortVae));
  StopRequest stop;
  RealClock clock;
  ScriptedDaemon daemon(folder_, order, AfterHistogram(3, Then::kBreak));
  EXPECT_EQ(RunWorker({daemon.address(), ScriptedDaemon::kToken, absl::Minutes(1)}, &stop, &clock), kExitReported);
  EXPECT_EQ(daemon.problems(), "");
  EXPECT_GT(daemon.repeats(), 0);
  EXPECT_GT(daemon.hello().acknowledged(), 0);
  Outcome disturbed;
  disturbed.reports = daemon.reports();
  EXPECT_TRUE(disturbed.last().has_finished());
  EXPECT_EQ(disturbed.Histograms(), undisturbed.Histograms());
  EXPECT_EQ(disturbed.ArtifactNames(), undisturbed.ArtifactNames());
}

}  // namespace
}  // namespace skew::train
