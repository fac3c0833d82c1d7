// The listener with a real gRPC server behind it.
#include "server/api/listener.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "absl/synchronization/notification.h"
#include "skew/v1/server_service.grpc.pb.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

// So many connections are not accepted, with this error.
std::atomic<int> refusals = 0;
std::atomic<int> refusal = 0;

}  // namespace
}  // namespace skew

// Found before the C library's.
extern "C" int accept4(int socket, sockaddr* address, socklen_t* size, int flags) {
  static auto* const next = reinterpret_cast<int (*)(int, sockaddr*, socklen_t*, int)>(dlsym(RTLD_NEXT, "accept4"));
  if (skew::refusals > 0) {
    --skew::refusals;
    errno = skew::refusal;
    return -1;
  }
  return next(socket, address, size, flags);
}

namespace skew {
namespace {

// Answers with the login behind the call; the first call can be held.
class WhoService final : public v1::ServerService::Service {
 public:
  explicit WhoService(const Listener* listener) : listener_(listener) {}

  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* /*request*/,
                             v1::ServerInfo* response) override {
    const std::string peer = context->peer();
    if (hold.exchange(false)) {
      struct stat before {};
      fstat(std::stoi(peer.substr(3)), &before);
      held.Notify();
      go_on.WaitForNotification();
      struct stat after {};
      same_socket = fstat(std::stoi(peer.substr(3)), &after) == 0 && S_ISSOCK(after.st_mode) &&
                    after.st_ino == before.st_ino && context->IsCancelled();
      done.Notify();
    }
    const auto found = listener_->PeerOf(peer);
    response->set_version(found.has_value() ? found->login : "nobody knows");
    return grpc::Status::OK;
  }

  std::atomic<bool> hold = false;
  std::atomic<bool> same_socket = false;
  absl::Notification held;
  absl::Notification go_on;
  absl::Notification done;

 private:
  const Listener* const listener_;
};

class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override {
    listener_.Stop();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  std::string Listen(const std::string& address) {
    const auto bound = listener_.Listen(*ListenAddress::Parse(address));
    EXPECT_TRUE(bound.ok()) << bound.status();
    return bound.value_or("");
  }

  void Serve() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    listener_.Serve(server_.get());
  }

  // On a connection of its own.
  static grpc::Status Call(const std::string& address, v1::ServerInfo& info) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub =
        v1::ServerService::NewStub(grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    return stub->GetServerInfo(&context, {}, &info);
  }

  static std::string WhoIsAt(const std::string& address) {
    v1::ServerInfo info;
    const grpc::Status status = Call(address, info);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return info.version();
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  Listener listener_;
  WhoService service_{&listener_};
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ListenerTest, EveryCallFindsItsLogin) {
  const std::string socket = Listen("unix:" + folder_ + "/api.sock");
  const std::string port = Listen("127.0.0.1:0");
  EXPECT_NE(port, "127.0.0.1:0");
  Serve();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(WhoIsAt(socket), LoginOf(getuid()));
    EXPECT_EQ(WhoIsAt(port), LoginOf(getuid()));
  }
  EXPECT_FALSE(listener_.PeerOf("ipv4:127.0.0.1:1").has_value());
  EXPECT_FALSE(listener_.PeerOf("fd:").has_value());
  EXPECT_FALSE(listener_.PeerOf("fd:100000").has_value());
}

// A thread that tried again at once would do nothing else.
TEST_F(ListenerTest, AShortageIsWaitedOut) {
  const std::string address = Listen("unix:" + folder_ + "/api.sock");
  Serve();
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    refusal = error;
    refusals = 3;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(WhoIsAt(address), LoginOf(getuid()));
    EXPECT_EQ(refusals, 0);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(290)) << error;
  }
}

// What PeerOf relies on: as long as a call lives, the number of its connection names that connection and no other, also
// when the client has long gone and others have come.
TEST_F(ListenerTest, TheNumberOfAConnectionOutlivesItsCalls) {
  const std::string address = Listen("unix:" + folder_ + "/api.sock");
  Serve();
  service_.hold = true;
  auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  auto stub = v1::ServerService::NewStub(channel);
  grpc::ClientContext context;
  std::thread client([&] {
    v1::ServerInfo info;
    stub->GetServerInfo(&context, {}, &info).ok();
  });
  service_.held.WaitForNotification();
  context.TryCancel();
  client.join();
  stub.reset();
  channel.reset();  // closes the connection
  for (int i = 0; i < 20; ++i) EXPECT_EQ(WhoIsAt(address), LoginOf(getuid()));
  service_.go_on.Notify();
  service_.done.WaitForNotification();
  EXPECT_TRUE(service_.same_socket);
}

TEST_F(ListenerTest, ADeadSocketIsReplacedAndALivingOneIsNot) {
  const std::string path = folder_ + "/api.sock";
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    close(dead);
  }
  Listen("unix:" + path);
  Serve();
  Listener second;
  EXPECT_TRUE(absl::IsUnavailable(second.Listen(*ListenAddress::Parse("unix:" + path)).status()));
  EXPECT_EQ(WhoIsAt("unix:" + path), LoginOf(getuid()));
  listener_.Stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, AFileThatIsNoSocketIsLeftAlone) {
  const std::string path = folder_ + "/file";
  {
    std::FILE* file = std::fopen(path.c_str(), "we");
    std::fclose(file);
  }
  Serve();
  EXPECT_TRUE(absl::IsUnavailable(listener_.Listen(*ListenAddress::Parse("unix:" + path)).status()));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, ATakenPortIsSaid) {
  const std::string port = Listen("127.0.0.1:0");
  Serve();
  Listener second;
  const absl::Status status = second.Listen(*ListenAddress::Parse(port)).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_NE(status.message().find(port), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace skew
