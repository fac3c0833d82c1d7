// The composition root: owns everything, and the order in which it starts and stops.
#ifndef SKEW_SERVER_DAEMON_H_
#define SKEW_SERVER_DAEMON_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/access_service.h"
#include "server/api/admin_service.h"
#include "server/api/analysis_service.h"
#include "server/api/job_service.h"
#include "server/api/limits.h"
#include "server/api/listen_address.h"
#include "server/api/listener.h"
#include "server/api/open_streams.h"
#include "server/api/queue_service.h"
#include "server/api/request_rate.h"
#include "server/api/reuse_service.h"
#include "server/api/run_service.h"
#include "server/api/server_service.h"
#include "server/api/slow_readers.h"
#include "server/api/tls.h"
#include "server/api/watch_stream.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/event_hub.h"
#include "server/jobs/gpu_probe.h"
#include "server/jobs/housekeeper.h"
#include "server/jobs/queue_view.h"
#include "server/jobs/scheduler.h"
#include "server/store/access_store.h"
#include "server/store/artifact_store.h"
#include "server/store/backup.h"
#include "server/store/connections.h"
#include "server/store/dataset_registry.h"
#include "server/store/disk_reserve.h"
#include "server/store/event_log.h"
#include "server/store/garbage_collector.h"
#include "server/store/job_deletion.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "server/store/removals.h"
#include "server/store/retention.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"
#include "server/workers/local_launcher.h"
#include "server/workers/report_limits.h"
#include "server/workers/worker_service.h"

namespace skew {

class Daemon {
 public:
  struct Options {
    std::string state_dir;
    std::vector<std::string>
        listen;                   // "unix:PATH" or "host:port"; empty: the state directory's socket and 127.0.0.1:7433
    std::string devices = "cpu";  // see server/jobs/device_spec.h
    std::string datasets;         // empty: STATE_DIR/datasets
    std::string worker_program;   // path of skew-worker
    std::string commit;           // that the program was built from
    absl::Duration worker_patience = absl::Minutes(10);  // for how long workers wait for a daemon that is gone
    absl::Duration worker_silence = absl::Seconds(30);   // until a worker that does not answer is cut off
    TlsFiles tls;                                        // with a certificate, every host:port speaks only TLS
    bool insecure = false;                               // host:port that is not loopback may do without
    Scheduler::Options scheduler;
    int max_runs_per_device = 1;                            // of a GPU, as far as their memory fits
    std::string nvml_library = "libnvidia-ml.so.1";         // only loaded where there are GPUs
    absl::Duration fair_share_half_life = absl::Hours(24);  // of past use of the devices
    int64_t disk_reserve_bytes = int64_t{1} << 30;          // see DiskReserve
    std::string backups;                                    // empty: STATE_DIR/backups
    Retention retention;                                    // for how long things are kept
    Limits limits;                                          // of clients
    ReportLimits report_limits;                             // of workers
    RealClock::Source time = RealClock::ReadSystem;         // another one for tests
  };

  // Opens the state directory, listens, recovers what an earlier daemon left and starts the queue. INVALID_ARGUMENT for
  // options that cannot be, such as an address that others than this machine reach without TLS or `insecure`;
  // FAILED_PRECONDITION when another daemon has the state directory or a restore into it is not complete; UNAVAILABLE
  // when an address cannot be listened on; or the database's errors.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(Options options);

  // As Shutdown.
  ~Daemon();

  // What clients can connect to, ports resolved.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // For tests that look at what is executed on the database.
  Connections& connections() { return *connections_; }

  // For tests that look at what clients hold.
  const OpenStreams& open_streams() const { return open_streams_; }
  const WatchPump& watches() const { return pump_; }
  SlowReaders& slow_readers() { return slow_readers_; }

  // Reports NOT_SERVING, refuses new jobs, ends streams, lets workers checkpoint and stop (or train on, as
  // Scheduler::OnStop says), and returns when all of that is done. Once is enough.
  void Shutdown();

 private:
  Daemon(Options options, StateDir state_dir, std::unique_ptr<Connections> connections, std::vector<Lease> devices,
         std::unique_ptr<GpuProbe> probe);
  absl::Status OpenQueue();
  absl::StatusOr<std::vector<ListenAddress>> ListenAddresses() const;
  absl::Status Listen();
  absl::Status ListenForWorkers();

  // In dependency order: destruction is the shutdown order.
  const Options options_;
  RealClock clock_;
  StateDir state_dir_;
  std::unique_ptr<Connections> connections_;
  EventHub hub_;
  EventLog events_;
  JobStore jobs_;
  RunStore runs_;
  ArtifactStore artifacts_;
  Removals removals_;
  JobDeletion deletion_;
  GarbageCollector collector_;
  Housekeeper housekeeper_;
  const DiskReserve reserve_;
  Backups backups_;
  ReuseStore reuse_;
  DatasetRegistry datasets_;
  DeviceLedger devices_;
  const v1::Precision auto_precision_;  // what AUTO is on these devices
  std::unique_ptr<GpuProbe> probe_;     // null where there is nothing to read
  LocalLauncher launcher_;
  QueueStore queue_;
  StartHolds start_holds_;
  QueueView queue_view_;
  Scheduler scheduler_;
  AccessStore access_;
  std::unique_ptr<Listener::Acceptor> network_;  // of connections that are not of logins of this machine
  Listener listener_;
  RequestRate rate_;
  OpenStreams open_streams_;
  AccessGate gate_;
  SlowReaders slow_readers_;
  WatchPump pump_;
  WorkerService worker_service_;
  AccessService access_service_;
  AdminService admin_service_;
  JobService job_service_;
  RunService run_service_;
  ArtifactService artifact_service_;
  AnalysisService analysis_service_;
  ServerService server_service_;
  QueueService queue_service_;
  ReuseService reuse_service_;
  Listener worker_listener_;
  std::unique_ptr<grpc::Server> worker_server_;
  std::unique_ptr<grpc::Server> api_server_;
  std::vector<std::string> addresses_;
};

}  // namespace skew

#endif  // SKEW_SERVER_DAEMON_H_
