#include "server/daemon.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/message_limits.h"
#include "common/status.h"
#include "server/api/server_limits.h"
#include "server/jobs/auto_precision.h"
#include "server/jobs/device_spec.h"
#include "server/store/restore.h"
#include "server/workers/nvml.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

constexpr int kPumpThreads = 2;
constexpr absl::Duration kHousekeepingInterval = absl::Hours(1);

// As many as asked for, but no more than leave descriptors for everything else.
int MostConnections(const Limits& limits) {
  rlimit descriptors;
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return limits.connections;
  const auto most = static_cast<int64_t>(std::min<rlim_t>(descriptors.rlim_cur, 1 << 30));
  return static_cast<int>(std::min<int64_t>(limits.connections, std::max<int64_t>(most - most / 4, most - 512)));
}

// A worker that hangs or was stopped does not answer pings either: its stream ends after `silence`.
void SetWorkerKeepalive(absl::Duration silence, grpc::ServerBuilder& builder) {
  const int half = static_cast<int>(absl::ToInt64Milliseconds(silence / 2));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, half);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, half);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

// Connections that arrive on `address` are from this machine and without TLS.
bool IsForLogins(const ListenAddress& address, const Daemon::Options& options) {
  return address.kind == ListenAddress::Kind::kUnix ||
         (address.kind == ListenAddress::Kind::kLoopback && options.tls.certificate.empty());
}

absl::Status CheckTlsOptions(const TlsFiles& tls) {
  if (tls.certificate.empty() != tls.key.empty() || (tls.certificate.empty() && !tls.client_ca.empty())) {
    return absl::InvalidArgumentError("TLS needs both --tls-cert and --tls-key; --tls-client-ca comes on top of them");
  }
  return absl::OkStatus();
}

// The driver's library, where there are GPUs. Without it they are used one run at a time.
std::unique_ptr<GpuProbe> FindProbe(const Daemon::Options& options, const std::vector<Lease>& devices) {
  if (std::none_of(devices.begin(), devices.end(), [](const Lease& one) { return one.gpu >= 0; })) return nullptr;
  absl::StatusOr<std::unique_ptr<Nvml>> nvml = Nvml::Load(options.nvml_library);
  if (nvml.ok()) return *std::move(nvml);
  spdlog::warn("memory of GPUs is not accounted for: {}", std::string(nvml.status().message()));
  return nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(Options options) {
  SKEW_ASSIGN_OR_RETURN(std::vector<Lease> devices, ParseDevices(options.devices, UsableCores()));
  SKEW_RETURN_IF_ERROR(CheckTlsOptions(options.tls));
  SKEW_ASSIGN_OR_RETURN(StateDir state_dir, StateDir::Open(options.state_dir));
  SKEW_RETURN_IF_ERROR(CheckNotRestoring(state_dir));
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Connections> connections, Connections::Open(state_dir.Database()));
  if (options.fair_share_half_life <= absl::ZeroDuration() || options.scheduler.aged_after <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the fair share's half-life and the age to reserve at must be above zero");
  }
  if (options.datasets.empty()) options.datasets = state_dir.Datasets();
  if (options.backups.empty()) options.backups = state_dir.Backups();
  if (options.disk_reserve_bytes < 0) return absl::InvalidArgumentError("disk_reserve_bytes is below 0");
  if (options.max_runs_per_device < 1) return absl::InvalidArgumentError("max_runs_per_device is below 1");
  std::unique_ptr<GpuProbe> probe = FindProbe(options, devices);
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options), std::move(state_dir), std::move(connections),
                                            std::move(devices), std::move(probe)));
  // A file that is in the way must not keep the daemon from serving.
  for (const absl::Status& left : {daemon->removals_.Finish(), daemon->removals_.SweepWork()}) {
    if (!left.ok()) spdlog::warn("removing files: {}", left.ToString());
  }
  SKEW_RETURN_IF_ERROR(daemon->backups_.Open());
  SKEW_RETURN_IF_ERROR(daemon->access_.EnsureAdmin(LoginOf(geteuid())));
  SKEW_RETURN_IF_ERROR(daemon->OpenQueue());
  SKEW_RETURN_IF_ERROR(daemon->ListenForWorkers());
  SKEW_RETURN_IF_ERROR(daemon->Listen());
  daemon->scheduler_.Start();
  daemon->housekeeper_.Start();
  return daemon;
}

