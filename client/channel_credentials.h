// The client's end of TLS.
#ifndef SKEW_CLIENT_CHANNEL_CREDENTIALS_H_
#define SKEW_CLIENT_CHANNEL_CREDENTIALS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/server_address.h"
#include "grpcpp/security/credentials.h"

namespace skew {

// Null when the settings ask for no TLS. INVALID_ARGUMENT, naming the file and the flag it stands for, when one cannot
// be read, is not PEM or not what it should be, or the key is not the certificate's.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const TlsSettings& tls);

}  // namespace skew

#endif  // SKEW_CLIENT_CHANNEL_CREDENTIALS_H_
