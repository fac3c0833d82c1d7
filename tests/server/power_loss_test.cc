// The power fails at every point where something is synced to disk, and what was not synced is lost, kept or torn: what
// is left is opened with the store's own code and holds everything that was acknowledged, and nothing by halves.
//
// SKEW_POWER_LOSS_TEARS is how many ways of tearing are tried at every point (default 1), SKEW_POWER_LOSS_SEED the
// first seed of them (default 1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"
#include "server/store/schema.h"
#include "tests/testing/disk_replay.h"
#include "tests/testing/opened_store.h"
#include "tests/testing/store_workload.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_store.h"
#include "tests/testing/watched_disk.h"

namespace skew {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

namespace fs = std::filesystem;

int Setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

bool IsOfDatabase(const std::string& path) { return absl::StrContains(path, "skew.db"); }

// What happened to a disk, and what had been promised when so many operations had been done.
struct Recording {
  std::vector<DiskOp> ops;
  std::vector<std::pair<size_t, Promise>> promises;
};

// Finds what a loss of power leaves wrong.
class Blackout {
 public:
  // What is wrong with the folder after a loss at this operation.
  using Check = std::function<std::vector<std::string>(const std::string& folder, size_t op)>;

  explicit Blackout(Check check) : check_(std::move(check)) {}

  struct Options {
    DiskReplay::IgnoredSync ignored_sync;
    bool at_every_op = false;  // not only where the database is synced
    size_t enough = 10;        // findings
  };

  // Loses the power before every sync, and before every operation on another file than the database.
  std::vector<std::string> Survey(const std::vector<DiskOp>& ops, DiskReplay replay, const Options& options) {
    findings_.clear();
    for (size_t i = 0; i <= ops.size() && findings_.size() < options.enough; ++i) {
      const bool last = i == ops.size();
      if (last || options.at_every_op || ops[i].IsSync() || !IsOfDatabase(ops[i].path)) LoseAt(i, replay);
      if (!last) replay.Play(ops[i]);
    }
    return findings_;
  }

  int losses() const { return losses_; }

 private:
  void LoseAt(size_t op, const DiskReplay& replay) {
    std::mt19937_64 none;
    TryLoss(op, replay, DiskReplay::Loss::kAll, none, "all that was not synced is lost");
    TryLoss(op, replay, DiskReplay::Loss::kNone, none, "nothing is lost");
    for (int tear = 0; tear < tears_; ++tear) {
      const uint64_t seed = (static_cast<uint64_t>(seed_ + tear) << 32) + op;
      std::mt19937_64 random(seed);
      TryLoss(op, replay, DiskReplay::Loss::kTorn, random, absl::StrCat("torn with seed ", seed_ + tear));
    }
  }

  void TryLoss(size_t op, const DiskReplay& replay, DiskReplay::Loss loss, std::mt19937_64& random,
               const std::string& how) {
    ++losses_;
    replay.LosePower(loss, random, folder_.path() + "/disk");
    for (const std::string& problem : check_(folder_.path() + "/disk", op)) {
      findings_.push_back(absl::StrCat("before operation ", op, ", ", how, ": ", problem));
    }
  }

  const Check check_;
  const int tears_ = Setting("SKEW_POWER_LOSS_TEARS", 1);
  const int seed_ = Setting("SKEW_POWER_LOSS_SEED", 1);
  const TempFolder folder_;
  std::vector<std::string> findings_;
  int losses_ = 0;
};

Recording RecordWorkload() {
  const TempFolder folder;
  WatchedDisk disk(fs::canonical(folder.path()).string());
  Recording recording;
  absl::Mutex mutex;
  StoreWorkload workload(fs::canonical(folder.path()).string() + "/parent/state", [&](Promise promise) {
    absl::MutexLock lock(&mutex);
    recording.promises.emplace_back(disk.size(), std::move(promise));
  });
  const absl::Status status = workload.Run();
  EXPECT_TRUE(status.ok()) << status;
  recording.ops = disk.ops();
  return recording;
}

// The store in `folder` after a loss at `op`.
std::vector<std::string> CheckStore(const Recording& recording, const std::string& folder, size_t op) {
  const auto store = OpenedStore::Open(folder + "/parent/state");
  if (!store.ok()) return {absl::StrCat("it does not open: ", store.status().ToString())};
  std::vector<std::string> problems = ProblemsOf(**store);
  for (const auto& [given, promise] : recording.promises) {
    if (given > op) continue;
    const absl::Status kept = promise.check(**store);
    if (!kept.ok()) problems.push_back(absl::StrCat(promise.what, ": ", kept.ToString()));
  }
  const absl::Status goes_on =
      (*store)->jobs.Submit(TestStore::Study(1, "eve"), {TestStore::Training()}, TestStore::Ada()).status();
  if (!goes_on.ok()) problems.push_back(absl::StrCat("it does not go on: ", goes_on.ToString()));
  return problems;
}

class PowerLossTest : public ::testing::Test {
 protected:
  std::vector<std::string> Survey(const Blackout::Options& options) {
    Blackout blackout([this](const std::string& folder, size_t op) { return CheckStore(recording_, folder, op); });
    std::vector<std::string> findings = blackout.Survey(recording_.ops, DiskReplay(options.ignored_sync), options);
    RecordProperty("operations", static_cast<int>(recording_.ops.size()));
    RecordProperty("losses", blackout.losses());
    return findings;
  }

