// The daemon's end of TLS.
#ifndef SKEW_SERVER_API_TLS_H_
#define SKEW_SERVER_API_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

namespace skew {

// Paths of PEM files.
struct TlsFiles {
  std::string certificate;  // the server's, followed by those between it and the CA's
  std::string key;
  std::string client_ca;  // CAs whose client certificates name users; empty: none is asked for
};

// Credentials that read the files again when they change: new connections then get the new ones, within ten seconds. A
// client certificate is optional (a token does as well), but one that the CA did not sign ends the connection.
// INVALID_ARGUMENT, naming the file, when one cannot be read, is no PEM, or the key is not the certificate's.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> TlsServerCredentials(const TlsFiles& files);

}  // namespace skew

#endif  // SKEW_SERVER_API_TLS_H_
