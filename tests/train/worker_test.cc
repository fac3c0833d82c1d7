// Real workers against a scripted daemon, on a dataset that is learnt in a moment.
#include "server/train/worker.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/data/dataset.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "server/train/engine/checkpoint.h"
#include "tests/testing/temp_folder.h"
#include "tests/train/scripted_daemon.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using worker::v1::Report;
using worker::v1::WorkOrder;
using Then = ScriptedDaemon::Then;

Then Acknowledge(const Report&) { return Then::kAcknowledge; }

// What one worker came to.
struct Outcome {
  int exit_code = 0;
  std::vector<Report> reports;

  const Report& last() const { return reports.back(); }
  // By step; the final one under -1.
  std::map<int, std::string> Histograms() const {
    std::map<int, std::string> histograms;
    for (const Report& report : reports) {
      const v1::ClassHistogram& histogram = report.histogram();
      if (report.has_histogram()) histograms[histogram.final() ? -1 : histogram.step()] = histogram.ShortDebugString();
    }
    return histograms;
  }
  std::map<std::string, std::string> ArtifactDigests() const {
    std::map<std::string, std::string> digests;
    for (const Report& report : reports) {
      if (report.has_artifact()) digests[report.artifact().name()] = report.artifact().digest();
    }
    return digests;
  }
  std::vector<std::string> ArtifactNames() const {
    std::vector<std::string> names;
    for (const auto& [name, digest] : ArtifactDigests()) names.push_back(name);
    return names;
  }
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    std::filesystem::create_directory(DatasetFolder());
    WriteSyntheticDataset(DatasetFolder());
  }

  std::string DatasetFolder() const { return folder_ + "/dataset"; }

  // An order with a work folder of that name; `spec` is the job specification as text.
  WorkOrder Order(const std::string& name, const std::string& spec) const {
    WorkOrder order;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "attempt: 1 seed: 11 device: 'cpu' threads: 1 checkpoint_seconds: 60 spec { " + spec + " }", &order));
    order.set_run_id("j1.1");
    order.set_dataset_dir(DatasetFolder());
    order.set_dataset_digest(ReadDataset(DatasetFolder())->digest);
    order.set_work_dir(absl::StrCat(folder_, "/", name));
    std::filesystem::create_directory(order.work_dir());
    return order;
  }

  // The same for a study of classes 0 and 1, judged by a classifier that is trained for it.
  WorkOrder StudyOrder(const std::string& name, const std::string& spec) {
    if (!classifier_.has_value()) TrainClassifier();
    WorkOrder order = Order(name, spec);
    (*order.mutable_bias_point()->mutable_counts())[0] = 40;
    (*order.mutable_bias_point()->mutable_counts())[1] = 20;
    *order.mutable_classifier() = *classifier_;
    order.set_classifier_file(folder_ + "/judge/taken-classifier.pt");
    return order;
  }

  void TrainClassifier() { classifier_ = TrainJudge("judge", 0); }

  // A classifier whose weights are in the folder of that name.
  v1::Classifier TrainJudge(const std::string& name, int seed) {
    const std::string spec = absl::StrCat("dataset: 'synthetic' classifier { epochs: 1 seed: ", seed, " }");
    const Outcome outcome = Run(Order(name, spec));
    EXPECT_TRUE(outcome.last().has_finished()) << outcome.last().ShortDebugString();
    return outcome.last().finished().classifier();
  }

  // Lets one worker carry the order out.
  Outcome Run(const WorkOrder& order, const ScriptedDaemon::Script& script = Acknowledge) {
    StopRequest stop;
    RealClock clock;
    ScriptedDaemon daemon(folder_, order, script);
    Outcome outcome;
    outcome.exit_code = RunWorker({daemon.address(), ScriptedDaemon::kToken}, &stop, &clock);
    outcome.reports = daemon.reports();
    EXPECT_EQ(daemon.problems(), "");
    EXPECT_THAT(daemon.hello().engine(), HasSubstr("LibTorch"));
    return outcome;
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  std::optional<v1::Classifier> classifier_;
};

constexpr char kShortVae[] =
    "models { vae { width: 8 latent: 4 } } training { steps: 7 batch_size: 16 } generation { images: 50 } "
    "evaluation { every_steps: 3 images: 20 }";
