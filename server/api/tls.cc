#include "server/api/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr unsigned int kSecondsBetweenLooks = 5;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::StatusOr<Bio> Open(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  BIO_write(bio.get(), text->data(), static_cast<int>(text->size()));
  return bio;
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  SKEW_ASSIGN_OR_RETURN(const Bio bio, Open(path));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (certificate == nullptr) return absl::InvalidArgumentError(absl::StrCat(path, " holds no certificate (PEM)"));
  return certificate;
}

absl::Status Check(const TlsFiles& files) {
  SKEW_ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(files.certificate));
  SKEW_ASSIGN_OR_RETURN(const Bio bio, Open(files.key));
  // A passphrase nobody could type is an empty one.
  char no_passphrase[] = "";
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_passphrase), &EVP_PKEY_free);
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(files.key, " holds no private key without a passphrase (PEM)"));
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(files.key, " is not the key of ", files.certificate));
  }
  return files.client_ca.empty() ? absl::OkStatus() : ReadCertificate(files.client_ca).status();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> TlsServerCredentials(const TlsFiles& files) {
  namespace tls = grpc::experimental;
  SKEW_RETURN_IF_ERROR(Check(files));
  const auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(files.key, files.certificate,
                                                                              files.client_ca, kSecondsBetweenLooks);
  tls::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (!files.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls::TlsServerCredentials(options);
}

}  // namespace skew
