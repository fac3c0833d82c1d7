#include "server/workers/worker_service.h"

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/digest.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

using worker::v1::DaemonMessage;
using worker::v1::WorkerMessage;
using Stream = grpc::ServerReaderWriter<DaemonMessage, WorkerMessage>;

// The writing side of one worker's stream. gRPC takes one write at a time; messages are small and a worker always
// reads, so that a write does not wait for long.
class StreamLink final : public WorkerLink {
 public:
  explicit StreamLink(Stream* stream) : stream_(stream) {}

  void Send(worker::v1::Command::Action action) override {
    DaemonMessage message;
    message.mutable_command()->set_action(action);
    Write(message);
  }

  void SendOrder(const worker::v1::WorkOrder& order) {
    DaemonMessage message;
    *message.mutable_order() = order;
    Write(message);
  }

  void Acknowledge(int64_t number) {
    DaemonMessage message;
    message.mutable_acknowledgement()->set_number(number);
    Write(message);
  }

 private:
  void Write(const DaemonMessage& message) {
    absl::MutexLock lock(&mutex_);
    stream_->Write(message);  // a failed write shows as a failed read
  }

  absl::Mutex mutex_;
  Stream* const stream_ ABSL_PT_GUARDED_BY(mutex_);
};

// The worker could be right in trying again later: the disk is full or somebody else has the database.
bool IsPassing(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsResourceExhausted(status); }

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
      if (absl::IsInvalidArgument(status)) Refuse(*attempt, status);
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

// The attempt fails: again, it would send the same again.
void WorkerService::Refuse(const AttemptId& attempt, const absl::Status& reason) {
  const absl::StatusOr<int64_t> last = runs_->LastReport(attempt);
  if (!last.ok()) return;
  worker::v1::Report report;
  report.set_number(*last + 1);
  report.mutable_failed()->set_reason(v1::INTERNAL);
  report.mutable_failed()->set_message(absl::StrCat("a report of its worker was refused: ", reason.message()));
  const absl::Status status = runs_->ApplyReport(attempt, report);
  if (!status.ok()) spdlog::warn("{}: its failure is not stored: {}", attempt.ToString(), status.ToString());
}

absl::Status WorkerService::Apply(const AttemptId& attempt, const std::string& work_dir,
                                  const worker::v1::Report& report) {
  while (true) {
    absl::Status status = ApplyOnce(attempt, work_dir, report);
    if (!IsPassing(status)) return status;
    spdlog::warn("{}: report {} waits: {}", attempt.ToString(), report.number(), status.ToString());
    if (hub_->AwaitDrain(absl::Seconds(1))) return status;
  }
}

absl::Status WorkerService::ApplyOnce(const AttemptId& attempt, const std::string& work_dir,
                                      const worker::v1::Report& report) {
  if (!report.has_artifact()) return runs_->ApplyReport(attempt, report);
  const worker::v1::NewArtifact& artifact = report.artifact();
  const Removals::Hold hold(removals_, Removals::Hold::For::kMoment);
  SKEW_RETURN_IF_ERROR(
      artifacts_->Import(absl::StrCat(work_dir, "/", artifact.file()), artifact.digest(), artifact.size_bytes()));
  return runs_->ApplyReport(attempt, report);
}

}  // namespace skew