  // What is found when some syncs do not happen.
  std::vector<std::string> SurveyWithout(DiskReplay::IgnoredSync ignored) {
    Blackout::Options options;
    options.ignored_sync = std::move(ignored);
    options.enough = 1;
    return Survey(options);
  }

  const CheapSyncs cheap_;
  const Recording recording_ = RecordWorkload();
};

TEST_F(PowerLossTest, EverythingAcknowledgedIsThereAndNothingByHalves) {
  EXPECT_GT(recording_.promises.size(), 60u);
  EXPECT_THAT(Survey({}), IsEmpty());
}

// That these find something shows that the test above could.
TEST_F(PowerLossTest, WithoutSyncsOfTheDatabaseLossesAreSeen) {
  EXPECT_THAT(SurveyWithout([](const DiskOp& op) { return IsOfDatabase(op.path); }), Not(IsEmpty()));
}

TEST_F(PowerLossTest, WithoutSyncsOfArtifactsLossesAreSeen) {
  EXPECT_THAT(SurveyWithout([](const DiskOp& op) {
                return op.kind == DiskOp::Kind::kSyncFile && absl::StrContains(op.path, "/work/");
              }),
              Not(IsEmpty()));
}

TEST_F(PowerLossTest, WithoutSyncsOfFoldersOfArtifactsLossesAreSeen) {
  for (const char* folder : {"/artifacts", "/artifacts/"}) {
    EXPECT_THAT(SurveyWithout([&](const DiskOp& op) {
                  const bool itself = absl::EndsWith(op.path, "/artifacts");
                  return op.kind == DiskOp::Kind::kSyncFolder && absl::StrContains(op.path, "/artifacts") &&
                         itself == (std::string(folder) == "/artifacts");
                }),
                Not(IsEmpty()))
        << folder;
  }
}

TEST_F(PowerLossTest, WithoutSyncsOfTheStateDirectoryLossesAreSeen) {
  for (const char* name : {"", "parent"}) {
    EXPECT_THAT(
        SurveyWithout([&](const DiskOp& op) { return op.kind == DiskOp::Kind::kSyncFolder && op.path == name; }),
        Not(IsEmpty()))
        << name;
  }
}

// Content whose file was put in place by a daemon that died before it had synced the folders.
TEST(PowerLossAfterACrashTest, AFileThatIsThereAlreadyIsSyncedBeforeARowNamesIt) {
  const CheapSyncs cheap;
  const TempFolder folder;
  const std::string root = fs::canonical(folder.path()).string();
  const std::string content = "left by a daemon that died";
  const StoredContent stored{Sha256Hex(content), static_cast<int64_t>(content.size())};
  const auto store = OpenedStore::Open(root + "/state");
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string file = (*store)->state.WorkDir({JobId{1}, 1});
  DiskReplay replay;
  replay.AddFrom(root);
  WatchedDisk disk(root);
  ASSERT_TRUE(WriteFileAtomically(file, content).ok());
  const std::string place = (*store)->artifacts.PathOf(stored.digest);
  fs::create_directories(fs::path(place).parent_path());
  fs::rename(file, place);
  ASSERT_TRUE((*store)->artifacts.Import(file, stored.digest, stored.size_bytes).ok());
  for (const DiskOp& op : disk.ops()) replay.Play(op);
  const TempFolder left;
  std::mt19937_64 random;
  replay.LosePower(DiskReplay::Loss::kAll, random, left.path() + "/disk");
  const absl::Status whole =
      CheckContent(absl::StrCat(left.path(), "/disk/state/artifacts/", StoredName(stored.digest)), stored);
  EXPECT_TRUE(whole.ok()) << whole;
}

// A database of schema 1 with one job.
void MakeOldDatabase(const std::string& path) {
  const auto db = Database::Open(path, Database::Mode::kReadWriteCreate, absl::Seconds(1));
  ASSERT_TRUE(db.ok()) << db.status();
  ASSERT_TRUE(Migrate(**db, path, 1).ok());
  const absl::Status filled = (*db)->Execute(
      "INSERT INTO jobs (kind, owner, request_digest, spec, dataset_digest, classifier_key, create_time) "
      "VALUES (1, 'ada', '', x'', '', '', 1); "
      "INSERT INTO runs (job_id, number, model_index, model, bias_point, iteration, seed, state) "
      "VALUES (1, 1, 0, 'vae', x'', 0, 0, 5)");
  ASSERT_TRUE(filled.ok()) << filled;
}

absl::Status CheckJobIn(Database& db) {
  SKEW_RETURN_IF_ERROR(db.CheckIntegrity());
  Statement row = db.Prepare("SELECT COUNT(*) FROM jobs JOIN runs ON job_id = id WHERE owner = 'ada'");
  const bool there = row.Step() && row.Int(0) == 1;
  SKEW_RETURN_IF_ERROR(row.status());
  return there ? absl::OkStatus() : absl::DataLossError("the job is gone");
}

// After a loss while the database was migrated: it can be migrated, and from the moment it is changed there is a copy.
absl::Status CheckMigration(const std::string& path) {
  {
    SKEW_ASSIGN_OR_RETURN(const auto db, Database::Open(path, Database::Mode::kReadWriteCreate, absl::Seconds(1)));
    SKEW_ASSIGN_OR_RETURN(const int64_t version, SchemaVersion(*db));
    if (version > 1) {
      SKEW_ASSIGN_OR_RETURN(const auto backup,
                            Database::Open(path + ".v1.backup", Database::Mode::kReadOnly, absl::Seconds(1)));
      SKEW_RETURN_IF_ERROR(Annotate(CheckJobIn(*backup), "the copy"));
    }
  }
  SKEW_ASSIGN_OR_RETURN(const auto connections, Connections::Open(path));
  return connections->Read([](Database& db) { return CheckJobIn(db); });
}

class MigrationPowerLossTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Check(const std::string& folder, size_t /*op*/) {
    const absl::Status status = CheckMigration(folder + "/skew.db");
    if (status.ok()) return {};
    return {status.ToString()};
  }