constexpr char kBriefly[] = "training { steps: 2 batch_size: 16 } generation { images: 20 }";
constexpr char kLongDcgan[] =
    "models { dcgan { width: 8 latent: 8 } } training { steps: 300 batch_size: 16 } generation { images: 50 } "
    "evaluation { every_steps: 20 images: 20 }";

ScriptedDaemon::Script AtTheStart(Then then) {
  return [=](const Report& report) { return report.has_started() ? then : Then::kAcknowledge; };
}

// After the histogram of that step.
ScriptedDaemon::Script AfterHistogram(int step, Then then) {
  return [=](const Report& report) {
    const bool now = report.has_histogram() && report.histogram().step() == step;
    return now ? then : Then::kAcknowledge;
  };
}

TEST_F(WorkerTest, TrainsAndMeasuresARun) {
  const Outcome outcome = Run(StudyOrder("run", kShortVae));
  EXPECT_EQ(outcome.exit_code, kExitReported);
  EXPECT_EQ(outcome.reports.front().started().resumed_step(), 0);
  EXPECT_EQ(outcome.reports.front().started().manifest_digest().size(), 64U);
  EXPECT_TRUE(outcome.last().has_finished());
  EXPECT_FALSE(outcome.last().finished().has_classifier());
  EXPECT_THAT(outcome.ArtifactNames(),
              ElementsAre("checkpoint.pt", "losses.csv", "manifest.csv", "real-by-class.png", "samples-3.png",
                          "samples-6.png", "samples-by-class.png", "samples.png"));
  const std::map<int, std::string> histograms = outcome.Histograms();
  ASSERT_EQ(histograms.size(), 3U);
  EXPECT_THAT(histograms.at(3), HasSubstr("images: 20"));
  EXPECT_THAT(histograms.at(-1), HasSubstr("step: 7"));
  EXPECT_THAT(histograms.at(-1), HasSubstr("final: true images: 50"));
}

TEST_F(WorkerTest, SaysInWhichPrecisionItTrains) {
  const auto precision_of = [this](const std::string& folder, const std::string& spec) {
    return Run(StudyOrder(folder, spec + kBriefly)).reports.front().started().precision();
  };
  EXPECT_EQ(precision_of("fp32", "models { vae { width: 8 latent: 4 precision: FP32 } }"), v1::FP32);
  EXPECT_EQ(precision_of("bf16", "models { vae { width: 8 latent: 4 precision: BF16 } }"), v1::BF16);
  EXPECT_NE(precision_of("auto", "models { vae { width: 8 latent: 4 precision: AUTO } }"), v1::AUTO);
  EXPECT_EQ(precision_of("none", "models { resample {} }"), v1::PRECISION_UNSPECIFIED);
}

TEST_F(WorkerTest, TheLastProgressIsOfTheLastStep) {
  const Outcome outcome = Run(StudyOrder("run", kShortVae));
  v1::Progress progress;
  for (const Report& report : outcome.reports) {
    if (report.has_progress()) progress = report.progress();
  }
  EXPECT_EQ(progress.step(), 7);
  EXPECT_EQ(progress.total_steps(), 7);
  EXPECT_DOUBLE_EQ(progress.epoch(), 7 * 16 / 60.0);
  EXPECT_EQ(progress.metrics().count("loss"), 1U);
}

TEST_F(WorkerTest, ResampleOnlyMeasures) {
  const Outcome outcome = Run(StudyOrder("run", "models { resample {} } generation { images: 300 }"));
  EXPECT_EQ(outcome.exit_code, kExitReported);
  EXPECT_TRUE(outcome.last().has_finished());
  EXPECT_THAT(outcome.ArtifactNames(),
              ElementsAre("manifest.csv", "real-by-class.png", "samples-by-class.png", "samples.png"));
  EXPECT_EQ(outcome.Histograms().size(), 1U);
}

