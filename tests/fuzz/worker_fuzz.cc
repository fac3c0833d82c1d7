// What a worker reports. An input is a list of parts (see framing.h): the first says in its two bytes what the attempt
// is (a study's run, or the training of a classifier) and how its process ends; the bytes of every part are one message
// as it goes over the wire to the worker service of a real daemon, after the Hello with the attempt's token. The
// process of the attempt is real, too, but does nothing. When it has ended, everything that can be asked about the job
// is asked.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "skew/worker/v1/worker.pb.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/framing.h"
#include "tests/fuzz/idle_workers.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/target.h"
#include "tests/testing/test_daemon.h"

namespace skew::fuzz {
namespace {

using worker::v1::WorkerMessage;

constexpr size_t kMostMessages = 32;
constexpr int kInputsPerDaemon = 50;
constexpr uint16_t kTrainsClassifier = 1;  // in the head of the first part; the byte before it is the exit code
constexpr uint16_t kIsStranger = 2;        // in the same place: nothing comes before the messages

std::string Report(int64_t number, const std::string& text) {
  WorkerMessage message;
  Require(google::protobuf::TextFormat::ParseFromString(text, message.mutable_report()), text);
  message.mutable_report()->set_number(number);
  return message.SerializeAsString();
}

std::vector<std::string> Reports(const std::vector<std::string>& texts) {
  std::vector<std::string> messages;
  for (const std::string& text : texts) messages.push_back(Report(static_cast<int64_t>(messages.size()) + 1, text));
  return messages;
}

std::string ArtifactText(const std::string& name) {
  return absl::StrCat("artifact { file: 'file' name: '", name, "' media_type: 'text/plain' digest: '",
                      Sha256Hex(kFileContent), "' size_bytes: ", sizeof(kFileContent) - 1, " }");
}

std::vector<std::string> TrainingReports() {
  return Reports({"started { manifest_digest: 'm' }",
                  "progress { step: 1 total_steps: 2 metrics { key: 'loss' value: 1 } }", ArtifactText("classifier.pt"),
                  "finished { classifier { digest: 'judge' test_accuracy: 0.99 classes: 3 confusion: [98, 1, 1, 1, 98, "
                  "1, 1, 1, 98] mean_posteriors: [0.9, 0.05, 0.05, 0.1, 0.8, 0.1, 0, 0, 1] } }"});
}

std::vector<std::string> StudyReports(const std::string& judge) {
  return Reports(
      {"started { manifest_digest: 'm' precision: FP32 }",
       "progress { step: 1 total_steps: 2 epoch: 0.5 metrics { key: 'loss_g' value: 1 } steps_per_second: 9 }",
       "histogram { step: 1 epoch: 0.5 images: 12 counts { key: 0 value: 5 } counts { key: 1 value: 1 } counts { key: "
       "2 "
       "value: 3 } rejected: 2 off_support: 1 classifier_digest: '" +
           judge + "' }",
       ArtifactText("losses.csv"),
       "histogram { step: 2 epoch: 1 final: true images: 12 counts { key: 0 value: 5 } counts { key: 1 value: 1 } "
       "counts "
       "{ key: 2 value: 6 } rejected_classes { key: 1 value: 1 } mean_posterior: [0.4, 0.2, 0.4] classifier_digest: '" +
           judge +
           "' image_measures { all { images: 12 real_images: 12 frechet: 0.5 vendi: 2 } frechet_balanced: 1 "
           "classes { key: 1 value { images: 3 copied: 0.1 near_pairs: 2 support: 100 } } } }",
       "finished {}"});
}

std::string HelloOfNobody() {
  WorkerMessage message;
  message.mutable_hello()->set_token("a token");
  message.mutable_hello()->set_pid(1);
  return message.SerializeAsString();
}

v1::JobSpec TrainingSpec(uint32_t seed) {
  v1::JobSpec spec;
  spec.set_dataset("tiny");
  spec.mutable_classifier()->set_epochs(1);
  spec.mutable_classifier()->set_seed(seed);
  spec.set_max_attempts(1);
  return spec;
}

// One run, judged by the classifier of the training with this seed.
v1::JobSpec StudySpec(uint32_t judge_seed) {
  v1::JobSpec spec = TestDaemon::Spec("");
  *spec.mutable_evaluation()->mutable_classifier() = TrainingSpec(judge_seed).classifier();
  spec.set_max_attempts(1);
  return spec;
}

IdleWorkers& FuzzedWorkers() {
  static std::unique_ptr<IdleWorkers> workers;
  static int inputs = 0;
  if (inputs++ % kInputsPerDaemon == 0) {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);
    GTEST_FLAG_SET(break_on_failure, true);
    workers.reset();
    workers = std::make_unique<IdleWorkers>();
    workers->Run(TrainingSpec(0), TrainingReports(), 0);  // the judge of the studies
  }
  return *workers;
}

// The judge that the messages describe; empty when they do not.
std::string JudgeIn(const std::vector<std::string>& messages) {
  for (const std::string& bytes : messages) {
    WorkerMessage message;
    if (message.ParseFromString(bytes) && message.report().finished().has_classifier()) {
      return message.report().finished().classifier().digest();
    }
  }
  return "";
}

void Run(const std::vector<Part>& parts) {
  static uint32_t seed = 0;
  const uint16_t head = parts.front().head;
  const int exit_code = (head >> 8) % 128;
  std::vector<std::string> messages;
  messages.reserve(parts.size());
  for (const Part& part : parts) messages.push_back(part.bytes);
  IdleWorkers& workers = FuzzedWorkers();
  if ((head & kIsStranger) != 0) return workers.RunAsStranger(messages);
  if ((head & kTrainsClassifier) == 0) return workers.AskAbout(workers.Run(StudySpec(0), messages, exit_code));
  const std::string training = workers.Run(TrainingSpec(++seed), messages, exit_code);
  workers.AskAbout(training);
  // What has become of the classifier shows where it judges; without one, its training begins again.
  const std::string judge = JudgeIn(messages);
  if (workers.HasClassifier(training)) {
    workers.AskAbout(workers.Run(StudySpec(seed), StudyReports(judge), 0));
  }
}

std::string Input(uint16_t head, const std::vector<std::string>& messages) {
  std::vector<Part> parts;
  for (const std::string& message : messages) parts.push_back({head, message});
  return JoinParts(parts);
}

}  // namespace

