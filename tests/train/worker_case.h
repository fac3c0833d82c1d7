// Real workers against a scripted daemon, on a dataset that is learnt in a moment.
#ifndef SKEW_TESTS_TRAIN_WORKER_CASE_H_
#define SKEW_TESTS_TRAIN_WORKER_CASE_H_

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
#include "server/train/worker.h"
#include "tests/testing/temp_folder.h"
#include "tests/train/scripted_daemon.h"
#include "tests/train/synthetic.h"

namespace skew::train {

inline ScriptedDaemon::Then Acknowledge(const worker::v1::Report&) { return ScriptedDaemon::Then::kAcknowledge; }

// What one worker came to.
struct Outcome {
  int exit_code = 0;
  std::vector<worker::v1::Report> reports;

  const worker::v1::Report& last() const { return reports.back(); }
  // By step; the final one under -1.
  std::map<int, std::string> Histograms() const {
    std::map<int, std::string> histograms;
    for (const worker::v1::Report& report : reports) {
      const v1::ClassHistogram& histogram = report.histogram();
      if (report.has_histogram()) histograms[histogram.final() ? -1 : histogram.step()] = histogram.ShortDebugString();
    }
    return histograms;
  }
  std::map<std::string, std::string> ArtifactDigests() const {
    std::map<std::string, std::string> digests;
    for (const worker::v1::Report& report : reports) {
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

class WorkerCase : public testing::Test {
 protected:
  WorkerCase() {
    std::filesystem::create_directory(DatasetFolder());
    WriteSyntheticDataset(DatasetFolder());
  }

  std::string DatasetFolder() const { return folder_ + "/dataset"; }

  // An order with a work folder of that name; `spec` is the job specification as text.
  worker::v1::WorkOrder Order(const std::string& name, const std::string& spec) const {
    worker::v1::WorkOrder order;
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
  worker::v1::WorkOrder StudyOrder(const std::string& name, const std::string& spec) {
    if (!classifier_.has_value()) TrainClassifier();
    worker::v1::WorkOrder order = Order(name, spec);
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
  Outcome Run(const worker::v1::WorkOrder& order, const ScriptedDaemon::Script& script = Acknowledge) {
    StopRequest stop;
    RealClock clock;
    ScriptedDaemon daemon(folder_, order, script);
    Outcome outcome;
    outcome.exit_code = RunWorker({daemon.address(), ScriptedDaemon::kToken}, &stop, &clock);
    outcome.reports = daemon.reports();
    EXPECT_EQ(daemon.problems(), "");
    EXPECT_THAT(daemon.hello().engine(), testing::HasSubstr("LibTorch"));
    return outcome;
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  std::optional<v1::Classifier> classifier_;
};

inline constexpr char kShortVae[] =
    "models { vae { width: 8 latent: 4 } } training { steps: 7 batch_size: 16 } generation { images: 50 } "
    "evaluation { every_steps: 3 images: 20 }";
inline constexpr char kBriefly[] = "training { steps: 2 batch_size: 16 } generation { images: 20 }";
inline constexpr char kLongDcgan[] =
    "models { dcgan { width: 8 latent: 8 } } training { steps: 300 batch_size: 16 } generation { images: 50 } "
    "evaluation { every_steps: 20 images: 20 }";

inline ScriptedDaemon::Script AtTheStart(ScriptedDaemon::Then then) {
  return [=](const worker::v1::Report& report) {
    return report.has_started() ? then : ScriptedDaemon::Then::kAcknowledge;
  };
}

// After the histogram of that step.
inline ScriptedDaemon::Script AfterHistogram(int step, ScriptedDaemon::Then then) {
  return [=](const worker::v1::Report& report) {
    const bool now = report.has_histogram() && report.histogram().step() == step;
    return now ? then : ScriptedDaemon::Then::kAcknowledge;
  };
}

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_WORKER_CASE_H_
