#include "client/channel_credentials.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// A PEM file that one of the flags, or what stands in for it, has named.
struct PemFile {
  std::string name;  // "--ca (SKEW_CA) ca.pem"
  std::string text;

  Bio Open() const { return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free}; }
};

absl::StatusOr<PemFile> ReadPem(absl::string_view flag, const std::string& path) {
  const std::string name = absl::StrCat(flag, " ", path);
  absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (!text.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", text.status().message()));
  return PemFile{name, *std::move(text)};
}

// gRPC would say the same in many lines, and then that the server is not available.
absl::StatusOr<Certificate> ParseCertificate(const PemFile& file) {
  Certificate certificate(PEM_read_bio_X509(file.Open().get(), nullptr, nullptr, nullptr), &X509_free);
  if (certificate == nullptr) return absl::InvalidArgumentError(absl::StrCat(file.name, ": holds no PEM certificate"));
  return certificate;
}

absl::StatusOr<Key> ParseKey(const PemFile& file) {
  // A passphrase nobody could type is an empty one.
  char no_passphrase[] = "";
  Key key(PEM_read_bio_PrivateKey(file.Open().get(), nullptr, nullptr, no_passphrase), &EVP_PKEY_free);
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(file.name, ": holds no PEM private key without a passphrase"));
  }
  return key;
}

// The user's own certificate and its key.
absl::Status AddIdentity(const TlsSettings& tls, grpc::SslCredentialsOptions& options) {
  SKEW_ASSIGN_OR_RETURN(const PemFile own, ReadPem("--cert (SKEW_CERT)", tls.certificate));
  SKEW_ASSIGN_OR_RETURN(const PemFile secret, ReadPem("--key (SKEW_KEY)", tls.key));
  SKEW_ASSIGN_OR_RETURN(const Certificate certificate, ParseCertificate(own));
  SKEW_ASSIGN_OR_RETURN(const Key key, ParseKey(secret));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(secret.name, ": is not the key of ", tls.certificate));
  }
  options.pem_cert_chain = own.text;
  options.pem_private_key = secret.text;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(const TlsSettings& tls) {
  if (tls.ca.empty()) return nullptr;
  grpc::SslCredentialsOptions options;
  SKEW_ASSIGN_OR_RETURN(const PemFile ca, ReadPem("--ca (SKEW_CA)", tls.ca));
  SKEW_RETURN_IF_ERROR(ParseCertificate(ca).status());
  options.pem_root_certs = ca.text;
  if (!tls.certificate.empty()) SKEW_RETURN_IF_ERROR(AddIdentity(tls, options));
  return grpc::SslCredentials(options);
}

}  // namespace skew
