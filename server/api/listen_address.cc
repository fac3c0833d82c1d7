#include "server/api/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<std::vector<SocketAddress>> Resolve(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) return absl::InvalidArgumentError(absl::StrCat("host '", host, "': ", gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(SocketAddress)) continue;
    std::memcpy(&addresses.emplace_back(), one->ai_addr, one->ai_addrlen);
  }
  return addresses;
}

bool IsLoopback(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET) return ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
  return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

}  // namespace

absl::StatusOr<ListenAddress> ListenAddress::Parse(absl::string_view text) {
  ListenAddress address;
  address.text = std::string(text);
  if (absl::ConsumePrefix(&text, "unix:")) {
    address.kind = Kind::kUnix;
    absl::ConsumePrefix(&text, "//");
    address.path = std::string(text);
    if (address.path.empty()) return absl::InvalidArgumentError("address 'unix:' names no path");
    return address;
  }
  const size_t colon = text.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0 || !absl::SimpleAtoi(text.substr(colon + 1), &port)) {
    return absl::InvalidArgumentError(absl::StrCat("address '", text, "' is neither unix:PATH nor host:port"));
  }
  if (port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("address '", text, "': a port is 0 to 65535"));
  }
  address.host = std::string(text.substr(0, colon));
  const std::string bare(absl::StripSuffix(absl::StripPrefix(address.host, "["), "]"));
  SKEW_ASSIGN_OR_RETURN(address.addresses, Resolve(bare, absl::StrCat(port)));
  const bool loopback =
      !address.addresses.empty() && std::all_of(address.addresses.begin(), address.addresses.end(), &IsLoopback);
  address.kind = loopback ? Kind::kLoopback : Kind::kNetwork;
  return address;
}

}  // namespace skew
