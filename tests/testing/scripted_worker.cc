// Stands in for skew-worker in the daemon's tests: speaks the worker protocol and does what the job's label "script"
// says, without training anything.
//
//   finish       reports progress, two histograms and an artifact, and finishes (also without a label)
//   losses       also hands over losses.csv, with a largest generator loss that falls as class 1 grows
//   fail         reports NUMERIC
//   lack-once    reports in the first attempt that something of the server's is missing, finishes in the next
//   crash        exits without a word, every time
//   crash-once   kills itself in the first attempt, finishes in the next
//   wait         goes on until it is told to stop
//   deaf         goes on and does not listen
//   deaf-once    does so in the first attempt, finishes in the next
//   return       goes on until the daemon is gone, attaches to the next one and finishes; in later attempts at once
//   take         finishes after as many milliseconds as the job has training steps
//   flood        reports progress 300 times without waiting for an answer, and finishes
//   long         reports progress of 15 kB each 200 times, and finishes
//   absurd       reports a metric with a name of 10,000 bytes
//   garbage      sends what its label "kind" says, which cannot be (see SendGarbage), and goes on
//   deluge       sends progress as fast as it can, label "reports" of it, and listens to nothing
//   report       reports progress again and again, label "interval_ms" apart, until it is told to stop
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/file.h"
#include "grpcpp/grpcpp.h"
#include "skew/worker/v1/worker.grpc.pb.h"

namespace skew {
namespace {

using worker::v1::DaemonMessage;
using worker::v1::Report;
using worker::v1::WorkerMessage;
using worker::v1::WorkerService;
using Stream = grpc::ClientReaderWriter<WorkerMessage, DaemonMessage>;

class ScriptedWorker {
 public:
  explicit ScriptedWorker(WorkerService::Stub* stub) : stub_(stub) {}

  int Run() {
    if (!Attach()) return 70;
    std::fprintf(stderr, "scripted worker of %s\n", order_.run_id().c_str());
    if (order_.memory_bytes() > 0) {
      std::fprintf(stderr, "may allocate %s of %s bytes\n", std::to_string(order_.memory_bytes()).c_str(),
                   std::to_string(order_.device_memory_bytes()).c_str());
    }
    const auto label = order_.spec().labels().find("script");
    const std::string script = label == order_.spec().labels().end() ? "finish" : label->second;
    script_ = script;
    returns_ = script == "return" && order_.attempt() == 1;
    if (script == "crash") return 66;
    Report started;
    started.mutable_started()->set_manifest_digest("manifest of " + order_.run_id());
    started.mutable_started()->set_precision(skew::v1::BF16);
    Send(started);
    if (order_.spec().has_classifier()) return TrainClassifier();
    if (script == "crash-once" && order_.attempt() == 1) raise(SIGKILL);
    if (script == "fail") return Fail(v1::NUMERIC, "loss_g is nan at step 12");
    if (script == "lack-once" && order_.attempt() == 1) return Fail(v1::PREEMPTED, "the dataset is not there");
    if (script == "wait") return WaitForCommand();
    if (script == "deaf" || (script == "deaf-once" && order_.attempt() == 1)) pause();
    if (returns_) Return();
    if (script == "report") return ReportUntilTold();
    if (script == "flood") return Flood();
    if (script == "long") return ReportAtLength();
    if (script == "absurd") return ReportAbsurdity();
    if (script == "garbage") return SendGarbage(order_.spec().labels().at("kind"));
    if (script == "deluge") return Deluge(std::stoi(order_.spec().labels().at("reports")));
    if (script == "take") absl::SleepFor(absl::Milliseconds(order_.spec().training().steps()));
    return Finish();
  }

 private:
  bool Attach() {
    stream_.reset();
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_wait_for_ready(true);
    stream_ = stub_->Attach(context_.get());
    WorkerMessage hello;
    hello.mutable_hello()->set_token(std::getenv("SKEW_ATTEMPT_TOKEN"));
    hello.mutable_hello()->set_pid(getpid());
    stream_->Write(hello);
    DaemonMessage message;
    if (!stream_->Read(&message) || !message.has_order()) return false;
    order_ = message.order();
    ++attachments_;
    return true;
  }

