#include "server/store/removals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "server/store/state_dir.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RemovalsTest : public ::testing::Test {
 protected:
  void Import(const std::string& content) {
    const std::string path = store_.folder() + "/file";
    ASSERT_TRUE(WriteFileAtomically(path, content).ok());
    ASSERT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
  }
  void AddRow(const std::string& content, const std::string& name = "a") {
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", run_.job.number, ", 1, '", name, "', '', '",
                                    Sha256Hex(content), "', ", content.size(), ", 0)"));
  }
  bool IsThere(const std::string& content) { return fs::exists(store_.artifacts().PathOf(Sha256Hex(content))); }

  // Takes the row away and writes the content down, as a transaction does that removes an artifact.
  static absl::Status RemoveRow(WriteScope& scope, const std::string& content, const std::string& name = "a") {
    const absl::Status removed = scope.db.Execute(absl::StrCat("DELETE FROM artifacts WHERE name = '", name, "'"));
    return removed.ok() ? AddContentRemoval(scope, Sha256Hex(content)) : removed;
  }
  absl::Status Remove(const std::string& content, const std::string& name = "a") {
    return store_.removals().Remove([&](WriteScope& scope) { return RemoveRow(scope, content, name); });
  }
  // A run's work folder, with a checkpoint.
  std::string MakeWork(RunId run) {
    const std::string folder = absl::StrCat(store_.folder(), "/", StateDir::WorkName(run));
    fs::create_directories(folder);
    EXPECT_TRUE(WriteFileAtomically(folder + "/checkpoint-20.pt", "weights").ok());
    return folder;
  }
  // Starts the first run that may be, which then waits for its next attempt.
  RunId LoseAnAttempt() {
    const std::optional<Claim> claim = store_.ClaimNext("token");
    EXPECT_TRUE(claim.has_value());
    const auto end = store_.runs().EndAttempt(claim->attempt, [](const AttemptFacts&) {
      return AttemptEnd{v1::QUEUED, v1::WORKER_LOST, "lost"};
    });
    EXPECT_TRUE(end.ok()) << end.status();
    return claim->attempt.run;
  }

  int64_t Written() { return store_.MustRead("SELECT COUNT(*) FROM removals"); }

  TestStore store_;
  RealClock clock_;
  const RunId run_{store_.MustSubmit(TestStore::Study(1)), 1};
};

TEST_F(RemovalsTest, TheFileGoesWithItsRow) {
  Import("abc");
  AddRow("abc");
  ASSERT_TRUE(Remove("abc").ok());
  EXPECT_FALSE(IsThere("abc"));
  EXPECT_EQ(Written(), 0);
}

TEST_F(RemovalsTest, ContentThatAnotherArtifactHasIsKept) {
  Import("abc");
  AddRow("abc", "a");
  AddRow("abc", "b");
  ASSERT_TRUE(Remove("abc", "a").ok());
  EXPECT_TRUE(IsThere("abc"));
  ASSERT_TRUE(Remove("abc", "b").ok());
  EXPECT_FALSE(IsThere("abc"));
}

