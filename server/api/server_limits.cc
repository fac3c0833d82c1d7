#include "server/api/server_limits.h"

#include <grpc/grpc.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/support/server_interceptor.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "common/message_limits.h"

namespace skew {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::Interceptor;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerInterceptorFactoryInterface;
using grpc::experimental::ServerRpcInfo;

constexpr int kMostReflections = 16;
constexpr int kMostHealthCalls = 1000;

// One of the calls that everybody may make and that are not ours to refuse: gRPC's own services.
class OpenCall final : public Interceptor {
 public:
  OpenCall(ServerRpcInfo* info, std::atomic<int>* open, int most)
      : info_(info), open_(open), is_one_too_many_(open->fetch_add(1) >= most) {}
  ~OpenCall() override { open_->fetch_sub(1); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (is_one_too_many_ && methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      info_->server_context()->TryCancel();
    }
    methods->Proceed();
  }

 private:
  ServerRpcInfo* const info_;
  std::atomic<int>* const open_;
  const bool is_one_too_many_;
};

// A stream of reflection has a thread, and one of health memory, for as long as whoever opened it likes.
class OpenCallLimit final : public ServerInterceptorFactoryInterface {
 public:
  Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {  // gRPC owns it
    const absl::string_view method = info->method();
    if (absl::StartsWith(method, "/grpc.reflection.")) return new OpenCall(info, &reflections_, kMostReflections);
    if (absl::StartsWith(method, "/grpc.health.")) return new OpenCall(info, &health_calls_, kMostHealthCalls);
    return nullptr;
  }

 private:
  std::atomic<int> reflections_ = 0;
  std::atomic<int> health_calls_ = 0;
};

// Threads that stay when there is nothing to do.
constexpr int kWaitingThreads = 16;

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

}  // namespace

void Apply(const Limits& limits, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  builder.SetMaxSendMessageSize(kMostResponseBytes);
  grpc::ResourceQuota quota("skewd");
  quota.Resize(static_cast<size_t>(limits.buffer_bytes));
  quota.SetMaxThreads(limits.calls.total + limits.reads.total + kMostReflections);
  builder.SetResourceQuota(quota);
  // Above what one user may have: a stream over this limit waits at the client without a word.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.watches.per_user + limits.calls.total);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Milliseconds(limits.handshake));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(limits.idle_connection));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(limits.keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(limits.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients may ping as often as every ten seconds.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // Requests are small: no probes for a better window (see kClientReadAheadBytes).
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // One queue of calls, and threads that wait for the next one rather than end after the last.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, kWaitingThreads);
  std::vector<std::unique_ptr<ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<OpenCallLimit>());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
}

}  // namespace skew