  // Its first daemon may have gone before it acknowledged the first report.
  void Return() {
    if (attachments_ > 1) return;
    DaemonMessage message;
    while (stream_->Read(&message)) {
    }
    AttachAgain();
  }

  // Sends the next report and waits for its acknowledgement; again, by script, when the daemon is gone before.
  void Send(Report report) {
    report.set_number(++number_);
    WorkerMessage message;
    *message.mutable_report() = std::move(report);
    while (!IsAcknowledged(message)) {
      if (!returns_) std::exit(75);
      AttachAgain();
    }
  }

  bool IsAcknowledged(const WorkerMessage& message) {
    stream_->Write(message);
    DaemonMessage answer;
    while (stream_->Read(&answer)) {
      if (answer.has_command()) command_ = answer.command().action();
      if (answer.has_acknowledgement() && answer.acknowledgement().number() == number_) return true;
    }
    return false;
  }

  void AttachAgain() {
    while (!Attach()) absl::SleepFor(absl::Milliseconds(20));
  }

  void SendArtifact(const std::string& name, const std::string& content) {
    if (!WriteFileAtomically(order_.work_dir() + "/" + name, content).ok()) std::exit(71);
    Report report;
    report.mutable_artifact()->set_file(name);
    report.mutable_artifact()->set_name(name);
    report.mutable_artifact()->set_media_type("text/plain");
    report.mutable_artifact()->set_digest(Sha256Hex(content));
    report.mutable_artifact()->set_size_bytes(static_cast<int64_t>(content.size()));
    Send(report);
  }

  void SendHistogram(int32_t step, bool final) {
    Report report;
    v1::ClassHistogram& histogram = *report.mutable_histogram();
    histogram.set_step(step);
    histogram.set_final(final);
    histogram.set_classifier_digest(order_.classifier().digest());
    int32_t images = 0;
    for (const auto& [label, count] : order_.bias_point().counts()) {
      (*histogram.mutable_counts())[label] = count;
      images += count;
    }
    histogram.set_images(images);
    if (final) AddFurtherJudges(histogram);
    Send(report);
  }

  // Each of which takes one more image of class 0 for one of class 1.
  void AddFurtherJudges(v1::ClassHistogram& histogram) const {
    for (int i = 0; i < order_.more_judges_size(); ++i) {
      v1::ClassHistogram& further = *histogram.add_more_judges();
      *further.mutable_counts() = histogram.counts();
      further.set_images(histogram.images());
      (*further.mutable_counts())[0] -= i + 1;
      (*further.mutable_counts())[1] += i + 1;
      further.set_classifier_digest(order_.more_judges(i).classifier().digest());
    }
  }

  int TrainClassifier() {
    const std::string seed = std::to_string(order_.spec().classifier().seed());
    SendArtifact("classifier.pt", "weights");
    Report report;
    report.mutable_finished()->mutable_classifier()->set_digest(seed == "0" ? "scripted" : "scripted " + seed);
    report.mutable_finished()->mutable_classifier()->set_test_accuracy(1.0);
    Send(report);
    return 0;
  }

  int Finish() {
    for (int32_t step = 1; step <= 3; ++step) {
      Report report;
      report.mutable_progress()->set_step(step);
      report.mutable_progress()->set_total_steps(3);
      Send(report);
    }
    SendHistogram(2, false);
    SendHistogram(3, true);
    if (script_ == "losses") {
      const int32_t count = order_.bias_point().counts().at(1);
      SendArtifact("losses.csv", "step,loss_d,loss_g\n1,9,0.5\n2,9," + std::to_string(100 - count) + "\n3,9,1\n");
    }
    SendArtifact("samples.txt", "samples of " + order_.run_id());
    Report report;
    report.mutable_finished();
    Send(report);
    return 0;
  }

  int Fail(v1::Reason reason, const char* message) {
    Report report;
    report.mutable_failed()->set_reason(reason);
    report.mutable_failed()->set_message(message);
    Send(report);
    return 0;
  }

  int WaitForCommand() {
    DaemonMessage message;
    while (command_ == worker::v1::Command::ACTION_UNSPECIFIED && stream_->Read(&message)) {
      if (message.has_command()) command_ = message.command().action();
    }
    if (command_ == worker::v1::Command::ACTION_UNSPECIFIED) return 75;
    Report report;
    report.mutable_stopped();
    Send(report);
    return 0;
  }

