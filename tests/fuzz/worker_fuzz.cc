// What a worker reports. An input is a list of parts (see framing.h): the first says in its two bytes what the attempt
// is (a study's run, or the training of a classifier) and how its process ends; the bytes of every part are one message
// as it goes over the wire to the worker service of a real daemon, after the Hello with the attempt's token. The
// process of the attempt is real, too, but does nothing. When it has ended, everything that can be asked about the job
// is asked.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "skew/v1/analysis_service.pb.h"
#include "skew/worker/v1/worker.pb.h"
#include "spdlog/spdlog.h"
#include "tests/fuzz/framing.h"
#include "tests/fuzz/message_mutator.h"
#include "tests/fuzz/target.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/test_daemon.h"

namespace skew::fuzz {
namespace {

using worker::v1::WorkerMessage;

constexpr size_t kMostMessages = 32;
constexpr int kInputsPerDaemon = 50;
constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr uint16_t kTrainsClassifier = 1;  // in the head of the first part; the byte before it is the exit code
constexpr char kContent[] = "weights";     // of the file "file" in every work folder

// A pipe with a name. Open for both directions, it never ends and never blocks an open.
class NamedPipe {
 public:
  explicit NamedPipe(const std::string& path) {
    Require(mkfifo(path.c_str(), 0600) == 0, path);
    fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    Require(fd_ >= 0, path);
  }
  ~NamedPipe() { close(fd_); }
  NamedPipe(const NamedPipe&) = delete;
  NamedPipe& operator=(const NamedPipe&) = delete;

  std::string ReadLine() const {
    std::string line;
    char c = 0;
    while (read(fd_, &c, 1) == 1 && c != '\n') line.push_back(c);
    return line;
  }

  void Write(const std::string& text) const {
    Require(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "cannot write to a pipe");
  }

  // Forgets what nobody has read.
  void Drain() const {
    fcntl(fd_, F_SETFL, O_NONBLOCK);
    char ignored[4096];
    while (read(fd_, ignored, sizeof(ignored)) > 0) {
    }
    fcntl(fd_, F_SETFL, 0);
  }

 private:
  int fd_ = -1;
};

// A daemon, and the workers that it starts: each says its token and waits to be told how to end.
class Fixture {
 public:
  Fixture()
      : tokens_(pipes_.path() + "/tokens"), ends_(pipes_.path() + "/ends"), daemon_([this](Daemon::Options& options) {
          options.worker_program = WriteProgram();
          options.disk_reserve_bytes = 0;
        }) {
    worker_channel_ = grpc::CreateChannel(absl::StrCat("unix:", daemon_.folder(), "/state/worker.sock"),
                                          grpc::InsecureChannelCredentials());
    TrainClassifier();
  }

  // Submits the job and plays the worker of its first attempt; returns the id when the job has ended.
  std::string Run(const v1::JobSpec& spec, std::vector<std::string> messages, int exit_code) {
    std::string job = daemon_.MustSubmit(spec);
    const std::string token = tokens_.ReadLine();
    WriteFile(absl::StrCat(daemon_.folder(), "/state/work/", job, ".1/file"));
    WorkerMessage hello;
    hello.mutable_hello()->set_token(token);
    messages.insert(messages.begin(), hello.SerializeAsString());
    std::vector<std::string> answers;
    const grpc::Status status =
        RawStream(worker_channel_, "/skew.worker.v1.WorkerService/Attach", messages, {}, &answers, kPatience);
    CheckAttach(status, answers);
    ends_.Write(absl::StrCat(exit_code, "\n"));
    AwaitEnd(job);
    return job;
  }

  // Whether the job has trained one.
  bool HasClassifier(const std::string& job) {
    grpc::ClientContext context;
    v1::ListClassifiersResponse response;
    Require(daemon_.server().ListClassifiers(&context, {}, &response).ok(), "cannot list classifiers");
    return std::any_of(response.classifiers().begin(), response.classifiers().end(),
                       [&](const v1::Classifier& one) { return one.job_id() == job; });
  }

