#include "server/api/local_peer.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>

#include "common/digest.h"
#include "server/api/listen_address.h"

namespace skew {
namespace {

// A listening socket; a child process that connects to it, as another user if asked to, and waits; and the accepted
// connection.
class Connection {
 public:
  Connection(const sockaddr* address, socklen_t size, uid_t uid, int client_family) {
    const int listener = socket(address->sa_family, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener, address, size), 0) << std::strerror(errno);
    EXPECT_EQ(listen(listener, 1), 0);
    sockaddr_storage bound{};
    socklen_t bound_size = sizeof(bound);
    getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &bound_size);
    if (client_family == AF_INET6 && address->sa_family == AF_INET) ToMapped(bound, bound_size);
    child_ = fork();
    if (child_ == 0) Dial(bound, bound_size, uid, client_family);
    accepted_ = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~Connection() {
    EndChild();
    close(accepted_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int accepted() const { return accepted_; }
  void EndChild() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  // 127.0.0.1 as an IPv6 socket sees it.
  static void ToMapped(sockaddr_storage& address, socklen_t& size) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr.s6_addr16[5] = 0xffff;
    v6.sin6_addr.s6_addr32[3] = v4.sin_addr.s_addr;
    std::memcpy(&address, &v6, sizeof(v6));
    size = sizeof(v6);
  }

  [[noreturn]] static void Dial(const sockaddr_storage& address, socklen_t size, uid_t uid, int family) {
    if (uid != getuid() && setuid(uid) != 0) _exit(1);
    const int fd = socket(family, SOCK_STREAM, 0);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) _exit(1);
    pause();
    _exit(0);
  }

  pid_t child_ = 0;
  int accepted_ = -1;
};

sockaddr_in Loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::optional<LocalPeer> PeerOverTcp(uid_t uid, int client_family = AF_INET) {
  const sockaddr_in address = Loopback();
  const Connection connection(reinterpret_cast<const sockaddr*>(&address), sizeof(address), uid, client_family);
  return IdentifyLocalPeer(connection.accepted());
}

std::optional<LocalPeer> PeerOverUnix(uid_t uid) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // In the abstract namespace, where no folder keeps another user out.
  const std::string name = "skew-test-" + RandomHex(8);
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const Connection connection(reinterpret_cast<const sockaddr*>(&address), size, uid, AF_UNIX);
  return IdentifyLocalPeer(connection.accepted());
}

// A login that is not ours; the test is skipped unless it may act as one.
const passwd* AnotherLogin() { return getuid() == 0 ? getpwnam("daemon") : nullptr; }

TEST(LocalPeerTest, OurOwnLoginIsBehindOurOwnConnections) {
  ASSERT_TRUE(PeerOverUnix(getuid()).has_value());
  EXPECT_EQ(PeerOverUnix(getuid())->uid, getuid());
  EXPECT_EQ(PeerOverUnix(getuid())->login, LoginOf(getuid()));
  ASSERT_TRUE(PeerOverTcp(getuid()).has_value());
  EXPECT_EQ(PeerOverTcp(getuid())->uid, getuid());
}

TEST(LocalPeerTest, AnotherLoginIsTold) {
  const passwd* other = AnotherLogin();
  if (other == nullptr) GTEST_SKIP() << "only root can connect as another user";
  ASSERT_TRUE(PeerOverUnix(other->pw_uid).has_value());
  EXPECT_EQ(PeerOverUnix(other->pw_uid)->uid, other->pw_uid);
  EXPECT_EQ(PeerOverUnix(other->pw_uid)->login, "daemon");
  ASSERT_TRUE(PeerOverTcp(other->pw_uid).has_value());
  EXPECT_EQ(PeerOverTcp(other->pw_uid)->uid, other->pw_uid);
}

TEST(LocalPeerTest, ASocketForBothFamiliesIsFoundInTheOtherTable) {
  const int probe = socket(AF_INET6, SOCK_STREAM, 0);
  if (probe < 0) GTEST_SKIP() << "this machine has no IPv6";
  close(probe);
  ASSERT_TRUE(PeerOverTcp(getuid(), AF_INET6).has_value());
  EXPECT_EQ(PeerOverTcp(getuid(), AF_INET6)->uid, getuid());
}

TEST(LocalPeerTest, NobodyIsBehindAConnectionWhoseOtherEndHasGone) {
  const sockaddr_in address = Loopback();
  Connection connection(reinterpret_cast<const sockaddr*>(&address), sizeof(address), getuid(), AF_INET);
  connection.EndChild();
  char byte = 0;
  EXPECT_EQ(read(connection.accepted(), &byte, 1), 0);  // until the end has arrived
  EXPECT_FALSE(IdentifyLocalPeer(connection.accepted()).has_value());
}

TEST(LocalPeerTest, ALoginWithoutANameIsItsNumber) { EXPECT_EQ(LoginOf(3'999'999), "uid3999999"); }

}  // namespace
}  // namespace skew