  int SendGarbage(const std::string& kind) {
    Report report;
    report.set_number(number_ + 1);
    if (kind == "gap") report.set_number(number_ + 5);
    if (kind == "gap" || kind == "negative") report.mutable_progress()->set_step(kind == "gap" ? 1 : -1);
    if (kind == "sum") report.mutable_histogram()->set_images(3);
    if (kind == "count") {
      (*report.mutable_histogram()->mutable_counts())[0] = 5;
      (*report.mutable_histogram()->mutable_counts())[1] = -5;
    }
    if (kind == "judge") report.mutable_finished()->mutable_classifier()->set_digest("of a study");
    if (kind == "reason") report.mutable_failed()->set_reason(static_cast<v1::Reason>(99));
    if (kind == "path" || kind == "content") {
      const bool path = kind == "path";
      if (!WriteFileAtomically(order_.work_dir() + "/file", "content").ok()) return 71;
      report.mutable_artifact()->set_file(path ? "../../skew.db" : "file");
      report.mutable_artifact()->set_name("file");
      report.mutable_artifact()->set_digest(Sha256Hex(path ? "content" : "another"));
      report.mutable_artifact()->set_size_bytes(7);
    }
    WorkerMessage message;
    *message.mutable_report() = std::move(report);
    stream_->Write(message);
    pause();
    return 0;
  }

  int Deluge(int reports) {
    for (int i = 0; i < reports; ++i) {
      WorkerMessage message;
      message.mutable_report()->set_number(++number_);
      message.mutable_report()->mutable_progress()->set_step(i);
      (*message.mutable_report()->mutable_progress()->mutable_metrics())["loss"] = i;
      if (!stream_->Write(message)) break;
    }
    pause();
    return 0;
  }

  int ReportUntilTold() {
    const auto interval = std::chrono::milliseconds(std::stoi(order_.spec().labels().at("interval_ms")));
    for (int32_t step = 1; command_ == worker::v1::Command::ACTION_UNSPECIFIED; ++step) {
      Report report;
      report.mutable_progress()->set_step(step);
      (*report.mutable_progress()->mutable_metrics())["loss_d"] = 1.0 / step;
      (*report.mutable_progress()->mutable_metrics())["loss_g"] = 2.0 / step;
      Send(report);
      std::this_thread::sleep_for(interval);
    }
    Report report;
    report.mutable_stopped();
    Send(report);
    return 0;
  }

  int Flood() {
    constexpr int kReports = 300;
    for (int32_t step = 1; step <= kReports; ++step) {
      WorkerMessage message;
      message.mutable_report()->set_number(++number_);
      message.mutable_report()->mutable_progress()->set_step(step);
      stream_->Write(message);
    }
    DaemonMessage answer;
    while (stream_->Read(&answer) && answer.acknowledgement().number() < number_) {
    }
    return Finish();
  }

  int ReportAtLength() {
    for (int32_t step = 1; step <= 200; ++step) {
      Report report;
      report.mutable_progress()->set_step(step);
      for (int i = 0; i < 100; ++i) {
        (*report.mutable_progress()->mutable_metrics())[std::to_string(i) + std::string(135, 'x')] = step;
      }
      Send(report);
    }
    return Finish();
  }

  int ReportAbsurdity() {
    Report report;
    (*report.mutable_progress()->mutable_metrics())[std::string(10'000, 'x')] = 1;
    Send(report);
    return 0;
  }

  WorkerService::Stub* const stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Stream> stream_;
  worker::v1::WorkOrder order_;
  std::string script_;
  worker::v1::Command::Action command_ = worker::v1::Command::ACTION_UNSPECIFIED;
  int64_t number_ = 0;
  int attachments_ = 0;
  bool returns_ = false;
};

}  // namespace
}  // namespace skew

int main(int argc, char** argv) {
  if (argc < 3 || std::string(argv[1]) != "--daemon") return 64;
  const auto stub =
      skew::worker::v1::WorkerService::NewStub(grpc::CreateChannel(argv[2], grpc::InsecureChannelCredentials()));
  return skew::ScriptedWorker(stub.get()).Run();
}