TEST_F(RemovalsTest, WorkThatFailsRemovesNothing) {
  Import("abc");
  AddRow("abc");
  const absl::Status failed = store_.removals().Remove([&](WriteScope& scope) {
    EXPECT_TRUE(RemoveRow(scope, "abc").ok());
    return absl::InternalError("no");
  });
  EXPECT_EQ(failed.code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(IsThere("abc"));
  EXPECT_TRUE(store_.artifacts().Find(run_, "a").ok());
}

// The daemon dies between the rows and the files: here, it cannot reach the files.
TEST_F(RemovalsTest, WhatWasInterruptedIsFinishedAtTheNextStart) {
  Import("abc");
  AddRow("abc");
  const std::string jammed = store_.folder() + "/jammed";
  fs::create_directory(jammed);
  fs::create_symlink("artifacts", jammed + "/artifacts");  // leads to itself
  Removals dying(&store_.connections(), &clock_, jammed);
  ASSERT_TRUE(dying.Remove([](WriteScope& scope) { return RemoveRow(scope, "abc"); }).ok());
  EXPECT_TRUE(IsThere("abc"));
  EXPECT_EQ(Written(), 1);
  EXPECT_FALSE(store_.artifacts().Find(run_, "a").ok());
  Removals next(&store_.connections(), &clock_, store_.folder());
  ASSERT_TRUE(next.Finish().ok());
  EXPECT_FALSE(IsThere("abc"));
  EXPECT_EQ(Written(), 0);
}

TEST_F(RemovalsTest, AFileThatIsInTheWayOfItsRemovalIsNotInTheWayOfOthers) {
  Import("abc");
  AddRow("abc");
  fs::create_symlink("a-loop", store_.folder() + "/a-loop");  // leads to itself; before artifacts/ in any order
  ASSERT_TRUE(store_.removals()
                  .Remove([](WriteScope& scope) {
                    const absl::Status added = AddRemoval(scope, "a-loop/file");
                    return added.ok() ? RemoveRow(scope, "abc") : added;
                  })
                  .ok());
  EXPECT_FALSE(IsThere("abc"));
  EXPECT_EQ(Written(), 1);
  const absl::Status left = store_.removals().Finish();
  EXPECT_THAT(std::string(left.message()), HasSubstr("1 of 1 are left"));
  EXPECT_THAT(std::string(left.message()), HasSubstr("a-loop/file"));
  fs::remove(store_.folder() + "/a-loop");
  EXPECT_TRUE(store_.removals().Finish().ok());
  EXPECT_EQ(Written(), 0);
}

TEST_F(RemovalsTest, ContentThatCameAgainBeforeThatIsKept) {
  Import("abc");
  AddRow("abc");
  ASSERT_TRUE(store_.connections().Write(absl::Now(), [](WriteScope& scope) { return RemoveRow(scope, "abc"); }).ok());
  AddRow("abc", "again");
  ASSERT_TRUE(store_.removals().Finish().ok());
  EXPECT_TRUE(IsThere("abc"));
  EXPECT_EQ(Written(), 0);
}

// Its next attempt would have used what is there.
TEST_F(RemovalsTest, TheWorkFolderOfARunThatEndsWhileItWaitsGoes) {
  const RunId run = LoseAnAttempt();
  const std::string work = MakeWork(run);
  ASSERT_TRUE(store_.removals().Finish().ok());
  EXPECT_TRUE(fs::exists(work));
  ASSERT_TRUE(store_.jobs().Cancel(run, TestStore::Ada()).ok());
  ASSERT_TRUE(store_.removals().Finish().ok());
  EXPECT_FALSE(fs::exists(work));
  EXPECT_EQ(Written(), 0);
}

TEST_F(RemovalsTest, ARunThatFailsForWhatItComesAfterLeavesNoWorkFolder) {
  NewJob study = TestStore::Study(1);
  study.after = {run_.job};
  const RunId after{store_.MustSubmit(study), 1};
  store_.MustExecute(absl::StrCat("UPDATE runs SET attempts = 1 WHERE job_id = ", after.job.number));
  const std::string work = MakeWork(after);
  ASSERT_TRUE(store_.jobs().Cancel(run_, TestStore::Ada()).ok());
  ASSERT_TRUE(store_.queue().SettleWaits().ok());
  EXPECT_EQ(store_.jobs().GetRun(after)->state(), v1::FAILED);
  ASSERT_TRUE(store_.removals().Finish().ok());
  EXPECT_FALSE(fs::exists(work));
}

TEST_F(RemovalsTest, TheWorkFolderOfARunThatGoesAgainStays) {
  const RunId run = LoseAnAttempt();
  const std::string work = MakeWork(run);
  ASSERT_TRUE(store_.jobs().Cancel(run, TestStore::Ada()).ok());
  ASSERT_TRUE(store_.queue().Retry(run, TestStore::Ada()).ok());
  EXPECT_EQ(Written(), 1);
  ASSERT_TRUE(store_.removals().Finish().ok());
  EXPECT_TRUE(fs::exists(work));
  EXPECT_EQ(Written(), 0);
}

// A daemon that was killed after it had written the end of a run did not come to its folder.
TEST_F(RemovalsTest, WorkFoldersOfRunsThatHaveEndedAreSwept) {
  const std::string waits = MakeWork(run_);
  const RunId other{store_.MustSubmit(TestStore::Study(1)), 1};
  const std::string ended = MakeWork(other);
  store_.MustExecute(absl::StrCat("UPDATE runs SET state = 6 WHERE job_id = ", other.job.number));
  const std::string gone = MakeWork(RunId{JobId{4711}, 1});
  const std::string no_run = store_.folder() + "/work/notes";
  fs::create_directory(no_run);
  ASSERT_TRUE(store_.removals().SweepWork().ok());
  EXPECT_TRUE(fs::exists(waits));
  EXPECT_FALSE(fs::exists(ended));
  EXPECT_FALSE(fs::exists(gone));
  EXPECT_TRUE(fs::exists(no_run));
}

TEST_F(RemovalsTest, WhatIsInQuarantineGoesToo) {
  Import("abc");
  AddRow("abc");
  ASSERT_TRUE(WriteFileAtomically(store_.artifacts().PathOf(Sha256Hex("abc")), "abd").ok());
  ASSERT_FALSE(store_.artifacts().Find(run_, "a").ok());
  const std::string aside = store_.artifacts().ListQuarantine()->contents(0).path();
  ASSERT_TRUE(fs::exists(aside));
  ASSERT_TRUE(Remove("abc").ok());
  EXPECT_FALSE(fs::exists(aside));
  EXPECT_EQ(store_.artifacts().ListQuarantine()->contents_size(), 0);
}

TEST_F(RemovalsTest, NothingIsRemovedWhileFilesAreHeldForLong) {
  Import("abc");
  AddRow("abc");
  {
    const Removals::Hold backup(&store_.removals(), Removals::Hold::For::kLong);
    const absl::Status refused = Remove("abc");
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(refused.message()), HasSubstr("backup"));
    EXPECT_TRUE(store_.artifacts().Find(run_, "a").ok());
  }
  EXPECT_TRUE(Remove("abc").ok());
  EXPECT_FALSE(IsThere("abc"));
}

// An import finds content that is there already while the last artifact that has it is removed.
TEST_F(RemovalsTest, AnImportThatHoldsFilesUntilItsRowIsThereLosesNone) {
  for (int i = 0; i < 50; ++i) {
    Import("abc");
    AddRow("abc", "old");
    std::thread remover([&] { EXPECT_TRUE(Remove("abc", "old").ok()); });
    {
      const Removals::Hold import(&store_.removals(), Removals::Hold::For::kMoment);
      Import("abc");
      AddRow("abc", "new");
    }
    remover.join();
    EXPECT_TRUE(store_.artifacts().Find(run_, "new").ok());
    ASSERT_TRUE(Remove("abc", "new").ok());
    ASSERT_FALSE(IsThere("abc"));
  }
}

}  // namespace
}  // namespace skew
