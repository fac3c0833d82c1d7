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
  lab: {server: "lab.example:7000", token: lab-token}
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