Daemon::Daemon(Options options, StateDir state_dir, std::unique_ptr<Connections> connections,
               std::vector<Lease> devices, std::unique_ptr<GpuProbe> probe)
    : options_(std::move(options)),
      clock_(options_.time),
      state_dir_(std::move(state_dir)),
      connections_(std::move(connections)),
      events_(connections_.get()),
      jobs_(connections_.get(), &clock_),
      runs_(connections_.get(), &clock_),
      artifacts_(connections_.get(), &clock_, state_dir_.Artifacts(), state_dir_.Quarantine()),
      removals_(connections_.get(), &clock_, state_dir_.root()),
      deletion_(connections_.get(), &removals_, &clock_, options_.retention.deleted),
      collector_(connections_.get(), &removals_, &deletion_, &clock_, &state_dir_, options_.retention),
      housekeeper_(&collector_, connections_.get(), &hub_, kHousekeepingInterval),
      reserve_(options_.state_dir, options_.disk_reserve_bytes),
      backups_(connections_.get(), &artifacts_, &removals_, &clock_, &reserve_, options_.backups),
      reuse_(connections_.get()),
      datasets_(options_.datasets),
      devices_(std::move(devices), options_.max_runs_per_device),
      auto_precision_(AutoPrecisionOn(devices_.has_gpus())),
      probe_(std::move(probe)),
      launcher_({options_.worker_program, absl::StrCat("unix:", state_dir_.WorkerSocket()), options_.worker_patience}),
      queue_(connections_.get(), &clock_, options_.fair_share_half_life),
      start_holds_(&clock_),
      queue_view_(&queue_, &devices_, &reserve_, &start_holds_, &clock_, options_.scheduler.aged_after),
      scheduler_(&runs_, &queue_, &artifacts_, &datasets_, &devices_, &launcher_, probe_.get(), &state_dir_, &reserve_,
                 &start_holds_, &clock_, options_.scheduler),
      access_(connections_.get(), &clock_),
      listener_(MostConnections(options_.limits)),
      rate_(options_.limits.requests_per_second, &clock_),
      open_streams_(options_.limits.watches, options_.limits.reads, options_.limits.calls, options_.limits.large_reads),
      gate_(&access_, &jobs_, &listener_, &rate_, &open_streams_, &clock_, geteuid(), [this] { hub_.WakeAll(); }),
      slow_readers_(options_.limits.reader_patience, options_.limits.reader_grace, &clock_),
      pump_(&events_, &hub_, &gate_, &open_streams_, &slow_readers_, kPumpThreads),
      worker_service_(&runs_, &artifacts_, &removals_, &scheduler_, &hub_, options_.report_limits),
      access_service_(&gate_, &access_, &clock_),
      admin_service_(&gate_, &backups_, &artifacts_, &collector_, &hub_),
      job_service_(&gate_, &jobs_, &deletion_, &queue_, &queue_view_, &reuse_, &datasets_, &scheduler_, &hub_, &pump_,
                   &open_streams_, auto_precision_),
      run_service_(&gate_, &jobs_, &queue_, &queue_view_, &scheduler_, &hub_, &state_dir_, &open_streams_,
                   &slow_readers_),
      artifact_service_(&gate_, &artifacts_, &open_streams_, &slow_readers_),
      analysis_service_(&gate_, &jobs_, &artifacts_, &open_streams_),
      server_service_(&gate_, &jobs_, &events_, &datasets_, &devices_, &reserve_, &hub_, clock_.Now(), options_.commit),
      queue_service_(&gate_, &queue_, &queue_view_, &devices_, &scheduler_),
      reuse_service_(&gate_, &jobs_, &reuse_, &queue_view_, &datasets_, &scheduler_, &hub_, &open_streams_,
                     auto_precision_) {
  connections_->SetListener([this](JobId job, int64_t revision) { hub_.Publish(job, revision); });
}

