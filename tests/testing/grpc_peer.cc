#include "tests/testing/grpc_peer.h"

#include <chrono>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/status.h"

namespace skew {

bool Comes(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // a user has 200 requests a second
  }
  return true;
}

int Watches(TestDaemon& daemon) { return daemon.daemon().open_streams().count(OpenStreams::Kind::kWatch); }

std::shared_ptr<grpc::Channel> Connect(const std::string& address, int window) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (window > 0) {
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, window);
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  }
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status GetInfo(v1::ServerService::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  v1::ServerInfo info;
  return FromGrpc(stub.GetServerInfo(&context, {}, &info));
}

absl::Status GetInfo(const std::shared_ptr<grpc::Channel>& channel) {
  return GetInfo(*v1::ServerService::NewStub(channel));
}

}  // namespace skew
