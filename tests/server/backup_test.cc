#include "server/store/backup.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "common/digest.h"
#include "common/file.h"
#include "server/store/restore.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A store with a run under way, and another one with artifacts "abc" and "abcd".
class BackupTest : public ::testing::Test {
 protected:
  BackupTest() {
    run_ = RunId{store_.MustSubmit(TestStore::Study(1)), 1};
    open_ = store_.ClaimNext("token");
    EXPECT_TRUE(store_.runs().RecordProcess(open_->attempt, {1, 2, "boot"}).ok());
    AddArtifact("abc");
    AddArtifact("abcd");
    EXPECT_TRUE(backups_.Open().ok());
  }

  void AddArtifact(const std::string& content) {
    const std::string path = store_.folder() + "/file";
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", run_.job.number, ", 1, '", content, "', '', '",
                                    Sha256Hex(content), "', ", content.size(), ", 0)"));
  }

  absl::StatusOr<v1::BackUpResponse> BackUp(const std::string& name = "monday") {
    return backups_.BackUp(
        name, [] { return true; }, TestStore::Ada());
  }
  v1::BackUpResponse MustBackUp() {
    absl::StatusOr<v1::BackUpResponse> backup = BackUp();
    EXPECT_TRUE(backup.ok()) << backup.status();
    return backup.ok() ? *backup : v1::BackUpResponse();
  }

  std::vector<std::string> InFolder() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  StateDir OpenState() {
    absl::StatusOr<StateDir> state = StateDir::Open(store_.folder() + "/restored");
    EXPECT_TRUE(state.ok()) << state.status();
    return *std::move(state);
  }
  absl::StatusOr<Restored> RestoreBackup(const std::string& path) {
    return Restore(path, OpenState(), {"root", "login root"});
  }

  static std::string InBackup(const v1::BackUpResponse& backup, const std::string& content) {
    return absl::StrCat(backup.path(), "/", kBackedUpArtifacts, StoredName(Sha256Hex(content)));
  }

  TestStore store_;
  RealClock clock_;
  const std::string folder_ = store_.folder() + "/backups";
  DiskReserve reserve_{store_.folder(), 0};
  Backups backups_{&store_.connections(), &store_.artifacts(), &store_.removals(), &clock_, &reserve_, folder_};
  RunId run_;
  std::optional<Claim> open_;
};

TEST_F(BackupTest, HasEverythingAndSaysSo) {
  const v1::BackUpResponse backup = MustBackUp();
  EXPECT_EQ(backup.path(), folder_ + "/monday");
  EXPECT_EQ(backup.manifest().artifacts_size(), 2);
  EXPECT_EQ(backup.manifest().revision(), *store_.events().NewestRevision());
  EXPECT_EQ(*Sha256HexOfFile(backup.path() + "/skew.db"), backup.manifest().database().digest());
  for (const v1::BackedUpFile& file : backup.manifest().artifacts()) {
    EXPECT_EQ(*Sha256HexOfFile(absl::StrCat(backup.path(), "/", file.path())), file.digest());
  }
  EXPECT_THAT(ReadFile(backup.path() + "/manifest.json").value(), HasSubstr(backup.manifest().database().digest()));
  EXPECT_EQ(fs::status(backup.path()).permissions(), fs::perms::owner_all);
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE object = 'backup monday'"), 1);
}

TEST_F(BackupTest, ADamagedArtifactIsLeftOutNamedAndQuarantined) {
  std::ofstream(store_.artifacts().PathOf(Sha256Hex("abc")), std::ios::app) << "!";
  const v1::BackUpResponse backup = MustBackUp();
  EXPECT_THAT(backup.manifest().damaged(), ElementsAre(Sha256Hex("abc")));
  EXPECT_EQ(backup.manifest().artifacts_size(), 1);
  EXPECT_FALSE(fs::exists(InBackup(backup, "abc")));
  EXPECT_EQ(store_.artifacts().ListQuarantine()->contents_size(), 1);
}

