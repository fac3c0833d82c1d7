// The worker's end of the worker protocol (see worker.proto).
#ifndef SKEW_SERVER_TRAIN_WORKER_SESSION_H_
#define SKEW_SERVER_TRAIN_WORKER_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "server/train/stop_request.h"
#include "skew/worker/v1/worker.grpc.pb.h"

namespace skew::train {

// One stream to the daemon. Reports are numbered and queued in the order of Send and kept until they are acknowledged;
// one thread writes them, another one reads acknowledgements and commands. Commands and the end of the stream raise
// `stop`.
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
  };

  // Opens the stream and says hello; does not wait for an answer. `stop` is borrowed.
  WorkerSession(const Options& options, StopRequest* stop);
  ~WorkerSession();
  WorkerSession(const WorkerSession&) = delete;
  WorkerSession& operator=(const WorkerSession&) = delete;

  // Waits for the order. The stream's error when it ends before: UNAUTHENTICATED when the daemon knows no such attempt,
  // UNAVAILABLE when there is no daemon.
  absl::StatusOr<worker::v1::WorkOrder> AwaitOrder();

  // Numbers the report and queues it; does not wait.
  void Send(worker::v1::Report report);

  // Waits until every report is acknowledged. UNAVAILABLE, with the number of those that are not, when the stream ends
  // before.
  absl::Status AwaitAcknowledged();

 private:
  using Stream = grpc::ClientReaderWriter<worker::v1::WorkerMessage, worker::v1::DaemonMessage>;

  void Read();
  void Write();
  void Handle(const worker::v1::DaemonMessage& message);
  void Acknowledge(int64_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  // The stream has ended: nothing more is written or read.
  void Close();

  // What the threads wait for.
  bool HasOrderOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return order_.has_value() || closed_; }
  bool HasUnwrittenOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return written_ < next_number_ - 1 || closed_;
  }
  bool IsAcknowledgedOrEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return reports_.empty() || closed_; }
  std::optional<worker::v1::WorkerMessage> NextToWrite() ABSL_LOCKS_EXCLUDED(mutex_);

  StopRequest* const stop_;
  std::unique_ptr<worker::v1::WorkerService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;

  absl::Mutex mutex_;
  std::optional<worker::v1::WorkOrder> order_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  int64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  // The newest report that was written to this stream.
  int64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  // Not yet acknowledged, ascending by number without a gap.
  std::deque<worker::v1::Report> reports_ ABSL_GUARDED_BY(mutex_);

  std::thread reader_;
  std::thread writer_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_WORKER_SESSION_H_
