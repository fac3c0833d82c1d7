// What becomes of peers that are gone, of connections that hang, and of more of them than there may be.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/status.h"
#include "grpcpp/grpcpp.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/raw_socket.h"
#include "tests/testing/silent_proxy.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

TEST(PeersTest, APeerThatIsGoneWithoutAWordIsFound) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.keepalive_interval = absl::Seconds(1);
    options.limits.keepalive_timeout = absl::Seconds(5);  // the living share the processor with the server
  });
  const std::string job = daemon.MustSubmit(TestDaemon::Spec("wait"));
  daemon.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  EXPECT_TRUE(Comes([&] { return Watches(daemon) == 0; }));
  OpenWatch of_the_living(daemon.jobs(), job);
  ASSERT_TRUE(of_the_living.Read());
  SilentProxy proxy(daemon.daemon().addresses().front());
  const auto stub = v1::JobService::NewStub(Connect(proxy.address()));
  OpenWatch of_the_dead(*stub, job);
  ASSERT_TRUE(of_the_dead.Read());
  ASSERT_EQ(Watches(daemon), 2);
  // Pings go on while there is nothing else to say, and their answers keep the stream.
  const int pieces = proxy.from_target();
  EXPECT_TRUE(Comes([&] { return proxy.from_target() >= pieces + 4; }));
  EXPECT_EQ(Watches(daemon), 2);
  proxy.FallSilent();
  EXPECT_TRUE(Comes([&] { return Watches(daemon) == 1; }));
}

TEST(PeersTest, ConnectionsThatHangAreClosed) {
  TestDaemon daemon([](Daemon::Options& options) {
    options.limits.keepalive_interval = absl::Seconds(1);
    options.limits.keepalive_timeout = absl::Seconds(1);
    options.limits.idle_connection = absl::Seconds(2);
  });
  const std::string& address = daemon.daemon().addresses().front();
  std::vector<int> sockets;
  for (int i = 0; i < 200; ++i) {
    sockets.push_back(DialTcp(address));
    ASSERT_GE(sockets.back(), 0);
    if (i % 2 == 0) {
      ASSERT_TRUE(SayHttp2(sockets.back()));
    }
  }
  EXPECT_TRUE(GetInfo(Connect(address)).ok());
  // A client of gRPC answers pings: only that it has nothing to ask ends its connection, and a call makes another one.
  const auto idle = Connect(address);
  ASSERT_TRUE(GetInfo(idle).ok());
  EXPECT_TRUE(Comes([&] { return idle->GetState(false) != GRPC_CHANNEL_READY; }));
  EXPECT_TRUE(GetInfo(idle).ok());
  for (const int fd : sockets) {
    EXPECT_TRUE(IsClosedWithin(fd, 60));
    close(fd);
  }
}

// On loopback, and on an address that other machines reach, where a call without a token is only answered.
class ConnectionsTest : public ::testing::TestWithParam<const char*> {
 protected:
  static void Listen(Daemon::Options& options) {
    options.listen = {GetParam()};
    options.insecure = true;
  }
  static bool IsServed(const std::shared_ptr<grpc::Channel>& channel) {
    const absl::Status status = GetInfo(channel);
    return status.ok() || absl::IsUnauthenticated(status);
  }
};

TEST_P(ConnectionsTest, NobodyHasAllOfThem) {
  TestDaemon daemon([](Daemon::Options& options) {
    Listen(options);
    options.limits.connections = 16;
    options.limits.handshake = absl::Hours(1);  // nothing else closes a connection that says nothing
    options.limits.keepalive_interval = absl::Hours(1);
  });
  const std::string& address = daemon.daemon().addresses().front();
  EXPECT_TRUE(IsServed(daemon.channel()));
  std::vector<int> sockets;
  sockets.reserve(11);
  for (int i = 0; i < 11; ++i) sockets.push_back(DialTcp(address));
  const int one_too_many = DialTcp(address);
  EXPECT_TRUE(IsClosedWithin(one_too_many, 60));
  close(one_too_many);
  EXPECT_TRUE(IsServed(daemon.channel()));  // a connection that was there
  for (const int fd : sockets) close(fd);
  EXPECT_TRUE(Comes([&] { return IsServed(Connect(address)); }));
}

TEST_P(ConnectionsTest, AShortageOfDescriptorsPasses) {
  TestDaemon daemon(Listen);
  const std::string& address = daemon.daemon().addresses().front();
  EXPECT_TRUE(IsServed(daemon.channel()));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> sockets(10);
  for (int& fd : sockets) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit usual;
  getrlimit(RLIMIT_NOFILE, &usual);
  rlimit short_of = usual;
  const int free_descriptor = dup(0);
  close(free_descriptor);
  short_of.rlim_cur = static_cast<rlim_t>(free_descriptor);  // nothing can be opened from now on
  setrlimit(RLIMIT_NOFILE, &short_of);
  for (const int fd : sockets) EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  EXPECT_FALSE(IsClosedWithin(sockets.front(), 1));
  EXPECT_TRUE(IsServed(daemon.channel()));
  setrlimit(RLIMIT_NOFILE, &usual);
  for (const int fd : sockets) close(fd);
  EXPECT_TRUE(IsServed(Connect(address)));
}

INSTANTIATE_TEST_SUITE_P(Addresses, ConnectionsTest, ::testing::Values("127.0.0.1:0", "0.0.0.0:0"));

}  // namespace
}  // namespace skew
