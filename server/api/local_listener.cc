#include "server/api/local_listener.h"

#include <grpcpp/server_posix.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr int kBacklog = 1024;

absl::Status CannotListen(absl::string_view address) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", std::strerror(errno)));
}

absl::StatusOr<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("socket ", path, " is longer than ", sizeof(address.sun_path) - 1, " bytes"));
  }
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  return address;
}

// Removes a socket that nobody listens on any more.
void RemoveDeadSocket(const sockaddr_un& address) {
  struct stat status {};
  if (lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 && errno == ECONNREFUSED) {
    unlink(address.sun_path);
  }
  close(probe);
}

socklen_t SizeOf(const SocketAddress& address) {
  return address.any.sa_family == AF_INET6 ? sizeof(address.v6) : sizeof(address.v4);
}

void Set(int socket, int level, int option) {
  const int on = 1;
  setsockopt(socket, level, option, &on, sizeof(on));
}

int PortOf(int socket) {
  SocketAddress address{};
  socklen_t size = sizeof(address);
  getsockname(socket, &address.any, &size);
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

}  // namespace

LocalListener::LocalListener() : stop_event_(eventfd(0, EFD_CLOEXEC)) {}

LocalListener::~LocalListener() {
  Stop();
  close(stop_event_);
}

absl::StatusOr<std::string> LocalListener::Listen(const ListenAddress& address) {
  if (address.kind == ListenAddress::Kind::kUnix) {
    SKEW_RETURN_IF_ERROR(ListenOnUnix(address.path));
    return address.text;
  }
  int port = 0;
  absl::Status error;
  for (const SocketAddress& one : address.addresses) {
    const absl::StatusOr<int> got = ListenOnTcp(one, port);
    if (got.ok()) port = *got;
    if (!got.ok() && error.ok()) error = Annotate(got.status(), address.text);
  }
  // "localhost" may mean an IPv6 address on a machine that has none: one that works is enough.
  if (port == 0) return error;
  return absl::StrCat(address.host, ":", port);
}

absl::Status LocalListener::ListenOnUnix(const std::string& path) {
  SKEW_ASSIGN_OR_RETURN(const sockaddr_un address, UnixAddress(path));
  RemoveDeadSocket(address);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  absl::Cleanup discard = [fd] { close(fd); };
  // Who may call is decided by who is at the other end, so that everybody may connect.
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), 0666) != 0 || listen(fd, kBacklog) != 0) {
    return CannotListen(path);
  }
  std::move(discard).Cancel();
  sockets_.push_back(fd);
  paths_.push_back(path);
  return absl::OkStatus();
}

// With a port that is not 0, that one instead of the address's own.
absl::StatusOr<int> LocalListener::ListenOnTcp(SocketAddress address, int port) {
  if (port != 0)
    (address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port) =
        htons(static_cast<uint16_t>(port));
  const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  absl::Cleanup discard = [fd] { close(fd); };
  if (fd >= 0) Set(fd, SOL_SOCKET, SO_REUSEADDR);
  if (fd >= 0 && address.any.sa_family == AF_INET6) Set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (fd < 0 || bind(fd, &address.any, SizeOf(address)) != 0 || listen(fd, kBacklog) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen: ", std::strerror(errno)));
  }
  std::move(discard).Cancel();
  sockets_.push_back(fd);
  return PortOf(fd);
}

void LocalListener::Serve(grpc::Server* server) {
  server_ = server;
  thread_ = std::thread([this] { Loop(); });
}

void LocalListener::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    while (write(stop_event_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    thread_.join();
  }
  for (const int fd : std::exchange(sockets_, {})) close(fd);
  for (const std::string& path : std::exchange(paths_, {})) unlink(path.c_str());
}

void LocalListener::Loop() {
  std::vector<pollfd> events = {{stop_event_, POLLIN, 0}};
  for (const int fd : sockets_) events.push_back({fd, POLLIN, 0});
  while (true) {
    if (poll(events.data(), events.size(), -1) < 0) continue;  // EINTR
    if (events[0].revents != 0) return;
    for (size_t i = 1; i < events.size(); ++i) {
      if (events[i].revents != 0) Accept(events[i].fd);
    }
  }
}

void LocalListener::Accept(int socket) {
  const int fd = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Out of descriptors: the connection stays in the queue until there is one.
    pollfd stop = {stop_event_, POLLIN, 0};
    if (errno == EMFILE || errno == ENFILE) poll(&stop, 1, 100);
    return;
  }
  Set(fd, IPPROTO_TCP, TCP_NODELAY);  // fails on unix sockets, which need none
  std::optional<LocalPeer> peer = IdentifyLocalPeer(fd);
  {
    absl::MutexLock lock(&mutex_);
    peers_[fd] = std::move(peer);
  }
  grpc::AddInsecureChannelFromFd(server_, fd);
}

std::optional<LocalPeer> LocalListener::PeerOf(absl::string_view peer) const {
  int fd = 0;
  if (!absl::ConsumePrefix(&peer, "fd:") || !absl::SimpleAtoi(peer, &fd)) return std::nullopt;
  absl::MutexLock lock(&mutex_);
  const auto found = peers_.find(fd);
  return found == peers_.end() ? std::nullopt : found->second;
}

}  // namespace skew