  // Everything that is computed from reports.
  void AskAbout(const std::string& job) {
    v1::GetResultsRequest results;
    results.set_job_id(job);
    results.set_include_runs(true);
    Ask("JobService/GetResults", results);
    v1::GetJobRequest get;
    get.set_job_id(job);
    Ask("JobService/GetJob", get);
    v1::ListRunsRequest runs;
    runs.set_job_id(job);
    Ask("RunService/ListRuns", runs);
    v1::ListArtifactsRequest artifacts;
    artifacts.set_job_id(job);
    Ask("ArtifactService/ListArtifacts", artifacts);
    v1::AnalyseJobsRequest analysis;
    analysis.add_job_ids(job);
    Ask("AnalysisService/AnalyseJobs", analysis);
    v1::CompareRunsRequest compare;
    compare.set_run_id(job + ".1");
    compare.set_other_run_id("j1.1");
    Ask("ReuseService/CompareRuns", compare);
    v1::WatchJobRequest watch;
    watch.set_job_id(job);
    Ask("JobService/WatchJob", watch);
    Ask("ServerService/ListClassifiers", v1::ListClassifiersRequest());
  }

 private:
  std::string WriteProgram() const {
    std::string path = pipes_.path() + "/worker";
    const std::string text = absl::StrCat("#!/bin/sh\necho \"$SKEW_ATTEMPT_TOKEN\" >'", pipes_.path(),
                                          "/tokens'\nread -r code <'", pipes_.path(), "/ends'\nexit \"$code\"\n");
    Require(WriteFileAtomically(path, text).ok() && chmod(path.c_str(), 0700) == 0, path);
    return path;
  }

  static void WriteFile(const std::string& path) {
    const absl::Status status = WriteFileAtomically(path, kContent);
    Require(status.ok(), status.ToString());
  }

  void TrainClassifier();

  static void CheckAttach(const grpc::Status& status, const std::vector<std::string>& answers) {
    static const std::set<grpc::StatusCode>& expected = *new std::set<grpc::StatusCode>{
        grpc::StatusCode::OK, grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
        grpc::StatusCode::FAILED_PRECONDITION, grpc::StatusCode::DATA_LOSS};
    Require(expected.contains(status.error_code()),
            absl::StrCat("Attach ends with ", static_cast<int>(status.error_code()), " ", status.error_message()));
    worker::v1::DaemonMessage first;
    Require(!answers.empty() && first.ParseFromString(answers.front()) && first.has_order(), "no order comes first");
  }

  // The job is over, or it is cancelled when it waits for another attempt. No worker is left then.
  void AwaitEnd(const std::string& job) {
    daemon_.WatchUntil(job, [](const v1::Event& event) {
      const v1::RunState state = event.run_state().state();
      return state == v1::SUCCEEDED || state == v1::FAILED || (state == v1::QUEUED && event.run_state().reason() != 0);
    });
    grpc::ClientContext context;
    v1::CancelJobRequest cancel;
    cancel.set_job_id(job);
    v1::Job response;
    daemon_.jobs().CancelJob(&context, cancel, &response);
    daemon_.Await(job);
    tokens_.Drain();
    ends_.Drain();
  }

  void Ask(const std::string& method, const google::protobuf::Message& request) {
    const grpc::Status status =
        RawCall(daemon_.channel(), "/skew.v1." + method, request.SerializeAsString(), {}, nullptr, kPatience);
    const bool refused = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
                         status.error_code() == grpc::StatusCode::NOT_FOUND;
    Require(status.ok() || refused, absl::StrCat(method, " answers ", static_cast<int>(status.error_code()), " ",
                                                 status.error_message(), " to ", request.ShortDebugString()));
  }

  const TempFolder pipes_;
  const NamedPipe tokens_;
  const NamedPipe ends_;
  TestDaemon daemon_;
  std::shared_ptr<grpc::Channel> worker_channel_;
};

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
                      Sha256Hex(kContent), "' size_bytes: ", sizeof(kContent) - 1, " }");
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

void Fixture::TrainClassifier() { Run(TrainingSpec(0), TrainingReports(), 0); }

Fixture& FuzzedFixture() {
  static std::unique_ptr<Fixture> fixture;
  static int inputs = 0;
  if (inputs++ % kInputsPerDaemon == 0) {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);
    GTEST_FLAG_SET(break_on_failure, true);
    fixture.reset();
    fixture = std::make_unique<Fixture>();
  }
  return *fixture;
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
  Fixture& fixture = FuzzedFixture();
  if ((head & kTrainsClassifier) == 0) return fixture.AskAbout(fixture.Run(StudySpec(0), messages, exit_code));
  const std::string training = fixture.Run(TrainingSpec(++seed), messages, exit_code);
  fixture.AskAbout(training);
  // What has become of the classifier shows where it judges; without one, its training begins again.
  const std::string judge = JudgeIn(messages);
  if (fixture.HasClassifier(training)) {
    fixture.AskAbout(fixture.Run(StudySpec(seed), StudyReports(judge), 0));
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
                                            "loss_g", skew::Sha256Hex(skew::fuzz::kContent), std::string(64, 'a')});
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
