#include "client/channel_credentials.h"

#include <string>

#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const TlsSettings& tls) {
  if (tls.ca.empty()) return nullptr;
  grpc::SslCredentialsOptions options;
  SKEW_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(tls.ca));
  SKEW_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(tls.certificate));
  SKEW_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(tls.key));
  return grpc::SslCredentials(options);
}

}  // namespace skew
