#include "server/daemon.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/workers/nvml.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

constexpr int kMostRequestBytes = 8 << 20;  // more than the largest spec, so that its own check can explain itself
constexpr int kPumpThreads = 2;

std::vector<std::string> ListenAddresses(const Daemon::Options& options, const StateDir& state_dir) {
  if (!options.listen.empty()) return options.listen;
  return {absl::StrCat("unix:", state_dir.ApiSocket()), "127.0.0.1:7433"};
}

// Dead peers are found within a minute; clients may ping as often as every ten seconds.
void SetKeepalive(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 40'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// The driver's library, where there are GPUs. Without it they are used one run at a time.
std::unique_ptr<GpuProbe> FindProbe(const Daemon::Options& options, const std::vector<Lease>& devices) {
  if (std::none_of(devices.begin(), devices.end(), [](const Lease& one) { return one.gpu >= 0; })) return nullptr;
  absl::StatusOr<std::unique_ptr<Nvml>> nvml = Nvml::Load(options.nvml_library);
  if (nvml.ok()) return *std::move(nvml);
  spdlog::warn("memory of GPUs is not accounted for: {}", std::string(nvml.status().message()));
  return nullptr;
}

std::string WithPort(const std::string& address, int port) {
  if (absl::StartsWith(address, "unix:")) return address;
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(Options options) {
  SKEW_ASSIGN_OR_RETURN(std::vector<Lease> devices, DeviceLedger::Parse(options.devices, UsableCores()));
  SKEW_ASSIGN_OR_RETURN(StateDir state_dir, StateDir::Open(options.state_dir));
  SKEW_ASSIGN_OR_RETURN(std::unique_ptr<Connections> connections, Connections::Open(state_dir.Database()));
  if (options.fair_share_half_life <= absl::ZeroDuration() || options.scheduler.aged_after <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the fair share's half-life and the age to reserve at must be above zero");
  }
  if (options.datasets.empty()) options.datasets = state_dir.Datasets();
  if (options.max_runs_per_device < 1) return absl::InvalidArgumentError("max_runs_per_device is below 1");
  std::unique_ptr<GpuProbe> probe = FindProbe(options, devices);
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options), std::move(state_dir), std::move(connections),
                                            std::move(devices), std::move(probe)));
  SKEW_RETURN_IF_ERROR(daemon->OpenQueue());
  SKEW_RETURN_IF_ERROR(daemon->ListenForWorkers());
  SKEW_RETURN_IF_ERROR(daemon->Listen());
  daemon->scheduler_.Start();
  return daemon;
}

Daemon::Daemon(Options options, StateDir state_dir, std::unique_ptr<Connections> connections,
               std::vector<Lease> devices, std::unique_ptr<GpuProbe> probe)
    : options_(std::move(options)),
      state_dir_(std::move(state_dir)),
      connections_(std::move(connections)),
      events_(connections_.get()),
      jobs_(connections_.get(), &clock_),
      runs_(connections_.get(), &clock_),
      artifacts_(connections_.get(), state_dir_.Artifacts()),
      datasets_(options_.datasets),
      devices_(std::move(devices), options_.max_runs_per_device),
      probe_(std::move(probe)),
      launcher_({options_.worker_program, absl::StrCat("unix:", state_dir_.WorkerSocket()), options_.worker_patience}),
      queue_(connections_.get(), &clock_, options_.fair_share_half_life),
      queue_view_(&queue_, &devices_, &clock_, options_.scheduler.aged_after),
      scheduler_(&runs_, &queue_, &artifacts_, &datasets_, &devices_, &launcher_, probe_.get(), &state_dir_, &clock_,
                 options_.scheduler),
      pump_(&events_, &hub_, kPumpThreads),
      worker_service_(&runs_, &artifacts_, &scheduler_, &hub_),
      job_service_(&jobs_, &queue_, &queue_view_, &datasets_, &scheduler_, &hub_, &pump_, options_.owner_of),
      run_service_(&jobs_, &queue_, &queue_view_, &scheduler_, &hub_, &state_dir_),
      artifact_service_(&artifacts_),
      server_service_(&jobs_, &events_, &datasets_, &devices_, &hub_, clock_.Now()),
      queue_service_(&queue_, &queue_view_, &devices_, &scheduler_) {
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
  builder.AddListeningPort(absl::StrCat("unix:", state_dir_.WorkerSocket()), grpc::InsecureServerCredentials());
  builder.RegisterService(&worker_service_);
  worker_server_ = builder.BuildAndStart();
  if (worker_server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", state_dir_.WorkerSocket()));
  }
  return absl::OkStatus();
}

absl::Status Daemon::Listen() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  SetKeepalive(builder);
  std::list<int> ports;  // gRPC keeps pointers to them
  const std::vector<std::string> listen = ListenAddresses(options_, state_dir_);
  for (const std::string& address : listen) {
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &ports.emplace_back(0));
  }
  for (grpc::Service* service : std::initializer_list<grpc::Service*>{&job_service_, &run_service_, &artifact_service_,
                                                                      &server_service_, &queue_service_}) {
    builder.RegisterService(service);
  }
  api_server_ = builder.BuildAndStart();
  auto port = ports.begin();
  for (const std::string& address : listen) {
    if (api_server_ == nullptr || *port == 0) return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
    addresses_.push_back(WithPort(address, *port++));
  }
  server_service_.SetAddresses(addresses_);
  return absl::OkStatus();
}

Daemon::~Daemon() { Shutdown(); }

void Daemon::Shutdown() {
  if (api_server_ != nullptr && api_server_->GetHealthCheckService() != nullptr) {
    api_server_->GetHealthCheckService()->SetServingStatus(false);
  }
  hub_.Drain();
  scheduler_.Drain();
  const bool detach = options_.scheduler.on_stop == Scheduler::OnStop::kDetach;
  if (detach) launcher_.Release();
  // Workers are gone or will come back; streams have said why they end; what still hangs on after the deadline is cut.
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(2);
  if (api_server_ != nullptr) api_server_->Shutdown(deadline);
  if (worker_server_ != nullptr) worker_server_->Shutdown(detach ? std::chrono::system_clock::now() : deadline);
}

}  // namespace skew
