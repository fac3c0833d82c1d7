// What workers make of their orders.
#include "server/train/worker.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/data/subset.h"
#include "tests/train/decoded_png.h"
#include "tests/train/worker_case.h"

namespace skew::train {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using worker::v1::Report;
using worker::v1::WorkOrder;
using Then = ScriptedDaemon::Then;

using WorkerTest = WorkerCase;

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

// The 28 x 28 images of a sample grid: eight in a row, twice as large, with gaps of two pixels.
std::vector<std::vector<uint8_t>> ImagesOf(const DecodedPng& grid) {
  std::vector<std::vector<uint8_t>> images;
  for (int64_t top = 2; top < grid.height; top += 58) {
    for (int64_t left = 2; left < grid.width; left += 58) {
      std::vector<uint8_t>& image = images.emplace_back();
      for (int64_t y = 0; y < 28; ++y) {
        for (int64_t x = 0; x < 28; ++x) {
          image.push_back(static_cast<uint8_t>(grid.At(left + 2 * x, top + 2 * y)));
        }
      }
    }
  }
  return images;
}

TEST_F(WorkerTest, ResampleDrawsImagesThatNoJudgeIsMeasuredOn) {
  Run(StudyOrder("run", absl::StrCat("models { resample {} } ", kBriefly)));
  const DatasetContent dataset = ReadDataset(DatasetFolder()).value();
  std::set<std::vector<uint8_t>> held_out;
  for (const int64_t index : SplitTest(dataset).held_out) {
    const auto begin = dataset.test.images.pixels.begin() + 784 * index;
    held_out.emplace(begin, begin + 784);
  }
  const auto images = ImagesOf(DecodePng(folder_ + "/run/taken-samples.png"));
  EXPECT_EQ(images.size(), 64U);
  for (const std::vector<uint8_t>& image : images) EXPECT_TRUE(held_out.contains(image));
}

// Bright squares, each class's at its place: of the class that is trained, and of no other.
TEST_F(WorkerTest, WhatIsGeneratedIsLikeTheDrawnImages) {
  WorkOrder order = StudyOrder("run",
                               "models { vae_mlp { width: 16 latent: 4 } } training { steps: 300 batch_size: 16 } "
                               "generation { images: 20 }");
  order.mutable_bias_point()->clear_counts();
  (*order.mutable_bias_point()->mutable_counts())[1] = 40;
  EXPECT_TRUE(Run(order).last().has_finished());
  const auto images = ImagesOf(DecodePng(folder_ + "/run/taken-samples.png"));
  const auto brightness = [&](size_t place) {
    double sum = 0;
    for (const std::vector<uint8_t>& image : images) {
      for (size_t y = place; y < place + 8; ++y) {
        for (size_t x = place; x < place + 8; ++x) sum += image[28 * y + x];
      }
    }
    return sum / (64 * 255.0 * static_cast<double>(images.size()));
  };
  EXPECT_GT(brightness(10), 0.6);
  EXPECT_LT(brightness(2), 0.45);
  EXPECT_LT(brightness(18), 0.45);
}

// Of 900 images some 300 are of class 1, and 500 are measured.
TEST_F(WorkerTest, RareClassesAreSearchedForAndNotCounted) {
  const Outcome outcome = Run(StudyOrder("run",
                                         "models { resample {} } generation { images: 900 } "
                                         "evaluation { measure_images: true }"));
  const auto last = std::find_if(outcome.reports.rbegin(), outcome.reports.rend(), [](const Report& report) {
    return report.has_histogram() && report.histogram().final();
  });
  ASSERT_NE(last, outcome.reports.rend());
  const v1::ClassHistogram& histogram = last->histogram();
  EXPECT_EQ(histogram.images(), 900);
  EXPECT_LT(histogram.counts().at(1), 450);
  ASSERT_TRUE(histogram.image_measures().classes().contains(1)) << histogram.ShortDebugString();
  EXPECT_EQ(histogram.image_measures().classes().at(1).images(), 500);
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
