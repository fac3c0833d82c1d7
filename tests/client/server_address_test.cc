#include "client/server_address.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "common/digest.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] = R"(
current-context: lab
contexts:
  lab: {server: "lab.example:7000", token: lab-token, ca: /etc/lab.pem}
  home: {server: "unix:/run/skewd.sock"}
)";

class ServerAddressTest : public ::testing::Test {
 protected:
  ServerAddressTest() : path_(std::filesystem::path(::testing::TempDir()) / ("skew-config-" + RandomHex(8))) {}
  ~ServerAddressTest() override { std::filesystem::remove(path_); }

  AddressSources With(const std::string& config) const {
    std::ofstream(path_) << config;
    return {.flag = "", .env_server = "", .env_token = "", .config_path = path_.string()};
  }

  std::filesystem::path path_;
};

TEST_F(ServerAddressTest, TheFlagGoesFirst) {
  AddressSources sources = With(kConfig);
  sources.flag = "unix:/tmp/s";
  sources.env_server = "other:1";
  const auto address = ResolveServer(sources);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->target, "unix:/tmp/s");
  EXPECT_EQ(address->origin, "from --server");
  EXPECT_EQ(address->token, "");
}

TEST_F(ServerAddressTest, ThenTheEnvironment) {
  AddressSources sources = With(kConfig);
  sources.env_server = "other:1";
  const auto address = ResolveServer(sources);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->target, "other:1");
  EXPECT_EQ(address->origin, "from SKEW_SERVER");
}

TEST_F(ServerAddressTest, ThenTheCurrentContext) {
  AddressSources sources = With(kConfig);
  auto address = ResolveServer(sources);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->target, "lab.example:7000");
  EXPECT_EQ(address->token, "lab-token");
  EXPECT_EQ(address->tls.ca, "/etc/lab.pem");
  EXPECT_THAT(address->origin, HasSubstr("from context 'lab' in " + path_.string()));
  sources.env_token = "mine";
  EXPECT_EQ(ResolveServer(sources)->token, "mine");
}

TEST_F(ServerAddressTest, ThenTheDefault) {
  const auto address = ResolveServer({.flag = "", .env_server = "", .env_token = "", .config_path = path_.string()});
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->target, "127.0.0.1:7433");
  EXPECT_THAT(address->origin, HasSubstr("the default"));
}

TEST_F(ServerAddressTest, TheCurrentContextsCredentialsAreForItsServerOnly) {
  AddressSources sources = With(kConfig);
  sources.flag = "lab.example:7001";
  const auto address = ResolveServer(sources);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->token, "");
  EXPECT_EQ(address->tls.ca, "");
}

TEST_F(ServerAddressTest, ATokenGoesToAnotherMachineOnlyOverTls) {
  AddressSources sources = {.flag = "lab.example:7000", .env_server = "", .env_token = "t", .config_path = ""};
  const absl::Status status = ResolveServer(sources).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("in the clear"));
  sources.insecure = true;
  EXPECT_TRUE(ResolveServer(sources).ok());
  sources.insecure = false;
  sources.tls.ca = "ca.pem";
  EXPECT_TRUE(ResolveServer(sources).ok());
  sources.tls.ca = "";
  for (const char* target : {"127.0.0.1:1", "127.9.0.1:1", "localhost:1", "[::1]:1", "unix:/run/skewd.sock"}) {
    sources.flag = target;
    EXPECT_TRUE(ResolveServer(sources).ok()) << target;
  }
  for (const char* target : {"127.example.com:1", "localhost.example:1", "0.0.0.0:1", "10.0.0.1:1"}) {
    sources.flag = target;
    EXPECT_FALSE(ResolveServer(sources).ok()) << target;
  }
}

TEST_F(ServerAddressTest, HalfAKeyPairIsRefused) {
  AddressSources sources = {.flag = "lab.example:7000", .env_server = "", .env_token = "", .config_path = ""};
  sources.tls.certificate = "ada.pem";
  EXPECT_TRUE(absl::IsInvalidArgument(ResolveServer(sources).status()));
  sources.tls.key = "ada.key";
  EXPECT_TRUE(absl::IsInvalidArgument(ResolveServer(sources).status())) << "without TLS";
  sources.tls.ca = "ca.pem";
  EXPECT_TRUE(ResolveServer(sources).ok());
}

TEST_F(ServerAddressTest, RefusesOtherForms) {
  for (const char* target : {"lab", "lab:", ":7433", "lab:0", "lab:70000", "lab:x", "unix:"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        ResolveServer({.flag = target, .env_server = "", .env_token = "", .config_path = ""}).status()))
        << target;
  }
}

TEST_F(ServerAddressTest, SaysWhatIsWrongWithTheFile) {
  const struct {
    const char* config;
    const char* error;
  } kCases[] = {
      {"[1", "broken YAML"},
      {"- a", "is not a map"},
      {"contexts: {}", "has no current-context"},
      {"current-context: a", "has no map 'contexts'"},
      {"current-context: a\ncontexts: {b: {server: 'x:1'}}", "has no context 'a'"},
      {"current-context: a\ncontexts: {a: {token: t}}", "context 'a' has no server"},
      {"current-context: a\ncontexts: {a: {server: [1]}}", "server is not text"},
  };
  for (const auto& one : kCases) {
    const absl::Status status = ResolveServer(With(one.config)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << one.config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(one.error));
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_.string()));
  }
}

}  // namespace
}  // namespace skew
