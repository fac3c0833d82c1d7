#include "server/store/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/digest.h"
#include "common/file.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArtifactStoreTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& content) {
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/file", content).ok());
    return folder_ + "/file";
  }

  absl::Status Import(const std::string& content) {
    return artifacts_.Import(Write(content), Sha256Hex(content), static_cast<int64_t>(content.size()));
  }

  // A run of a new study whose artifact "a" has this content.
  RunId RunWith(const std::string& content) {
    const RunId run{store_.MustSubmit(TestStore::Study(1)), 1};
    EXPECT_TRUE(Import(content).ok());
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", run.job.number, ", 1, 'a', '', '",
                                    Sha256Hex(content), "', ", content.size(), ", 0)"));
    return run;
  }

  void Damage(const std::string& content) { std::ofstream(PathOf(content), std::ios::app) << "!"; }
  std::string PathOf(const std::string& content) { return artifacts_.PathOf(Sha256Hex(content)); }

  absl::StatusOr<v1::CheckArtifactsResponse> CheckAll() {
    return artifacts_.CheckAll([] { return true; }, TestStore::Ada());
  }

  TestStore store_;
  const std::string& folder_ = store_.folder();
  ArtifactStore& artifacts_ = store_.artifacts();
};

TEST_F(ArtifactStoreTest, MovesTheFileToItsDigest) {
  const std::string path = Write("abc");
  ASSERT_TRUE(artifacts_.Import(path, Sha256Hex("abc"), 3).ok());
  EXPECT_EQ(ReadFile(PathOf("abc")).value(), "abc");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ArtifactStoreTest, ImportingTwiceIsTheSameAsOnce) {
  ASSERT_TRUE(Import("abc").ok());
  EXPECT_TRUE(Import("abc").ok());
}

TEST_F(ArtifactStoreTest, RefusesOtherContent) {
  EXPECT_EQ(artifacts_.Import(Write("abd"), Sha256Hex("abc"), 3).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(artifacts_.Import(Write("abc"), Sha256Hex("abc"), 4).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(artifacts_.Import(folder_ + "/missing", Sha256Hex("x"), 1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(artifacts_.Import(Write("abc"), "../../etc/passwd", 3).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ArtifactStoreTest, DamagedContentIsPutAsideNamedAndNotGivenOut) {
  const RunId run = RunWith("abc");
  ASSERT_TRUE(artifacts_.Find(run, "a").ok());
  Damage("abc");
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = artifacts_.Find(run, "a").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                testing::AllOf(HasSubstr("artifact a of run " + run.ToString()), HasSubstr("admin check")));
  }
  EXPECT_FALSE(std::filesystem::exists(PathOf("abc")));
  EXPECT_THAT(artifacts_.List(run)->at(0).problem(), HasSubstr("instead of " + Sha256Hex("abc")));
  const auto quarantine = artifacts_.ListQuarantine();
  ASSERT_EQ(quarantine->contents_size(), 1);
  EXPECT_THAT(quarantine->contents(0).artifacts(), ElementsAre(run.ToString() + "/a"));
  EXPECT_EQ(ReadFile(quarantine->contents(0).path()).value(), "abc!");
}

TEST_F(ArtifactStoreTest, MissingContentIsNamedToo) {
  const RunId run = RunWith("abc");
  std::filesystem::remove(PathOf("abc"));
  EXPECT_EQ(artifacts_.Find(run, "a").status().code(), absl::StatusCode::kDataLoss);
  const auto quarantine = artifacts_.ListQuarantine();
  ASSERT_EQ(quarantine->contents_size(), 1);
  EXPECT_EQ(quarantine->contents(0).problem(), "its file is missing");
  EXPECT_EQ(quarantine->contents(0).path(), "");
}

// A crash after the row was written and before the file was moved.
TEST_F(ArtifactStoreTest, WhatIsNotedIsNotGivenOutEvenWhenItsFileIsStillThere) {
  const RunId run = RunWith("abc");
  Damage("abc");
  store_.MustExecute("INSERT INTO quarantine VALUES ('" + Sha256Hex("abc") + "', 'noted', 0)");
  EXPECT_EQ(artifacts_.Find(run, "a").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(std::filesystem::exists(PathOf("abc")));
  EXPECT_EQ(CheckAll()->quarantined(), 1);
  EXPECT_FALSE(std::filesystem::exists(PathOf("abc")));
}

TEST_F(ArtifactStoreTest, TheSameContentComesOutOfQuarantine) {
  const RunId run = RunWith("abc");
  Damage("abc");
  ASSERT_FALSE(artifacts_.Find(run, "a").ok());
  ASSERT_TRUE(Import("abc").ok());
  EXPECT_TRUE(artifacts_.Find(run, "a").ok());
  EXPECT_EQ(artifacts_.ListQuarantine()->contents_size(), 0);
}

TEST_F(ArtifactStoreTest, DamageThatNobodyHasSeenDoesNotStopTheSameContent) {
  const RunId run = RunWith("abc");
  Damage("abc");
  ASSERT_TRUE(Import("abc").ok());
  EXPECT_TRUE(artifacts_.Find(run, "a").ok());
}

TEST_F(ArtifactStoreTest, CheckingFindsDamageAndHealing) {
  const RunId whole = RunWith("abc");
  RunWith("abcd");
  RunWith("abcde");
  Damage("abcd");
  std::filesystem::remove(PathOf("abcde"));
  absl::StatusOr<v1::CheckArtifactsResponse> check = CheckAll();
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_EQ(check->checked(), 3);
  EXPECT_EQ(check->checked_bytes(), 12);
  EXPECT_EQ(check->damaged_size(), 2);
  EXPECT_EQ(check->quarantined(), 2);
  EXPECT_TRUE(artifacts_.Find(whole, "a").ok());
  std::ofstream(PathOf("abcd")) << "abcd";  // as from a backup
  check = CheckAll();
  EXPECT_THAT(check->healed(), ElementsAre(Sha256Hex("abcd")));
  EXPECT_EQ(check->damaged_size(), 0);
  EXPECT_EQ(check->quarantined(), 1);
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'CheckArtifacts'"), 2);
}

// A removal takes the row first, then the file: who still knew of the row finds no damage.
TEST_F(ArtifactStoreTest, WhatNoArtifactHasAnyMoreIsNotDamaged) {
  RunWith("abc");
  store_.MustExecute("DELETE FROM artifacts");
  std::filesystem::remove(PathOf("abc"));
  EXPECT_EQ(artifacts_.Inspect({Sha256Hex("abc"), 3}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(artifacts_.ListQuarantine()->contents_size(), 0);
}

// Should the content that is there be removed before the row is, it is imported again.
TEST_F(ArtifactStoreTest, TheFileStaysWhenItsContentIsThereAlready) {
  RunWith("abc");
  const std::string path = Write("abc");
  ASSERT_TRUE(artifacts_.Import(path, Sha256Hex("abc"), 3).ok());
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(ArtifactStoreTest, CheckingEndsWhenItIsToldTo) {
  RunWith("abc");
  EXPECT_EQ(artifacts_.CheckAll([] { return false; }, TestStore::Ada()).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace skew