absl::Status Daemon::OpenQueue() {
  SKEW_RETURN_IF_ERROR(queue_.Open());
  SKEW_ASSIGN_OR_RETURN(const std::set<std::string> drained, queue_.DrainedDevices());
  // Those that this daemon does not have stay drained for the day they come back.
  for (const std::string& device : drained) devices_.SetDrained(device, true).IgnoreError();
  return absl::OkStatus();
}

absl::Status Daemon::ListenForWorkers() {
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMostReportBytes);
  builder.SetMaxSendMessageSize(kMostOrderBytes);
  SetWorkerKeepalive(options_.worker_silence, builder);
  builder.RegisterService(&worker_service_);
  worker_server_ = builder.BuildAndStart();
  if (worker_server_ == nullptr) return absl::InternalError("the server for workers cannot be started");
  SKEW_ASSIGN_OR_RETURN(const ListenAddress address,
                        ListenAddress::Parse(absl::StrCat("unix:", state_dir_.WorkerSocket())));
  // gRPC's own listener would never accept again once it was short of descriptors.
  SKEW_RETURN_IF_ERROR(worker_listener_.Listen(address).status());
  worker_listener_.Serve(worker_server_.get());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ListenAddress>> Daemon::ListenAddresses() const {
  std::vector<std::string> texts = options_.listen;
  if (texts.empty()) texts = {absl::StrCat("unix:", state_dir_.ApiSocket()), "127.0.0.1:7433"};
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts) {
    SKEW_ASSIGN_OR_RETURN(ListenAddress address, ListenAddress::Parse(text));
    if (address.kind == ListenAddress::Kind::kNetwork && options_.tls.certificate.empty() && !options_.insecure) {
      return absl::InvalidArgumentError(
          absl::StrCat("address ", text,
                       " is reached from other machines and would carry tokens and data in the clear: give "
                       "--tls-cert and --tls-key (deploy/make-certs.sh makes them), or say --insecure"));
    }
    addresses.push_back(std::move(address));
  }
  return addresses;
}

absl::Status Daemon::Listen() {
  SKEW_ASSIGN_OR_RETURN(const std::vector<ListenAddress> listen, ListenAddresses());
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Apply(options_.limits, builder);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!options_.tls.certificate.empty()) {
    SKEW_ASSIGN_OR_RETURN(credentials, TlsServerCredentials(options_.tls));
  }
  network_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{
           &access_service_, &admin_service_, &job_service_, &run_service_, &artifact_service_, &analysis_service_,
           &server_service_, &queue_service_, &reuse_service_}) {
    builder.RegisterService(service);
  }
  api_server_ = builder.BuildAndStart();
  if (api_server_ == nullptr) return absl::InternalError("the API server cannot be started");
  for (const ListenAddress& one : listen) {
    SKEW_ASSIGN_OR_RETURN(addresses_.emplace_back(),
                          listener_.Listen(one, IsForLogins(one, options_) ? nullptr : network_.get()));
  }
  server_service_.SetAddresses(addresses_);
  listener_.Serve(api_server_.get());
  return absl::OkStatus();
}

Daemon::~Daemon() { Shutdown(); }

void Daemon::Shutdown() {
  if (api_server_ != nullptr && api_server_->GetHealthCheckService() != nullptr) {
    api_server_->GetHealthCheckService()->SetServingStatus(false);
  }
  hub_.Drain();
  scheduler_.Drain();
  housekeeper_.Join();
  const bool detach = options_.scheduler.on_stop == Scheduler::OnStop::kDetach;
  if (detach) launcher_.Release();
  // Workers are gone or will come back; streams have said why they end; what still hangs on after the deadline is cut.
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(2);
  listener_.Stop();
  worker_listener_.Stop();
  if (api_server_ != nullptr) api_server_->Shutdown(deadline);
  if (worker_server_ != nullptr) worker_server_->Shutdown(detach ? std::chrono::system_clock::now() : deadline);
}

}  // namespace skew
