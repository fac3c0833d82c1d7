#include "client/contexts.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "common/digest.h"
#include "common/file.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class ContextsTest : public ::testing::Test {
 protected:
  ContextsTest() : folder_(std::filesystem::path(::testing::TempDir()) / ("skew-contexts-" + RandomHex(8))) {
    std::filesystem::create_directories(folder_);
  }
  ~ContextsTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<ServerAddress> Resolve() const {
    return ResolveServer({.flag = "", .env_server = "", .env_token = "", .config_path = path_});
  }

  const std::filesystem::path folder_;
  const std::string path_ = (folder_ / "home" / ".config" / "skew" / "config.yaml").string();
};

ServerAddress Lab() {
  ServerAddress address;
  address.target = "lab.example:7000";
  address.token = "secret";
  address.tls = {"/etc/ca.pem", "/home/ada/ada.pem", "/home/ada/ada.key"};
  return address;
}

TEST_F(ContextsTest, WhatIsSavedIsTheServerFromThenOn) {
  ASSERT_TRUE(SaveContext(path_, "lab", Lab()).ok());
  const auto address = Resolve();
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_EQ(address->target, "lab.example:7000");
  EXPECT_EQ(address->token, "secret");
  EXPECT_EQ(address->tls.ca, "/etc/ca.pem");
  EXPECT_EQ(address->tls.certificate, "/home/ada/ada.pem");
  EXPECT_EQ(address->tls.key, "/home/ada/ada.key");
}

TEST_F(ContextsTest, NobodyElseCanReadTheFile) {
  ASSERT_TRUE(SaveContext(path_, "lab", Lab()).ok());
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  ASSERT_TRUE(SaveContext(path_, "lab", Lab()).ok());
  struct stat file {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777u, 0600u);
  ASSERT_EQ(stat(std::filesystem::path(path_).parent_path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777u, 0700u);
}

TEST_F(ContextsTest, OtherContextsStay) {
  ServerAddress box;
  box.target = "unix:/run/skewd.sock";
  ASSERT_TRUE(SaveContext(path_, "lab", Lab()).ok());
  ASSERT_TRUE(SaveContext(path_, "box", box).ok());
  auto contexts = ListContexts(path_);
  ASSERT_TRUE(contexts.ok()) << contexts.status();
  ASSERT_EQ(contexts->size(), 2u);
  EXPECT_EQ((*contexts)[0].name, "box");
  EXPECT_TRUE((*contexts)[0].current);
  EXPECT_FALSE((*contexts)[0].has_token);
  EXPECT_EQ((*contexts)[1].server, "lab.example:7000");
  EXPECT_TRUE((*contexts)[1].has_token);
  ASSERT_TRUE(UseContext(path_, "lab").ok());
  EXPECT_EQ(Resolve()->token, "secret");
}

TEST_F(ContextsTest, RelativePathsAreStoredAsAbsoluteOnes) {
  ServerAddress lab = Lab();
  lab.tls.ca = "certs/../ca.pem";
  ASSERT_TRUE(SaveContext(path_, "lab", lab).ok());
  EXPECT_EQ(Resolve()->tls.ca, (std::filesystem::current_path() / "ca.pem").string());
}

TEST_F(ContextsTest, AnUnknownContextIsNotFound) {
  ASSERT_TRUE(SaveContext(path_, "lab", Lab()).ok());
  const absl::Status status = UseContext(path_, "home");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("known: lab"));
}

TEST_F(ContextsTest, ABrokenFileIsLeftAlone) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ofstream(path_) << "contexts: [";
  EXPECT_TRUE(absl::IsInvalidArgument(SaveContext(path_, "lab", Lab())));
  EXPECT_EQ(*ReadFile(path_), "contexts: [");
  std::ofstream(path_) << "contexts: [1]";
  EXPECT_TRUE(absl::IsInvalidArgument(SaveContext(path_, "lab", Lab())));
  EXPECT_TRUE(absl::IsInvalidArgument(ListContexts(path_).status()));
}

TEST_F(ContextsTest, WithoutAFileThereIsNone) { EXPECT_TRUE(ListContexts(path_)->empty()); }

}  // namespace
}  // namespace skew
