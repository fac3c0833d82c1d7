// The daemon's end of the worker protocol, as a test wants it.
#ifndef SKEW_TESTS_TRAIN_SCRIPTED_DAEMON_H_
#define SKEW_TESTS_TRAIN_SCRIPTED_DAEMON_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "skew/worker/v1/worker.grpc.pb.h"

namespace skew::train {

// Serves one unix socket. To every worker with the right token it gives the same order; it records and acknowledges
// reports, checks and takes artifacts (but for those it has), and after each report does what the script says.
// Thread-safe.
class ScriptedDaemon final : public worker::v1::WorkerService::Service {
 public:
  static constexpr char kToken[] = "secret";

  enum class Then {
    kAcknowledge,
    // Acknowledge, then send the command.
    kCancel,
    kCheckpointAndStop,
    // End the stream, without acknowledging.
    kBreak,
  };
  using Script = std::function<Then(const worker::v1::Report&)>;

  // Listens on <folder>/daemon.sock.
  ScriptedDaemon(const std::string& folder, worker::v1::WorkOrder order, Script script);
  ~ScriptedDaemon() override;

  const std::string& address() const { return address_; }
  // How often a report came that had come before.
  int repeats() const;
  std::vector<worker::v1::Report> reports() const;
  worker::v1::Hello hello() const;
  // What was wrong with the reports' numbers or artifacts; empty when nothing was. A repeated report is not wrong.
  std::string problems() const;

  grpc::Status Attach(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<worker::v1::DaemonMessage, worker::v1::WorkerMessage>* stream) override;

 private:
  // Returns whether the report is new.
  bool Record(const worker::v1::Report& report);
  std::string TakeArtifact(const worker::v1::NewArtifact& artifact) const;

  const worker::v1::WorkOrder order_;
  const Script script_;
  std::string address_;
  mutable absl::Mutex mutex_;
  worker::v1::Hello hello_ ABSL_GUARDED_BY(mutex_);
  std::vector<worker::v1::Report> reports_ ABSL_GUARDED_BY(mutex_);
  std::string problems_ ABSL_GUARDED_BY(mutex_);
  int repeats_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_SCRIPTED_DAEMON_H_
