#include "client/server_address.h"

#include <arpa/inet.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/scalar.h"
#include "client/yaml_decoder.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

bool IsAddress(absl::string_view target) {
  if (absl::StartsWith(target, "unix:")) return target.size() > 5;
  const size_t colon = target.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 && absl::SimpleAtoi(target.substr(colon + 1), &port) &&
         port > 0 && port < 65536;
}

absl::Status BrokenConfig(const std::string& path, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", problem));
}

// Text under `key` of a map; empty when it is absent.
absl::StatusOr<std::string> TextAt(const YAML::Node& map, const char* key, const std::string& path) {
  const YAML::Node value = map[key];
  if (!value || value.IsNull()) return std::string();
  if (!value.IsScalar()) return BrokenConfig(path, absl::StrCat(key, " is not text"));
  return value.Scalar();
}

absl::StatusOr<ServerAddress> ContextOf(const YAML::Node& root, const std::string& path) {
  SKEW_ASSIGN_OR_RETURN(const std::string name, TextAt(root, "current-context", path));
  if (name.empty()) return BrokenConfig(path, "has no current-context");
  const YAML::Node contexts = root["contexts"];
  if (!contexts || !contexts.IsMap()) return BrokenConfig(path, "has no map 'contexts'");
  const YAML::Node context = contexts[name];
  if (!context || !context.IsMap()) return BrokenConfig(path, absl::StrCat("has no context ", Quoted(name)));
  ServerAddress address;
  SKEW_ASSIGN_OR_RETURN(address.target, TextAt(context, "server", path));
  if (address.target.empty()) return BrokenConfig(path, absl::StrCat("context ", Quoted(name), " has no server"));
  SKEW_ASSIGN_OR_RETURN(address.token, TextAt(context, "token", path));
  SKEW_ASSIGN_OR_RETURN(address.tls.ca, TextAt(context, "ca", path));
  SKEW_ASSIGN_OR_RETURN(address.tls.certificate, TextAt(context, "cert", path));
  SKEW_ASSIGN_OR_RETURN(address.tls.key, TextAt(context, "key", path));
  SKEW_ASSIGN_OR_RETURN(const std::string insecure, TextAt(context, "insecure", path));
  address.insecure = insecure == "true";
  address.origin = absl::StrCat("from context ", Quoted(name), " in ", path);
  return address;
}

// Nothing when there is no such file.
absl::StatusOr<std::optional<ServerAddress>> ReadConfig(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  SKEW_ASSIGN_OR_RETURN(const YAML::Node root, ParseYaml(*text, path));
  if (!root.IsMap()) return BrokenConfig(path, "is not a map");
  SKEW_ASSIGN_OR_RETURN(ServerAddress address, ContextOf(root, path));
  return address;
}

absl::StatusOr<ServerAddress> ChooseServer(const AddressSources& sources) {
  ServerAddress address;
  if (!sources.flag.empty()) {
    address.target = sources.flag;
    address.origin = "from --server";
  } else if (!sources.env_server.empty()) {
    address.target = sources.env_server;
    address.origin = "from SKEW_SERVER";
  } else {
    address.origin = "the default; --server or SKEW_SERVER name another";
    SKEW_ASSIGN_OR_RETURN(const std::optional<ServerAddress> configured, ReadConfig(sources.config_path));
    if (configured.has_value()) address = *configured;
  }
  return address;
}

}  // namespace

bool IsLocal(absl::string_view target) {
  if (absl::StartsWith(target, "unix:")) return true;
  const std::string host(target.substr(0, target.rfind(':')));
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  return host == "localhost" || host == "[::1]";
}

absl::Status CheckTls(const ServerAddress& address) {
  if (address.tls.certificate.empty() != address.tls.key.empty()) {
    return absl::InvalidArgumentError("a client certificate needs both --cert and --key");
  }
  if (address.tls.ca.empty() && !address.tls.certificate.empty()) {
    return absl::InvalidArgumentError("a client certificate needs TLS: --ca names whose certificate the server has");
  }
  if (address.tls.ca.empty() && !address.token.empty() && !address.insecure && !IsLocal(address.target)) {
    return absl::InvalidArgumentError(absl::StrCat("the token for ", Quoted(address.target), " (", address.origin,
                                                   ") would be sent in the clear: give --ca, or say --insecure"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ServerAddress> ResolveServer(const AddressSources& sources) {
  SKEW_ASSIGN_OR_RETURN(ServerAddress address, ChooseServer(sources));
  if (!sources.env_token.empty()) address.token = sources.env_token;
  if (sources.without_token) address.token.clear();
  if (!sources.tls.ca.empty()) address.tls.ca = sources.tls.ca;
  if (!sources.tls.certificate.empty() || !sources.tls.key.empty()) {
    address.tls.certificate = sources.tls.certificate;
    address.tls.key = sources.tls.key;
  }
  if (sources.insecure) address.insecure = true;
  // On a unix socket there is nobody to hide from and no TLS.
  if (absl::StartsWith(address.target, "unix:")) address.tls = {};
  if (!IsAddress(address.target)) {
    return absl::InvalidArgumentError(
        absl::StrCat("server ", Quoted(address.target), " (", address.origin, ") is neither host:port nor unix:PATH"));
  }
  SKEW_RETURN_IF_ERROR(CheckTls(address));
  return address;
}

}  // namespace skew
