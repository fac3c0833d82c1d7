#include "server/api/local_peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "server/api/listen_address.h"
#include "server/api/socket_owner.h"

namespace skew {
namespace {

constexpr char kEstablished[] = "01";  // TCP_ESTABLISHED, as /proc shows it

// An end of a connection as /proc shows it in the table for IPv4 and in that for IPv6, where a socket that could speak
// both has it. Empty: not there.
struct ShownEnd {
  std::string v4;
  std::string v6;
};

std::string ShowV6(const in6_addr& address, in_port_t port) {
  std::string text;
  for (const uint32_t word : address.s6_addr32) absl::StrAppendFormat(&text, "%08X", word);
  return absl::StrFormat("%s:%04X", text, ntohs(port));
}

ShownEnd Show(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET6) return {"", ShowV6(address.v6.sin6_addr, address.v6.sin6_port)};
  in6_addr mapped{};
  mapped.s6_addr16[5] = 0xffff;
  mapped.s6_addr32[3] = address.v4.sin_addr.s_addr;
  return {absl::StrFormat("%08X:%04X", address.v4.sin_addr.s_addr, ntohs(address.v4.sin_port)),
          ShowV6(mapped, address.v4.sin_port)};
}

// The owner of the established socket with this local and this remote address.
std::optional<uid_t> OwnerInTable(const char* table, const std::string& local, const std::string& remote) {
  if (local.empty()) return std::nullopt;
  const std::string text = ReadFile(table).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid ...
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() < 8 || fields[1] != local || fields[2] != remote || fields[3] != kEstablished) continue;
    uid_t uid = 0;
    if (absl::SimpleAtoi(fields[7], &uid)) return uid;
  }
  return std::nullopt;
}

bool IsEstablished(int connection) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return getsockopt(connection, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED;
}

// For kernels that cannot be asked for one socket. It takes longer the more sockets there are.
std::optional<uid_t> OwnerInTables(int connection, const ShownEnd& local, const ShownEnd& remote) {
  // The table is read in pieces, and a line can be missed when others come and go meanwhile.
  constexpr int kTries = 3;
  for (int i = 0; i < kTries && IsEstablished(connection); ++i) {
    std::optional<uid_t> uid = OwnerInTable("/proc/self/net/tcp", local.v4, remote.v4);
    if (!uid.has_value()) uid = OwnerInTable("/proc/self/net/tcp6", local.v6, remote.v6);
    if (uid.has_value()) return IsEstablished(connection) ? uid : std::nullopt;
  }
  return std::nullopt;
}

std::optional<uid_t> OwnerOfOtherEnd(int connection) {
  SocketAddress here{};
  SocketAddress there{};
  socklen_t here_size = sizeof(here);
  socklen_t there_size = sizeof(there);
  if (getsockname(connection, &here.any, &here_size) != 0 || getpeername(connection, &there.any, &there_size) != 0) {
    return std::nullopt;
  }
  const absl::StatusOr<uid_t> owner = FindSocketOwner(there, here);
  if (owner.ok()) return IsEstablished(connection) ? std::optional<uid_t>(*owner) : std::nullopt;
  if (absl::IsNotFound(owner.status())) return std::nullopt;
  return OwnerInTables(connection, Show(there), Show(here));
}

std::optional<uid_t> PeerUser(int connection) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (getsockopt(connection, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return std::nullopt;
  if (domain != AF_UNIX) return OwnerOfOtherEnd(connection);
  ucred credentials{};
  size = sizeof(credentials);
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

}  // namespace

std::optional<LocalPeer> IdentifyLocalPeer(int connection) {
  const std::optional<uid_t> uid = PeerUser(connection);
  if (!uid.has_value()) return std::nullopt;
  return LocalPeer{*uid, LoginOf(*uid)};
}

std::string LoginOf(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> buffer{};
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return absl::StrCat("uid", uid);
}

}  // namespace skew