  DiskReplay BeforeWithout(DiskReplay::IgnoredSync ignored) const {
    DiskReplay replay(std::move(ignored));
    replay.AddFrom(before_.path());
    return replay;
  }

  MigrationPowerLossTest() {
    MakeOldDatabase(folder_.path() + "/skew.db");
    std::filesystem::copy(folder_.path(), before_.path(), fs::copy_options::recursive);
    WatchedDisk disk(fs::canonical(folder_.path()).string());
    EXPECT_TRUE(Connections::Open(fs::canonical(folder_.path()).string() + "/skew.db").ok());
    ops_ = disk.ops();
  }

  const CheapSyncs cheap_;
  const TempFolder folder_;
  const TempFolder before_;
  std::vector<DiskOp> ops_;
};

TEST_F(MigrationPowerLossTest, TheDatabaseIsWholeAndACopyIsThereBeforeItIsChanged) {
  Blackout blackout(&Check);
  EXPECT_THAT(blackout.Survey(ops_, BeforeWithout(nullptr), {.ignored_sync = nullptr, .at_every_op = true}), IsEmpty());
  EXPECT_GT(blackout.losses(), 100);
}

TEST_F(MigrationPowerLossTest, WithoutSyncsOfTheCopyItsLossIsSeen) {
  Blackout blackout(&Check);
  const DiskReplay before = BeforeWithout([](const DiskOp& op) { return absl::StrContains(op.path, ".backup"); });
  EXPECT_THAT(blackout.Survey(ops_, before, {.ignored_sync = nullptr, .at_every_op = true, .enough = 1}),
              Not(IsEmpty()));
}

}  // namespace
}  // namespace skew