TEST_F(BackupTest, NamesAreFolderNamesAndUsedOnce) {
  for (const char* name : {"../x", ".hidden", "a/b", "-x", "a b", "monday.part"}) {
    EXPECT_EQ(BackUp(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  MustBackUp();
  EXPECT_EQ(BackUp().status().code(), absl::StatusCode::kAlreadyExists);
  const absl::StatusOr<v1::BackUpResponse> unnamed = BackUp("");
  ASSERT_TRUE(unnamed.ok()) << unnamed.status();
  EXPECT_THAT(unnamed->name(), ::testing::MatchesRegex("[0-9]*T[0-9]*Z"));
}

TEST_F(BackupTest, OneThatIsCancelledOrInterruptedLeavesNothing) {
  EXPECT_EQ(backups_
                .BackUp(
                    "monday", [] { return false; }, TestStore::Ada())
                .status()
                .code(),
            absl::StatusCode::kCancelled);
  EXPECT_THAT(InFolder(), IsEmpty());
  fs::create_directories(folder_ + "/tuesday.part/artifacts");  // of a daemon that was killed
  std::ofstream(folder_ + "/tuesday.part/skew.db") << "half";
  fs::create_directories(folder_ + "/wednesday.part");  // of one that was killed sooner
  fs::create_directories(folder_ + "/mine.part/files");
  fs::create_directories(folder_ + "/mine");
  ASSERT_TRUE(backups_.Open().ok());
  EXPECT_THAT(InFolder(), ::testing::UnorderedElementsAre("mine", "mine.part"));
}

TEST_F(BackupTest, AFolderThatSomebodyElseMadeMeanwhileIsTheirs) {
  for (const bool empty : {true, false}) {
    const auto backup = backups_.BackUp(
        "monday",
        [&] {
          fs::create_directories(folder_ + "/monday");
          if (!empty) std::ofstream(folder_ + "/monday/mine") << "theirs";
          return true;
        },
        TestStore::Ada());
    EXPECT_EQ(backup.status().code(), absl::StatusCode::kAlreadyExists) << backup.status();
    EXPECT_EQ(fs::exists(folder_ + "/monday/mine"), !empty);
    EXPECT_FALSE(fs::exists(folder_ + "/monday/skew.db"));
    EXPECT_THAT(InFolder(), ElementsAre("monday"));
    fs::remove_all(folder_ + "/monday");
  }
  fs::create_directories(folder_ + "/monday.part/files");
  EXPECT_EQ(BackUp().status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(fs::exists(folder_ + "/monday.part/files"));
}

TEST_F(BackupTest, NothingIsRemovedWhileItIsMade) {
  const auto remove = [&] { return store_.removals().Remove([](WriteScope&) { return absl::OkStatus(); }); };
  int attempts = 0;
  const auto backup = backups_.BackUp(
      "monday",
      [&] {
        ++attempts;
        EXPECT_TRUE(absl::IsUnavailable(remove()));
        return true;
      },
      TestStore::Ada());
  EXPECT_TRUE(backup.ok()) << backup.status();
  EXPECT_EQ(attempts, 2);
  EXPECT_TRUE(remove().ok());
}

TEST_F(BackupTest, OneThatWouldFillTheDiskIsRefused) {
  const DiskReserve reserve(store_.folder(), std::numeric_limits<int64_t>::max());
  Backups backups(&store_.connections(), &store_.artifacts(), &store_.removals(), &clock_, &reserve, folder_);
  EXPECT_EQ(backups
                .BackUp(
                    "monday", [] { return true; }, TestStore::Ada())
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(InFolder(), IsEmpty());
}

TEST_F(BackupTest, RestoresWhatWasThereAndNothingLater) {
  const v1::BackUpResponse backup = MustBackUp();
  store_.MustSubmit(TestStore::Study(1));
  const absl::StatusOr<Restored> restored = RestoreBackup(backup.path());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_THAT(restored->damaged, IsEmpty());
  const StateDir state = OpenState();
  const auto connections = Connections::Open(state.Database());
  ASSERT_TRUE(connections.ok()) << connections.status();
  JobStore jobs(connections->get(), &clock_);
  EXPECT_EQ(jobs.Get(run_.job)->id(), run_.job.ToString());
  EXPECT_EQ(jobs.List({})->jobs_size(), 2);  // the study and the training of its judge
  ArtifactStore artifacts(connections->get(), &clock_, state.Artifacts(), state.Quarantine());
  EXPECT_TRUE(artifacts.Find(run_, "abc").ok());
  EXPECT_TRUE(artifacts.Find(run_, "abcd").ok());
  // The worker of then is not one of this store.
  RunStore runs(connections->get(), &clock_);
  const auto open = runs.OpenAttempts();
  ASSERT_EQ(open->size(), 1u);
  EXPECT_EQ(open->front().process.pid, 0);
  v1::ListAuditEventsRequest newest;
  newest.set_page_size(1);
  const auto events = AccessStore(connections->get(), &clock_).ListAuditEvents(newest);
  EXPECT_EQ(events->events(0).action(), "Restore");
  EXPECT_EQ(events->events(0).actor(), "root");
}

TEST_F(BackupTest, ADatabaseIsNeverOverwritten) {
  const v1::BackUpResponse backup = MustBackUp();
  ASSERT_TRUE(RestoreBackup(backup.path()).ok());
  const std::string before = ReadFile(OpenState().Database()).value();
  const absl::Status refused = RestoreBackup(backup.path()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("move this one away first"));
  EXPECT_EQ(ReadFile(OpenState().Database()).value(), before);
}

// The database was moved away after a daemon was killed, and its log was not: it would be written into the restored
// one.
TEST_F(BackupTest, WhatBelongsToAnotherDatabaseIsNotTakenForThisOnes) {
  const v1::BackUpResponse backup = MustBackUp();
  for (const char* beside : {"-wal", "-shm", "-journal"}) {
    const std::string file = OpenState().Database() + beside;
    std::ofstream(file) << "what was last written";
    const absl::Status refused = RestoreBackup(backup.path()).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << beside;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(file));
    EXPECT_EQ(ReadFile(file).value(), "what was last written");
    EXPECT_FALSE(fs::exists(OpenState().Database()));
    fs::remove(file);
  }
  EXPECT_TRUE(RestoreBackup(backup.path()).ok());
}

TEST_F(BackupTest, ARestoredDatabaseIsOneFile) {
  const v1::BackUpResponse backup = MustBackUp();
  std::ofstream(OpenState().RestoringDatabase() + "-journal") << "of a restore that was interrupted";
  ASSERT_TRUE(RestoreBackup(backup.path()).ok());
  for (const auto& entry : fs::directory_iterator(OpenState().root())) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(name == "skew.db" || !absl::StartsWith(name, "skew.db")) << name;
  }
}

// Their runs are not those of the restored store, even where they have the same ids.
TEST_F(BackupTest, CheckpointsOfTheStoreThatWasThereGo) {
  const v1::BackUpResponse backup = MustBackUp();
  const std::string work = OpenState().WorkDir(run_);
  fs::create_directories(work);
  std::ofstream(work + "/checkpoint-20.pt") << "of another past";
  std::ofstream(work + "/lock") << "";
  ASSERT_TRUE(RestoreBackup(backup.path()).ok());
  EXPECT_TRUE(fs::is_empty(OpenState().Work()));
}

TEST_F(BackupTest, NothingIsRestoredWhileAWorkerOfTheStoreThatWasThereGoesOn) {
  const v1::BackUpResponse backup = MustBackUp();
  const std::string lock = OpenState().WorkDir(run_) + "/lock";
  fs::create_directories(OpenState().WorkDir(run_));
  const int file = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(file, LOCK_EX), 0);
  const absl::Status refused = RestoreBackup(backup.path()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(lock));
  close(file);
  EXPECT_TRUE(RestoreBackup(backup.path()).ok());
}

TEST_F(BackupTest, ADamagedArtifactOfABackupIsLeftOutAndNamed) {
  const v1::BackUpResponse backup = MustBackUp();
  std::ofstream(InBackup(backup, "abc"), std::ios::app) << "!";
  fs::remove(InBackup(backup, "abcd"));
  const absl::StatusOr<Restored> restored = RestoreBackup(backup.path());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_THAT(restored->damaged, ::testing::UnorderedElementsAre(Sha256Hex("abc"), Sha256Hex("abcd")));
  EXPECT_FALSE(fs::exists(OpenState().Artifacts() + "/" + StoredName(Sha256Hex("abc"))));
}

TEST_F(BackupTest, WhatIsNoWholeBackupIsRefused) {
  const v1::BackUpResponse backup = MustBackUp();
  EXPECT_EQ(RestoreBackup(store_.folder()).status().code(), absl::StatusCode::kNotFound);
  const std::string manifest = ReadFile(backup.path() + "/manifest.json").value();
  const auto with_manifest = [&](const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(backup.path() + "/manifest.json", text).ok());
    return RestoreBackup(backup.path()).status();
  };
  EXPECT_EQ(with_manifest(manifest.substr(0, manifest.size() / 2)).code(), absl::StatusCode::kDataLoss);
  std::string outside = manifest;
  outside.replace(outside.find("artifacts/"), 10, "../../../x");
  EXPECT_EQ(with_manifest(outside).code(), absl::StatusCode::kDataLoss);
  std::string newer = manifest;
  const size_t version = newer.find("\"schemaVersion\": \"") + 18;
  newer.replace(version, newer.find('"', version) - version, "99");
  const absl::Status refused = with_manifest(newer);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("schema version 99"));
  EXPECT_FALSE(fs::exists(OpenState().Database()));
}

TEST_F(BackupTest, ARestoreThatFailedIsNoStoreUntilAnotherOneSucceeds) {
  const v1::BackUpResponse backup = MustBackUp();
  // In the way of an artifact.
  fs::create_directories(OpenState().Artifacts() + "/" + StoredName(Sha256Hex("abc")));
  EXPECT_FALSE(RestoreBackup(backup.path()).ok());
  const absl::Status refused = CheckNotRestoring(OpenState());
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("run it again"));
  fs::remove(OpenState().Artifacts() + "/" + StoredName(Sha256Hex("abc")));
  EXPECT_TRUE(RestoreBackup(backup.path()).ok());
  EXPECT_TRUE(CheckNotRestoring(OpenState()).ok());
}

TEST_F(BackupTest, ADamagedDatabaseIsNotRestored) {
  const v1::BackUpResponse backup = MustBackUp();
  std::ofstream(backup.path() + "/skew.db", std::ios::app) << "!";
  EXPECT_EQ(RestoreBackup(backup.path()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(fs::exists(OpenState().Database()));
  EXPECT_TRUE(CheckNotRestoring(OpenState()).ok());
}

}  // namespace
}  // namespace skew
