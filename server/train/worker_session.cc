#include "server/train/worker_session.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/message_limits.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew::train {
namespace {

using worker::v1::Command;
using worker::v1::DaemonMessage;
using worker::v1::Report;
using worker::v1::WorkerMessage;
using worker::v1::WorkOrder;

constexpr absl::Duration kPause = absl::Milliseconds(200);  // between two attempts to attach

// gRPC's own pauses between connections grow to two minutes otherwise.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetMaxSendMessageSize(kMostReportBytes);
  arguments.SetMaxReceiveMessageSize(kMostOrderBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// The stream broke, or a daemon that stops ended it: another one may come. Everything else is an answer.
bool IsDaemonGone(const absl::Status& end) {
  return end.ok() || absl::IsUnavailable(end) || absl::IsCancelled(end) || absl::IsUnknown(end);
}

}  // namespace

WorkerSession::WorkerSession(Options options, StopRequest* stop)
    : options_(std::move(options)),
      stop_(stop),
      stub_(worker::v1::WorkerService::NewStub(OpenChannel(options_.daemon))),
      last_contact_(clock_.Now()),
      thread_([this] { Run(); }) {}

WorkerSession::~WorkerSession() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  thread_.join();
}

absl::StatusOr<WorkOrder> WorkerSession::AwaitOrder() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::HasOrderOrEnd));
  if (order_.has_value()) return *order_;
  return end_.ok() ? absl::UnavailableError("the daemon ended the stream without an order") : end_;
}

void WorkerSession::Send(Report report) {
  absl::MutexLock lock(&mutex_);
  // While nothing is acknowledged, the newest progress of a stretch says enough. A number that was written may have
  // arrived with what it named.
  if (reports_.size() >= options_.kept_progress && report.has_progress() && reports_.back().has_progress() &&
      reports_.back().number() > ever_written_) {
    report.set_number(reports_.back().number());
    reports_.back() = std::move(report);
    return;
  }
  report.set_number(next_number_++);
  reports_.push_back(std::move(report));
}

std::vector<Report> WorkerSession::UnacknowledgedResults() {
  absl::MutexLock lock(&mutex_);
  std::vector<Report> results;
  std::copy_if(reports_.begin(), reports_.end(), std::back_inserter(results),
               [](const Report& report) { return report.has_histogram() || report.has_artifact(); });
  return results;
}

absl::Status WorkerSession::AwaitAcknowledged() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::IsAcknowledgedOrEnd));
  if (reports_.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(reports_.size(), " reports were not acknowledged before the stream ended: ", end_.ToString()));
}

void WorkerSession::Run() {
  absl::Status end = Converse();
  while (MayAttachAgain(end)) end = Converse();
  Lose(end);
}

absl::Status WorkerSession::Converse() {
  grpc::ClientContext context;
  const std::unique_ptr<Stream> stream = stub_->Attach(&context);
  {
    absl::MutexLock lock(&mutex_);
    context_ = &context;
    if (closing_) context.TryCancel();
  }
  stream->Write(Hello());  // a failed write shows as a failed read
  std::thread writer([this, &stream] { Write(stream.get()); });
  DaemonMessage message;
  bool heard = false;
  while (stream->Read(&message)) {
    heard = true;
    Handle(message);
  }
  {
    absl::MutexLock lock(&mutex_);
    streaming_ = false;
    if (heard) last_contact_ = clock_.Now();
  }
  writer.join();
  absl::Status end = FromGrpc(stream->Finish());
  absl::MutexLock lock(&mutex_);
  context_ = nullptr;
  return end;
}

WorkerMessage WorkerSession::Hello() {
  absl::MutexLock lock(&mutex_);
  const int64_t acknowledged = reports_.empty() ? next_number_ - 1 : reports_.front().number() - 1;
  written_ = acknowledged;
  streaming_ = true;
  WorkerMessage message;
  worker::v1::Hello& hello = *message.mutable_hello();
  hello.set_token(options_.token);
  hello.set_pid(getpid());
  hello.set_acknowledged(acknowledged);
  hello.set_engine(options_.engine);
  return message;
}

void WorkerSession::Handle(const DaemonMessage& message) {
  if (message.has_acknowledgement()) Acknowledge(message.acknowledgement().number());
  if (message.has_order()) {
    absl::MutexLock lock(&mutex_);
    if (order_.has_value()) spdlog::info("attached again");
    order_ = message.order();
  }
  if (message.command().action() == Command::CANCEL) stop_->Raise(Stop::kCancel);
  if (message.command().action() == Command::CHECKPOINT_AND_STOP) stop_->Raise(Stop::kCheckpoint);
}

void WorkerSession::Acknowledge(int64_t number) {
  absl::MutexLock lock(&mutex_);
  // What was not written cannot have arrived.
  const int64_t newest = std::min(number, written_);
  while (!reports_.empty() && reports_.front().number() <= newest) reports_.pop_front();
}

bool WorkerSession::MayAttachAgain(const absl::Status& end) {
  absl::MutexLock lock(&mutex_);
  if (closing_ || !IsDaemonGone(end)) return false;
  if (clock_.Now() - last_contact_ >= options_.patience) return false;
  clock_.AwaitWithDeadline(&mutex_, absl::Condition(&closing_), clock_.Now() + kPause);
  return !closing_;
}

void WorkerSession::Lose(const absl::Status& end) {
  {
    absl::MutexLock lock(&mutex_);
    lost_ = true;
    end_ = end;
  }
  stop_->Raise(Stop::kDaemonLost);
}

void WorkerSession::Write(Stream* stream) {
  while (const std::optional<WorkerMessage> message = NextToWrite()) {
    if (!stream->Write(*message)) return;  // the reader sees the end
  }
}

std::optional<WorkerMessage> WorkerSession::NextToWrite() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::HasUnwrittenOrEnd));
  if (!streaming_) return std::nullopt;
  WorkerMessage message;
  // What is written is still kept: an acknowledgement can only come after it.
  *message.mutable_report() = reports_[static_cast<size_t>(written_ + 1 - reports_.front().number())];
  ++written_;
  ever_written_ = std::max(ever_written_, written_);
  return message;
}

}  // namespace skew::train
