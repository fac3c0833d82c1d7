#include "client/fetch.h"

#include <filesystem>
#include <string>

#include "common/digest.h"
#include "common/file.h"
#include "tests/client/fake_server.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / ("skew-fetch-" + RandomHex(8) + test->name());
    std::filesystem::create_directory(folder_);
  }
  ~FetchTest() override { std::filesystem::remove_all(folder_); }

  // The first message of a stream of `content`, and one with `data` of it.
  static v1::ReadArtifactResponse Head(const std::string& content) {
    v1::ReadArtifactResponse response;
    response.mutable_artifact()->set_run_id("j1.1");
    response.mutable_artifact()->set_name("losses.csv");
    response.mutable_artifact()->set_digest(Sha256Hex(content));
    response.mutable_artifact()->set_size_bytes(static_cast<int64_t>(content.size()));
    return response;
  }
  static v1::ReadArtifactResponse Data(const std::string& data) {
    v1::ReadArtifactResponse response;
    response.set_data(data);
    return response;
  }

  absl::Status Fetch() {
    Client client(server_.ClientOptions());
    return FetchToFile(client, "j1.1", "losses.csv", path()).status();
  }

  std::string path() const { return (folder_ / "out.csv").string(); }
  bool HasPart() const { return std::filesystem::exists(path() + ".part"); }

  FakeServer server_;
  std::filesystem::path folder_;
};

TEST_F(FetchTest, WritesTheContent) {
  server_.read_artifact.Add({Head("abcdef"), Data("abc"), Data("def")});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(*ReadFile(path()), "abcdef");
  EXPECT_FALSE(HasPart());
}

TEST_F(FetchTest, WritesEmptyContent) {
  server_.read_artifact.Add({Head("")});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(*ReadFile(path()), "");
}

TEST_F(FetchTest, ResumesWhereItWasInterrupted) {
  server_.read_artifact.Add({Head("abcdef"), Data("abcd")}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  server_.read_artifact.Add({Head("abcdef"), Data("ef")});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(*ReadFile(path()), "abcdef");
  ASSERT_THAT(server_.read_artifact.requests(), SizeIs(2));
  EXPECT_THAT(server_.read_artifact.requests()[1], EqualsProto("run_id: 'j1.1' name: 'losses.csv' offset: 4"));
}

TEST_F(FetchTest, RefusesAnotherDigestAndKeepsTheOldFile) {
  ASSERT_TRUE(WriteFileAtomically(path(), "old").ok());
  server_.read_artifact.Add({Head("abcdef"), Data("abcdeX")});
  const absl::Status status = Fetch();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("losses.csv of j1.1: its SHA-256 is"));
  EXPECT_EQ(*ReadFile(path()), "old");
  EXPECT_FALSE(HasPart());
}

TEST_F(FetchTest, GoesIntoAFolderUnderItsOwnName) {
  EXPECT_EQ(*FetchPath("samples.png", ""), "samples.png");
  EXPECT_EQ(*FetchPath("samples.png", path()), path());
  const std::string folder = std::filesystem::path(path()).parent_path();
  EXPECT_EQ(*FetchPath("samples.png", folder), folder + "/samples.png");
  EXPECT_TRUE(absl::IsInvalidArgument(FetchPath("../escaped", folder).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(FetchPath("a/b", "").status()));
}

TEST_F(FetchTest, RefusesContentThatIsTooShort) {
  server_.read_artifact.Add({Head("abcdef"), Data("abc")});
  const absl::Status status = Fetch();
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 of 6 bytes came"));
  EXPECT_FALSE(HasPart());
}

TEST_F(FetchTest, RefusesContentThatChangesInBetween) {
  server_.read_artifact.Add({Head("abcdef"), Data("abc")}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  server_.read_artifact.Add({Head("abcxyz"), Data("xyz")});
  EXPECT_THAT(std::string(Fetch().message()), HasSubstr("changed while it was read"));
}

TEST_F(FetchTest, PassesOnThatThereIsNoSuchArtifact) {
  server_.read_artifact.Fail(grpc::StatusCode::NOT_FOUND, "no artifact losses.csv");
  EXPECT_TRUE(absl::IsNotFound(Fetch()));
  EXPECT_FALSE(HasPart());
}

TEST_F(FetchTest, SaysWhereItCannotWrite) {
  std::filesystem::create_directory(path() + ".part");
  EXPECT_THAT(std::string(Fetch().message()), HasSubstr("cannot write " + path() + ".part"));
  EXPECT_THAT(server_.read_artifact.requests(), SizeIs(0));
}

}  // namespace
}  // namespace skew
