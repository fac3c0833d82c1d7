#include "server/train/worker_session.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew::train {

using worker::v1::Command;
using worker::v1::DaemonMessage;
using worker::v1::Report;
using worker::v1::WorkerMessage;
using worker::v1::WorkOrder;

WorkerSession::WorkerSession(const Options& options, StopRequest* stop) : stop_(stop) {
  stub_ = worker::v1::WorkerService::NewStub(grpc::CreateChannel(options.daemon, grpc::InsecureChannelCredentials()));
  stream_ = stub_->Attach(&context_);
  WorkerMessage hello;
  hello.mutable_hello()->set_token(options.token);
  hello.mutable_hello()->set_pid(getpid());
  hello.mutable_hello()->set_engine(options.engine);
  stream_->Write(hello);  // a failed write shows as a failed read
  reader_ = std::thread([this] { Read(); });
  writer_ = std::thread([this] { Write(); });
}

WorkerSession::~WorkerSession() {
  context_.TryCancel();
  reader_.join();
  writer_.join();
}

absl::StatusOr<WorkOrder> WorkerSession::AwaitOrder() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::HasOrderOrEnd));
  if (order_.has_value()) return *order_;
  return end_.ok() ? absl::UnavailableError("the daemon ended the stream without an order") : end_;
}

void WorkerSession::Send(Report report) {
  absl::MutexLock lock(&mutex_);
  report.set_number(next_number_++);
  reports_.push_back(std::move(report));
}

absl::Status WorkerSession::AwaitAcknowledged() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::IsAcknowledgedOrEnd));
  if (reports_.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(reports_.size(), " reports were not acknowledged before the stream ended: ", end_.ToString()));
}

void WorkerSession::Read() {
  DaemonMessage message;
  while (stream_->Read(&message)) Handle(message);
  Close();
}

void WorkerSession::Handle(const DaemonMessage& message) {
  if (message.has_acknowledgement()) Acknowledge(message.acknowledgement().number());
  if (message.has_order()) {
    absl::MutexLock lock(&mutex_);
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

void WorkerSession::Close() {
  const absl::Status end = FromGrpc(stream_->Finish());
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    end_ = end;
  }
  stop_->Raise(Stop::kDaemonLost);
}

void WorkerSession::Write() {
  while (const std::optional<WorkerMessage> message = NextToWrite()) {
    if (!stream_->Write(*message)) return;  // the reader closes
  }
}

std::optional<WorkerMessage> WorkerSession::NextToWrite() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WorkerSession::HasUnwrittenOrEnd));
  if (closed_) return std::nullopt;
  WorkerMessage message;
  // What is written is still kept: an acknowledgement can only come after it.
  *message.mutable_report() = reports_[static_cast<size_t>(written_ + 1 - reports_.front().number())];
  ++written_;
  return message;
}

}  // namespace skew::train
