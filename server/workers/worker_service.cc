#include "server/workers/worker_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/status.h"
#include "server/workers/report_check.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

using worker::v1::DaemonMessage;
using worker::v1::WorkerMessage;
using Stream = grpc::ServerReaderWriter<DaemonMessage, WorkerMessage>;

// The writing side of one worker's stream. A thread of its own writes, so that a worker that does not read holds up
// nobody else, and what is to be written is little: an acknowledgement is of all reports before it, too.
class StreamLink final : public WorkerLink {
 public:
  explicit StreamLink(Stream* stream) : stream_(stream), thread_([this] { Loop(); }) {}
  // Writes what is left. When the worker does not read, not before the stream ends.
  ~StreamLink() override {
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    thread_.join();
  }

  void Send(worker::v1::Command::Action action) override {
    absl::MutexLock lock(&mutex_);
    command_.emplace().mutable_command()->set_action(action);
  }

  void SendOrder(const worker::v1::WorkOrder& order) {
    absl::MutexLock lock(&mutex_);
    *order_.emplace().mutable_order() = order;
  }

  void Acknowledge(int64_t number) {
    absl::MutexLock lock(&mutex_);
    acknowledgement_.emplace().mutable_acknowledgement()->set_number(number);
  }

 private:
  bool HasNext() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return order_.has_value() || command_.has_value() || acknowledgement_.has_value() || closing_;
  }

  // Empty when there is no more.
  std::optional<DaemonMessage> Next() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &StreamLink::HasNext));
    for (std::optional<DaemonMessage>* message : {&order_, &command_, &acknowledgement_}) {
      if (message->has_value()) return std::exchange(*message, std::nullopt);
    }
    return std::nullopt;
  }

  void Loop() {
    while (const std::optional<DaemonMessage> message = Next()) {
      if (!stream_->Write(*message)) return;  // shows as a failed read
    }
  }

  Stream* const stream_;
  absl::Mutex mutex_;
  std::optional<DaemonMessage> order_ ABSL_GUARDED_BY(mutex_);
  std::optional<DaemonMessage> command_ ABSL_GUARDED_BY(mutex_);
  std::optional<DaemonMessage> acknowledgement_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Between two tries to store a report.
constexpr absl::Duration kLongestPause = absl::Seconds(4);

// RunStore::ApplyReport says that the report cannot be.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

// UNAVAILABLE for what is the server's own trouble and not the worker's, whatever it is: a full disk, a database that
// somebody else has or that is damaged, a folder without permission. It is for an operator to mend.
absl::Status UnlessOwn(const absl::Status& status, absl::FunctionRef<bool(const absl::Status&)> is_workers) {
  if (status.ok() || is_workers(status)) return status;
  return absl::UnavailableError(status.message());
}

// A worker without an attempt that goes on has to end; one that came at a bad moment comes again.
grpc::Status Refusal(const absl::Status& status) {
  if (!absl::IsNotFound(status)) return {grpc::StatusCode::UNAVAILABLE, std::string(status.message())};
  return {grpc::StatusCode::UNAUTHENTICATED, std::string(status.message())};
}

}  // namespace

grpc::Status WorkerService::Attach(grpc::ServerContext* /*context*/, Stream* stream) {
  WorkerMessage message;
  if (!stream->Read(&message) || !message.has_hello()) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "the first message must be a Hello"};
  }
  const absl::StatusOr<AttemptId> attempt = runs_->FindByToken(Sha256Hex(message.hello().token()));
  if (!attempt.ok()) return Refusal(attempt.status());
  const absl::StatusOr<worker::v1::WorkOrder> order = scheduler_->OrderOf(*attempt);
  if (!order.ok()) return Refusal(order.status());
  StreamLink link(stream);
  link.SendOrder(*order);
  scheduler_->Attach(*attempt, &link);
  const absl::Cleanup detach = [&] { scheduler_->Detach(*attempt, &link); };
  if (const auto last = runs_->LastReport(*attempt); last.ok() && *last > 0) link.Acknowledge(*last);

  TokenBucket pace(limits_.per_second, limits_.at_once, absl::Now());
  while (stream->Read(&message)) {
    AwaitTurn(pace);
    absl::Status status = CheckReport(message.report(), limits_);
    if (status.ok()) status = Apply(*attempt, order->work_dir(), message.report());
    if (!status.ok()) {
      spdlog::warn("{}: report {}: {}", attempt->ToString(), message.report().number(), status.ToString());
      // The next daemon may have room: the worker keeps its reports, trains on and comes again.
      if (absl::IsUnavailable(status)) return ToGrpc(status);
      scheduler_->Refuse(*attempt, status);
      return ToGrpc(status);
    }
    link.Acknowledge(message.report().number());
  }
  return grpc::Status::OK;
}

void WorkerService::AwaitTurn(TokenBucket& pace) {
  // When the daemon stops, what its workers still have to say is taken as it comes.
  for (absl::Duration wait = pace.Take(absl::Now()); wait > absl::ZeroDuration(); wait = pace.Take(absl::Now())) {
    if (hub_->AwaitDrain(wait)) return;
  }
}

absl::Status WorkerService::Apply(const AttemptId& attempt, const std::string& work_dir,
                                  const worker::v1::Report& report) {
  absl::Duration pause = absl::Seconds(1);
  while (true) {
    absl::Status status = ApplyOnce(attempt, work_dir, report);
    if (!absl::IsUnavailable(status)) return status;
    spdlog::warn("{}: report {} waits: {}", attempt.ToString(), report.number(), status.ToString());
    if (hub_->AwaitDrain(pause)) return status;
    pause = std::min(2 * pause, kLongestPause);
  }
}

absl::Status WorkerService::ApplyOnce(const AttemptId& attempt, const std::string& work_dir,
                                      const worker::v1::Report& report) {
  if (!report.has_artifact()) return UnlessOwn(runs_->ApplyReport(attempt, report), IsRefusal);
  const worker::v1::NewArtifact& artifact = report.artifact();
  const Removals::Hold hold(removals_, Removals::Hold::For::kMoment);
  const absl::Status imported =
      artifacts_->Import(absl::StrCat(work_dir, "/", artifact.file()), artifact.digest(), artifact.size_bytes());
  SKEW_RETURN_IF_ERROR(UnlessOwn(imported, absl::IsInvalidArgument));
  return UnlessOwn(runs_->ApplyReport(attempt, report), IsRefusal);
}

}  // namespace skew