std::vector<std::string> Seeds() {
  return {Input(0, StudyReports("judge")), Input(kTrainsClassifier, TrainingReports()),
          Input(0, Reports({"started {}", "failed { reason: NUMERIC message: 'loss is nan' }"})),
          Input(75 << 8, Reports({"started { resumed_step: 3 }", "stopped { checkpoint_step: 5 }"})),
          Input(kTrainsClassifier, Reports({"started {}", "failed { reason: OUT_OF_MEMORY_HOST }"})),
          // Counts below zero that add up, and a judge whose numbers do not.
          Input(0, Reports({"started {}",
                            "histogram { final: true images: 5 counts { key: 1 value: 9 } counts { key: 0 value: -4 } "
                            "classifier_digest: 'judge' }",
                            "finished {}"})),
          Input(kTrainsClassifier, Reports({"started {}", ArtifactText("classifier.pt"),
                                            "finished { classifier { digest: 'j' classes: 2 confusion: [1, 0, 0, 1] "
                                            "mean_posteriors: [inf, 1, 1, nan] } }"})),
          Input(kIsStranger, StudyReports("judge")), Input(kIsStranger, {HelloOfNobody()}),
          Input(0, Reports({"artifact { file: '..' }"})),
          Input(0, Reports({"artifact { file: '' digest: 'x' size_bytes: -1 }"}))};
}

}  // namespace skew::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<skew::fuzz::Part> parts =
      skew::fuzz::SplitParts({reinterpret_cast<const char*>(data), size}, skew::fuzz::kMostMessages);
  if (!parts.empty()) skew::fuzz::Run(parts);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  skew::fuzz::MessageMutator mutator(seed, {"judge", "m", "file", ".", "..", "classifier.pt", "losses.csv", "loss",
                                            "loss_g", skew::Sha256Hex(skew::fuzz::kFileContent), std::string(64, 'a')});
  if (mutator.Pick(8) == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::vector<skew::fuzz::Part> parts =
      skew::fuzz::SplitParts({reinterpret_cast<const char*>(data), size}, skew::fuzz::kMostMessages);
  if (parts.empty()) return LLVMFuzzerMutate(data, size, max_size);
  const size_t chosen = mutator.Pick(parts.size());
  skew::worker::v1::WorkerMessage message;
  switch (mutator.Pick(8)) {
    case 0:
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(chosen));
      break;
    case 1:
      parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(chosen), parts[mutator.Pick(parts.size())]);
      break;
    case 2:
      std::swap(parts[chosen].bytes, parts[mutator.Pick(parts.size())].bytes);
      break;
    default:
      if (!message.ParseFromString(parts[chosen].bytes)) break;
      mutator.Mutate(message);
      parts[chosen].bytes = message.SerializeAsString();
  }
  // Mostly numbered as they have to be.
  for (size_t i = 0; i < parts.size() && mutator.Pick(16) != 0; ++i) {
    if (!message.ParseFromString(parts[i].bytes) || !message.has_report()) continue;
    message.mutable_report()->set_number(static_cast<int64_t>(i) + 1);
    parts[i].bytes = message.SerializeAsString();
  }
  return skew::fuzz::PutInput(skew::fuzz::JoinParts(parts), data, size, max_size);
}
