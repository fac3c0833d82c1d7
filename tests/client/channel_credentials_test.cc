#include "client/channel_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <string>

#include "common/file.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

class ChannelCredentialsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_.path() + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }

  const TempFolder folder_;
};

// Of a CA that no key is kept of.
constexpr char kCertificate[] = R"(-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUBTqEUJSGBdhJ9/o+gYPEUS7Q6V8wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRU2tldyBDQSBvZiBhIHRlc3QwIBcNMjYxMTI3MTEzODI3WhgP
MjEyNjExMDMxMTM4MjdaMBwxGjAYBgNVBAMMEVNrZXcgQ0Egb2YgYSB0ZXN0MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn23sDyaSfVgInYHEaVV7JvzTVJkWawOm
dcD65gHSkdXlktkcF9wRdEK1qzmU/OFovthxV94g2F8RBU+/dnV08aNTMFEwHQYD
VR0OBBYEFEtA76wom9nlMY4I983EQL/ZdypMMB8GA1UdIwQYMBaAFEtA76wom9nl
MY4I983EQL/ZdypMMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
AObiOLYeSXJvKJb6p22Bo2SdbCB8QmD+7E5VkKTCJppeAiAOZTtdqRLYp1CS4UtR
DDXuvTf1CkHnGIzxNUgTdCXmTA==
-----END CERTIFICATE-----
)";

// Of nobody's certificate.
std::string NewKey() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  EXPECT_EQ(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

TEST_F(ChannelCredentialsTest, NoCaIsNoTls) {
  const auto credentials = CredentialsFor({});
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(*credentials, nullptr);
}

TEST_F(ChannelCredentialsTest, ACertificateOfACaIsEnough) {
  const auto credentials = CredentialsFor({Write("ca.pem", kCertificate), "", ""});
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_NE(*credentials, nullptr);
}

TEST_F(ChannelCredentialsTest, SaysWhichFileIsNotWhatItShouldBe) {
  const std::string ca = Write("ca.pem", kCertificate);
  const std::string garbage = Write("garbage", "no PEM\n");
  const std::string missing = folder_.path() + "/missing";
  const struct {
    TlsSettings tls;
    std::string message;
  } kCases[] = {
      {{garbage, "", ""}, "--ca (SKEW_CA) " + garbage + ": holds no PEM certificate"},
      {{missing, "", ""}, "--ca (SKEW_CA) " + missing + ": "},
      {{ca, garbage, garbage}, "--cert (SKEW_CERT) " + garbage + ": holds no PEM certificate"},
      {{ca, ca, garbage}, "--key (SKEW_KEY) " + garbage + ": holds no PEM private key without a passphrase"},
      {{ca, ca, Write("key.pem", NewKey())}, "key.pem: is not the key of " + ca},
  };
  for (const auto& one : kCases) {
    const absl::Status status = CredentialsFor(one.tls).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(one.message));
  }
}

}  // namespace
}  // namespace skew
