#include "server/api/listener.h"

#include <arpa/inet.h>
#include <grpcpp/server_posix.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

constexpr int kBacklog = 1024;

// Of accept4: it would fail again at once.
bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

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

void Set(int socket, int level, int option, bool on = true) {
  const int value = on ? 1 : 0;
  setsockopt(socket, level, option, &value, sizeof(value));
}

int PortOf(int socket) {
  SocketAddress address{};
  socklen_t size = sizeof(address);
  getsockname(socket, &address.any, &size);
  return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

// 0 when there is nothing open under this number.
ino_t SocketNumber(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

// The address of the other end, without its port.
std::string AddressOf(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  SocketAddress address{};
  std::memcpy(&address, &peer, sizeof(address));
  const bool v6 = address.any.sa_family == AF_INET6;
  const void* number = v6 ? static_cast<const void*>(&address.v6.sin6_addr) : &address.v4.sin_addr;
  const char* shown = inet_ntop(v6 ? AF_INET6 : AF_INET, number, text.data(), text.size());
  return shown == nullptr ? "unknown address" : shown;
}

}  // namespace

Listener::Listener(int most_connections)
    : most_connections_(static_cast<size_t>(most_connections)), stop_event_(eventfd(0, EFD_CLOEXEC)) {}

Listener::~Listener() {
  Stop();
  close(stop_event_);
}

absl::StatusOr<std::string> Listener::Listen(const ListenAddress& address, Acceptor* acceptor) {
  if (address.kind == ListenAddress::Kind::kUnix) {
    SKEW_RETURN_IF_ERROR(ListenOnUnix(address.path));
    return address.text;
  }
  int port = 0;
  absl::Status error;
  for (const SocketAddress& one : address.addresses) {
    const absl::StatusOr<int> got = ListenOnTcp(one, port, acceptor);
    if (got.ok()) port = *got;
    if (!got.ok() && error.ok()) error = Annotate(got.status(), address.text);
  }
  // "localhost" may mean an IPv6 address on a machine that has none: one that works is enough.
  if (port == 0) return error;
  return absl::StrCat(address.host, ":", port);
}

absl::Status Listener::ListenOnUnix(const std::string& path) {
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
  sockets_.push_back({fd, nullptr});
  paths_.push_back(path);
  return absl::OkStatus();
}

// With a port that is not 0, that one instead of the address's own.
absl::StatusOr<int> Listener::ListenOnTcp(SocketAddress address, int port, Acceptor* acceptor) {
  if (port != 0)
    (address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port) =
        htons(static_cast<uint16_t>(port));
  const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  absl::Cleanup discard = [fd] { close(fd); };
  if (fd >= 0) Set(fd, SOL_SOCKET, SO_REUSEADDR);
  if (fd >= 0 && address.any.sa_family == AF_INET6) {
    Set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !IN6_IS_ADDR_UNSPECIFIED(&address.v6.sin6_addr));
  }
  if (fd < 0 || bind(fd, &address.any, SizeOf(address)) != 0 || listen(fd, kBacklog) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen: ", std::strerror(errno)));
  }
  std::move(discard).Cancel();
  sockets_.push_back({fd, acceptor});
  return PortOf(fd);
}

void Listener::Serve(grpc::Server* server) {
  server_ = server;
  thread_ = std::thread([this] { Loop(); });
}

void Listener::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    while (write(stop_event_, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    thread_.join();
  }
  for (const Socket& one : std::exchange(sockets_, {})) close(one.fd);
  for (const std::string& path : std::exchange(paths_, {})) unlink(path.c_str());
}

void Listener::Loop() {
  std::vector<pollfd> events = {{stop_event_, POLLIN, 0}};
  for (const Socket& one : sockets_) events.push_back({one.fd, POLLIN, 0});
  while (true) {
    if (poll(events.data(), events.size(), -1) < 0) continue;  // EINTR
    if (events[0].revents != 0) return;
    for (size_t i = 1; i < events.size(); ++i) {
      if (events[i].revents != 0) Accept(sockets_[i - 1]);
    }
  }
}

void Listener::Accept(const Socket& socket) {
  const bool room = HasRoom(nullptr);
  sockaddr_storage there{};
  socklen_t size = sizeof(there);
  const int fd =
      room ? accept4(socket.fd, reinterpret_cast<sockaddr*>(&there), &size, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
  if (fd < 0) {
    // Full or out of descriptors or memory: the connection stays in the queue until there is room.
    pollfd stop = {stop_event_, POLLIN, 0};
    if (!room || IsShortage(errno)) poll(&stop, 1, 100);
    return;
  }
  Set(fd, IPPROTO_TCP, TCP_NODELAY);  // fails on unix sockets, which need none
  Connection connection;
  if (socket.acceptor == nullptr) connection.peer = IdentifyLocalPeer(fd);
  connection.from = connection.peer.has_value() ? connection.peer->login : AddressOf(there);
  connection.socket = SocketNumber(fd);
  if (!HasRoom(&connection.from)) {
    close(fd);
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    connections_[fd] = std::move(connection);
  }
  if (socket.acceptor == nullptr) return grpc::AddInsecureChannelFromFd(server_, fd);
  Acceptor::NewConnectionParameters parameters;
  parameters.listener_fd = socket.fd;
  parameters.fd = fd;
  socket.acceptor->HandleNewConnection(&parameters);
}

bool Listener::HasRoom(const std::string* from) {
  const size_t most = from == nullptr ? most_connections_ : most_connections_ * 3 / 4;
  const auto is_counted = [from](const auto& one) { return from == nullptr || one.second.from == *from; };
  absl::MutexLock lock(&mutex_);
  const auto is_full = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return connections_.size() >= most &&
           static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(), is_counted)) >= most;
  };
  if (!is_full()) return true;
  ForgetClosed();
  if (!is_full()) return true;
  if (const absl::Time now = absl::Now(); now >= next_warning_) {
    next_warning_ = now + absl::Minutes(1);
    spdlog::warn("{} connections{} are open: no more are taken", most, from == nullptr ? "" : " of " + *from);
  }
  return false;
}

void Listener::ForgetClosed() {
  std::erase_if(connections_, [](const auto& one) { return SocketNumber(one.first) != one.second.socket; });
}

std::optional<LocalPeer> Listener::PeerOf(absl::string_view peer) const {
  int fd = 0;
  if (!absl::ConsumePrefix(&peer, "fd:") || !absl::SimpleAtoi(peer, &fd)) return std::nullopt;
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(fd);
  return found == connections_.end() ? std::nullopt : found->second.peer;
}

}  // namespace skew