TEST_F(WorkerTest, FurtherJudgesCountTheSameFinalImages) {
  const Outcome alone = Run(StudyOrder("alone", kShortVae));
  WorkOrder order = StudyOrder("run", kShortVae);
  worker::v1::Judge& same = *order.add_more_judges();
  *same.mutable_classifier() = order.classifier();
  same.set_file(order.classifier_file());
  worker::v1::Judge& other = *order.add_more_judges();
  *other.mutable_classifier() = TrainJudge("other", 1);
  other.set_file(folder_ + "/other/taken-classifier.pt");
  ASSERT_NE(other.classifier().digest(), same.classifier().digest());
  const Outcome outcome = Run(order);
  ASSERT_TRUE(outcome.last().has_finished()) << outcome.last().ShortDebugString();
  int histograms = 0;
  for (const Report& report : outcome.reports) {
    if (!report.has_histogram()) continue;
    ++histograms;
    v1::ClassHistogram first = report.histogram();
    first.clear_more_judges();
    EXPECT_EQ(first.ShortDebugString(), alone.Histograms().at(first.final() ? -1 : first.step()));
    if (!first.final()) {
      EXPECT_EQ(report.histogram().more_judges_size(), 0);
      continue;
    }
    ASSERT_EQ(report.histogram().more_judges_size(), 2);
    // The first judge, asked twice, says the same.
    v1::ClassHistogram again = report.histogram().more_judges(0);
    EXPECT_EQ(again.images(), 50);
    again.set_run_id(first.run_id());
    again.set_step(first.step());
    again.set_epoch(first.epoch());
    again.set_final(true);
    EXPECT_EQ(again.ShortDebugString(), first.ShortDebugString());
    const v1::ClassHistogram& another = report.histogram().more_judges(1);
    EXPECT_EQ(another.classifier_digest(), other.classifier().digest());
    EXPECT_NE(another.mean_posterior(0), first.mean_posterior(0));
    int images = another.rejected() + another.off_support();
    for (const auto& [label, count] : another.counts()) images += count;
    EXPECT_EQ(images, 50);
  }
  EXPECT_EQ(histograms, 3);
}

TEST_F(WorkerTest, NamesAFurtherJudgeThatIsNotWhatTheOrderSays) {
  WorkOrder order = StudyOrder("run", kShortVae);
  order.add_more_judges()->set_file(order.classifier_file());
  order.mutable_more_judges(0)->mutable_classifier()->set_digest("4567");
  const Outcome outcome = Run(order);
  EXPECT_EQ(outcome.last().failed().reason(), v1::PREEMPTED);
  EXPECT_THAT(outcome.last().failed().message(), HasSubstr("4567"));
}

TEST_F(WorkerTest, TrainsAClassifier) {
  const Outcome outcome = Run(Order("run", "dataset: 'synthetic' classifier { epochs: 1 }"));
  EXPECT_EQ(outcome.exit_code, kExitReported);
  EXPECT_TRUE(outcome.reports.front().has_started());
  EXPECT_THAT(outcome.ArtifactNames(), ElementsAre("classifier.pt"));
  const v1::Classifier& classifier = outcome.last().finished().classifier();
  EXPECT_EQ(classifier.classes(), kSyntheticClasses);
  EXPECT_EQ(classifier.digest().size(), 64U);
}

TEST_F(WorkerTest, StopsWhenCancelled) {
  const Outcome outcome = Run(StudyOrder("run", kLongDcgan), AfterHistogram(20, Then::kCancel));
  EXPECT_EQ(outcome.exit_code, kExitReported);
  EXPECT_TRUE(outcome.last().has_stopped()) << outcome.last().ShortDebugString();
  EXPECT_THAT(outcome.ArtifactNames(), Not(Contains("samples.png")));
}

