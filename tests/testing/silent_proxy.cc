#include "tests/testing/silent_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/testing/raw_socket.h"

namespace skew {
namespace {

// What was there to read, and whether the connection goes on.
bool Pass(int from, int to, bool on) {
  std::array<char, 16384> bytes{};
  const ssize_t size = recv(from, bytes.data(), bytes.size(), 0);
  if (size <= 0) return false;
  return !on || send(to, bytes.data(), static_cast<size_t>(size), MSG_NOSIGNAL) == size;
}

}  // namespace

SilentProxy::SilentProxy(const std::string& target) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(any);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof(any));
  listen(listener_, 1);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size);
  address_ = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  target_ = DialTcp(target);
  thread_ = std::thread([this] { Loop(); });
}

SilentProxy::~SilentProxy() {
  stopping_ = true;
  thread_.join();
  for (const int fd : {listener_, target_, client_}) {
    if (fd >= 0) close(fd);
  }
}

void SilentProxy::Loop() {
  constexpr int kLookEvery = 20;  // milliseconds, whether it is to stop
  while (!stopping_) {
    // A side that is gone is no longer listened to; the other one is not told.
    std::array<pollfd, 3> events = {{{client_ < 0 ? listener_ : -1, POLLIN, 0}, {client_, POLLIN, 0}, {-1, POLLIN, 0}}};
    if (client_ >= 0) events[2].fd = target_;
    if (poll(events.data(), events.size(), kLookEvery) <= 0) continue;
    if (events[0].revents != 0) client_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (events[1].revents != 0 && !Pass(client_, target_, !silent_)) return;
    if (events[2].revents != 0) {
      ++from_target_;
      if (!Pass(target_, client_, !silent_)) return;
    }
  }
}

}  // namespace skew
