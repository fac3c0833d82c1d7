// The worker's end of the worker protocol (see worker.proto).
#ifndef SKEW_SERVER_TRAIN_WORKER_SESSION_H_
#define SKEW_SERVER_TRAIN_WORKER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "grpcpp/grpcpp.h"
#include "server/train/stop_request.h"
#include "skew/worker/v1/worker.grpc.pb.h"

namespace skew::train {

// The way to the daemon, across its restarts. Reports are numbered and queued in the order of Send and kept until they
// are acknowledged; one thread writes them, another one reads acknowledgements and commands. When the stream breaks,
// the session attaches again and sends what was not acknowledged again, until the daemon has been away for `patience`
// or says that the attempt is over: then the session is lost. Commands and the loss raise `stop`.
//
// Thread-safe. The destructor cuts the stream.
class WorkerSession {
 public:
  struct Options {
    // "unix:/path" or "host:port".
    std::string daemon;
    std::string token;
    // For Hello.engine.
    std::string engine;
    // For how long a daemon that is gone is waited for.
    absl::Duration patience = absl::ZeroDuration();
    // Of reports that are not acknowledged: from so many on, progress replaces progress that was not written yet.
    size_t kept_progress = 10'000;
  };

  // Attaches, without waiting for an answer. `stop` is borrowed.
  WorkerSession(Options options, StopRequest* stop);
  ~WorkerSession();
  WorkerSession(const WorkerSession&) = delete;
  WorkerSession& operator=(const WorkerSession&) = delete;

  // Waits for the order. The reason when the session is lost before: UNAUTHENTICATED when the daemon knows no such
  // attempt, UNAVAILABLE when there is no daemon.
  absl::StatusOr<worker::v1::WorkOrder> AwaitOrder();

  // Numbers the report and queues it, or has it take the place of earlier progress (see Options::kept_progress); does
  // not wait.
  void Send(worker::v1::Report report);

  // Histograms and artifacts that are not acknowledged, in their order.
  std::vector<worker::v1::Report> UnacknowledgedResults();

  // Waits until every report is acknowledged. UNAVAILABLE, with the number of those that are not, when the session is
  // lost before.
  absl::Status AwaitAcknowledged();

 private:
  using Stream = grpc::ClientReaderWriter<worker::v1::WorkerMessage, worker::v1::DaemonMessage>;

  // Attaches again and again.
  void Run();
  // One stream, from Hello to its end, which is returned.
  absl::Status Converse();
  void Write(Stream* stream);
  void Handle(const worker::v1::DaemonMessage& message);
  void Acknowledge(int64_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  // What was written to an earlier stream and not acknowledged counts as not written.
  worker::v1::WorkerMessage Hello() ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether to attach again after a stream that ended so; waits a moment first.
  bool MayAttachAgain(const absl::Status& end) ABSL_LOCKS_EXCLUDED(mutex_);
  void Lose(const absl::Status& end) ABSL_LOCKS_EXCLUDED(mutex_);

  // What the threads wait for.
  bool HasOrderOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return order_.has_value() || lost_; }
  bool HasUnwrittenOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return written_ < next_number_ - 1 || !streaming_;
  }
  bool IsAcknowledgedOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return reports_.empty() || lost_; }
  std::optional<worker::v1::WorkerMessage> NextToWrite() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  StopRequest* const stop_;
  std::unique_ptr<worker::v1::WorkerService::Stub> stub_;
  RealClock clock_;

  absl::Mutex mutex_;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the stream there is
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;                    // the destructor has begun
  bool streaming_ ABSL_GUARDED_BY(mutex_) = false;
  // When the last stream on which the daemon said anything ended.
  absl::Time last_contact_ ABSL_GUARDED_BY(mutex_);
  std::optional<worker::v1::WorkOrder> order_ ABSL_GUARDED_BY(mutex_);
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  int64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  // The newest report that was written to this stream.
  int64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  // The same, of all streams.
  int64_t ever_written_ ABSL_GUARDED_BY(mutex_) = 0;
  // Not yet acknowledged, ascending by number without a gap.
  std::deque<worker::v1::Report> reports_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_WORKER_SESSION_H_