TEST_F(WorkerTest, AResumedRunEndsLikeOneThatWasNeverStopped) {
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

TEST_F(WorkerTest, AStopDuringTheFinalHistogramCostsNoTraining) {
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

TEST_F(WorkerTest, ACheckpointThatDoesNotFitIsPassedOverForTheOneBefore) {
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

TEST_F(WorkerTest, ACheckpointOfAnotherRunIsPassedOver) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const int step = Run(order, AfterHistogram(20, Then::kCheckpointAndStop)).last().stopped().checkpoint_step();
  EXPECT_GE(step, 20);
  WorkOrder other = order;
  other.set_seed(12);
  EXPECT_EQ(Run(other, AtTheStart(Then::kCancel)).reports.front().started().resumed_step(), 0);
}

TEST_F(WorkerTest, ACheckpointOfAnEarlierVersionDoesNotSayWhoseItIsAndIsTaken) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const int step = Run(order, AfterHistogram(20, Then::kCheckpointAndStop)).last().stopped().checkpoint_step();
  const CheckpointFolder checkpoints(order.work_dir());
  std::vector<std::string> problems;
  Checkpoint checkpoint = *checkpoints.ReadNewest(problems).value();
  ASSERT_EQ(checkpoint.state.erase("identity"), 1U);
  ASSERT_TRUE(checkpoints.Write(checkpoint).ok());
  EXPECT_EQ(Run(order, AtTheStart(Then::kCancel)).reports.front().started().resumed_step(), step);
}

TEST_F(WorkerTest, WritesACheckpointWhenTheDaemonIsLost) {
  const WorkOrder order = StudyOrder("run", kLongDcgan);
  const Outcome lost = Run(order, AfterHistogram(20, Then::kBreak));
  EXPECT_EQ(lost.exit_code, kExitDaemonLost);
  EXPECT_TRUE(lost.last().has_histogram());
  const Outcome resumed = Run(order, AfterHistogram(40, Then::kCancel));
  EXPECT_GE(resumed.reports.front().started().resumed_step(), 20);
}

// The daemon hangs and then is gone, without having taken what evaluations made. The worker has trained on meanwhile,
// and the next attempt does not come by their steps.
TEST_F(WorkerTest, TheNextAttemptReportsWhatNobodyTook) {
  const Outcome straight = Run(StudyOrder("straight", kLongDcgan));
  const WorkOrder order = StudyOrder("lost", kLongDcgan);
  const auto hang_at_20 = [](const Report& report) {
    if (!report.has_histogram() || report.histogram().step() != 20) return Then::kAcknowledge;
    absl::SleepFor(absl::Milliseconds(500));
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

TEST_F(WorkerTest, AttachesAgainAndLosesAndRepeatsNothing) {
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

TEST_F(WorkerTest, NamesBothDigestsOfAnotherDataset) {
  WorkOrder order = StudyOrder("run", kShortVae);
  const std::string actual = order.dataset_digest();
  order.set_dataset_digest("0123");
  const Outcome outcome = Run(order);
  EXPECT_EQ(outcome.exit_code, kExitReported);
  ASSERT_EQ(outcome.reports.size(), 1U);
  EXPECT_EQ(outcome.last().failed().reason(), v1::PREEMPTED);
  EXPECT_THAT(outcome.last().failed().message(), HasSubstr("0123"));
  EXPECT_THAT(outcome.last().failed().message(), HasSubstr(actual));
}

TEST_F(WorkerTest, WhatIsNotThereIsNotTheRunsFault) {
  WorkOrder no_dataset = StudyOrder("run", kShortVae);
  no_dataset.set_dataset_dir(folder_ + "/none");
  EXPECT_EQ(Run(no_dataset).last().failed().reason(), v1::PREEMPTED);
  WorkOrder no_judge = StudyOrder("run", kShortVae);
  no_judge.set_classifier_file(folder_ + "/none");
  EXPECT_EQ(Run(no_judge).last().failed().reason(), v1::PREEMPTED);
}

TEST_F(WorkerTest, SettingsThatCannotWorkAreTheUsersConcern) {
  WorkOrder order = StudyOrder("run", kShortVae);
  (*order.mutable_bias_point()->mutable_counts())[1] = 61;
  const Outcome outcome = Run(order);
  EXPECT_EQ(outcome.last().failed().reason(), v1::USER_CONFIG);
  EXPECT_THAT(outcome.last().failed().message(), HasSubstr("61"));
}

TEST_F(WorkerTest, ADivergingTrainingNamesTheStep) {
  const Outcome outcome = Run(
      StudyOrder("run",
                 "models { vae_mlp { width: 8 latent: 4 learning_rate: 1 } } training { steps: 3000 batch_size: 16 } "
                 "evaluation { every_steps: 3000 images: 20 }"));
  EXPECT_EQ(outcome.last().failed().reason(), v1::NUMERIC) << outcome.last().ShortDebugString();
  EXPECT_THAT(outcome.last().failed().message(), HasSubstr(" at step "));
}

TEST_F(WorkerTest, GivesUpOnAWrongToken) {
  StopRequest stop;
  RealClock clock;
  ScriptedDaemon daemon(folder_, WorkOrder(), Acknowledge);
  EXPECT_EQ(RunWorker({daemon.address(), "wrong"}, &stop, &clock), kExitRefused);
}

TEST_F(WorkerTest, ReportsADaemonThatIsNotThere) {
  StopRequest stop;
  RealClock clock;
  EXPECT_EQ(RunWorker({absl::StrCat("unix:", folder_, "/nobody.sock"), "secret"}, &stop, &clock), kExitDaemonLost);
}

}  // namespace
}  // namespace skew::train
