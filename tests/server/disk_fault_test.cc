// A disk that is full, fails or turns read-only in the middle of the day: whoever asked is told so and asks again, and
// in the end everything is as if nothing had happened.
//
// SKEW_DISK_FAULTS is at how many operations of the day, spread over it, each kind of fault begins (default 25).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/restore.h"
#include "server/store/sqlite.h"
#include "tests/testing/opened_store.h"
#include "tests/testing/store_workload.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_store.h"
#include "tests/testing/watched_disk.h"

namespace skew {
namespace {

using ::testing::IsEmpty;

namespace fs = std::filesystem;

size_t FaultsPerKind() {
  const char* text = std::getenv("SKEW_DISK_FAULTS");
  int count = 0;
  return text != nullptr && absl::SimpleAtoi(text, &count) ? static_cast<size_t>(count) : 25;
}

bool Grows(const DiskOp& op) {
  return op.kind == DiskOp::Kind::kMakeFolder || op.kind == DiskOp::Kind::kCreate || op.kind == DiskOp::Kind::kWrite;
}

bool OpensAFile(const DiskOp& op) { return op.kind == DiskOp::Kind::kOpen || op.kind == DiskOp::Kind::kCreate; }

bool Changes(const DiskOp& op) { return op.kind != DiskOp::Kind::kOpen && !op.IsSync(); }

bool Always(const DiskOp&) { return true; }

struct FaultKind {
  const char* name;
  bool (*concerns)(const DiskOp&);
  int error;
  absl::StatusCode code;
  size_t errors;  // so many have to be reported until it stops
};

const FaultKind kKinds[] = {
    {"one operation finds no room", Grows, ENOSPC, absl::StatusCode::kResourceExhausted, 0},
    {"the disk is full for a while", Grows, ENOSPC, absl::StatusCode::kResourceExhausted, 3},
    {"one operation fails", Always, EIO, absl::StatusCode::kUnavailable, 0},
    {"the disk fails for a while", Always, EIO, absl::StatusCode::kUnavailable, 3},
    {"the disk is read-only for a while", Changes, EROFS, absl::StatusCode::kUnavailable, 3},
    {"no descriptors are left for a while", OpensAFile, EMFILE, absl::StatusCode::kUnavailable, 3},
};

// What came of it all, without what depends on the order of submissions made at once.
std::string PictureOf(OpenedStore& store) {
  std::vector<std::string> lines;
  const absl::Status status = store.connections->Read([&](Database& db) {
    Statement row = db.Prepare(
        "SELECT IFNULL(j.request_id, 'training') || ' ' || owner || ' ' || r.number || ' is ' || r.state || "
        "' after ' || r.attempts || ' attempts with ' || "
        "(SELECT COUNT(*) FROM histograms h WHERE h.job_id = j.id AND h.run_number = r.number) || ' histograms and ' "
        "|| "
        "IFNULL((SELECT GROUP_CONCAT(name || ':' || digest) FROM artifacts a "
        "        WHERE a.job_id = j.id AND a.run_number = r.number), 'nothing') "
        "FROM jobs j JOIN runs r ON r.job_id = j.id ORDER BY 1");
    while (row.Step()) lines.push_back(row.Text(0));
    return row.status();
  });
  EXPECT_TRUE(status.ok()) << status;
  return absl::StrJoin(lines, "\n");
}

// Files that nobody knows of.
std::vector<std::string> StraysIn(const std::string& root) {
  std::vector<std::string> strays;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = fs::relative(entry.path(), root).string();
    if (absl::StrContains(path, ".tmp") || absl::StrContains(path, ".part")) strays.push_back(path);
    if (absl::StartsWith(path, "work/")) strays.push_back(path);
  }
  return strays;
}

// One day on a disk of its own.
class Day {
 public:
  explicit Day(WatchedDisk::Fault fault = nullptr) : disk_(fs::canonical(folder_.path()).string()) {
    disk_.SetFault(std::move(fault));
  }

  void Run(const StoreWorkload::OnError& on_error) {
    absl::Mutex mutex;
    std::vector<Promise> promises;
    StoreWorkload workload(
        root_,
        [&](Promise promise) {
          absl::MutexLock lock(&mutex);
          promises.push_back(std::move(promise));
        },
        on_error);
    const absl::Status status = workload.Run();
    EXPECT_TRUE(status.ok()) << status;
    disk_.SetFault(nullptr);
    const auto store = OpenedStore::Open(root_);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_THAT(ProblemsOf(**store), IsEmpty());
    for (const Promise& promise : promises) {
      const absl::Status kept = promise.check(**store);
      EXPECT_TRUE(kept.ok()) << promise.what << ": " << kept;
    }
    picture_ = PictureOf(**store);
    EXPECT_THAT(StraysIn(root_), IsEmpty());
  }

  const std::string& picture() const { return picture_; }

 private:
  const TempFolder folder_;
  const std::string root_ = fs::canonical(folder_.path()).string() + "/state";
  WatchedDisk disk_;
  std::string picture_;
};

// Lets a fault begin at one operation of a day, and end.
class Trouble {
 public:
  Trouble(const FaultKind& kind, size_t begin) : kind_(kind), begin_(begin), left_(kind.errors) {}

  int FaultOf(const DiskOp& op) {
    absl::MutexLock lock(&mutex_);
    ++operations_;
    if (over_ || operations_ <= begin_ || !kind_.concerns(op)) return 0;
    if (kind_.errors == 0) over_ = true;
    return kind_.error;
  }

  bool OnError(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    ++errors_;
    if (status.code() != kind_.code) unexpected_.push_back(status.ToString());
    if (left_ > 0) --left_;
    over_ = over_ || left_ == 0;
    return errors_ < 100;
  }

  size_t errors() const { return errors_; }
  const std::vector<std::string>& unexpected() const { return unexpected_; }

 private:
  const FaultKind kind_;
  const size_t begin_;
  absl::Mutex mutex_;
  size_t operations_ = 0;
  size_t left_;
  size_t errors_ = 0;
  bool over_ = false;
  std::vector<std::string> unexpected_;
};

absl::Status OpenAndWrite(const std::string& path) {
  const auto db = Database::Open(path, Database::Mode::kReadWriteCreate, absl::ZeroDuration());
  return db.ok() ? (*db)->Execute("CREATE TABLE numbers (number INTEGER)") : db.status();
}

// Any file of a database: a disk that has no room for it says so, not that there is no such file.
TEST(FullDiskTest, IsTheReasonWhyAFileCannotBeCreated) {
  for (const absl::string_view name : {"new.db", "new.db-journal", "new.db-wal"}) {
    SCOPED_TRACE(name);
    const TempFolder folder;
    const std::string root = fs::canonical(folder.path()).string();
    WatchedDisk disk(root);
    disk.SetFault([&](const DiskOp& op) { return op.kind == DiskOp::Kind::kCreate && op.path == name ? ENOSPC : 0; });
    const absl::Status refused = OpenAndWrite(root + "/new.db");
    EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
    disk.SetFault(nullptr);
    const absl::Status missing =
        Database::Open(root + "/missing.db", Database::Mode::kReadOnly, absl::ZeroDuration()).status();
    EXPECT_TRUE(absl::IsUnavailable(missing)) << missing;
    const absl::Status written = OpenAndWrite(root + "/new.db");
    EXPECT_TRUE(written.ok()) << written;
  }
}

// Whatever fails in the middle, a restore that says it is done has put everything into the one file that is renamed.
TEST(RestoreFaultTest, OneThatSucceededHasAllItWrote) {
  const CheapSyncs cheap;
  const TempFolder folder;
  const std::string root = fs::canonical(folder.path()).string();
  std::string backup;
  {
    const auto store = OpenedStore::Open(root + "/first");
    ASSERT_TRUE(store.ok()) << store.status();
    const auto made = (*store)->backups.BackUp(
        "monday", [] { return true; }, TestStore::Ada());
    ASSERT_TRUE(made.ok()) << made.status();
    backup = made->path();
  }
  WatchedDisk disk(root);
  int refused = 0;
  bool failed = true;
  for (int point = 0; failed; ++point) {
    SCOPED_TRACE(absl::StrCat("operation ", point));
    const std::string to = absl::StrCat(root, "/to", point);
    int operations = 0;
    failed = false;
    const absl::StatusOr<StateDir> state = StateDir::Open(to);
    ASSERT_TRUE(state.ok()) << state.status();
    disk.SetFault([&](const DiskOp& op) {
      if (!absl::StrContains(op.path, "skew.db.restoring") || operations++ != point) return 0;
      failed = true;
      return EIO;
    });
    const auto restored = Restore(backup, *state, {"root", "login root"});
    disk.SetFault(nullptr);
    if (!restored.ok()) {
      ++refused;
      continue;
    }
    const auto db = Database::Open(state->Database(), Database::Mode::kReadOnly, absl::ZeroDuration());
    ASSERT_TRUE(db.ok()) << db.status();
    Statement row = (*db)->Prepare("SELECT COUNT(*) FROM audit_events WHERE action = 'Restore'");
    EXPECT_TRUE(row.Step()) << row.status();
    EXPECT_EQ(row.Int(0), 1);
  }
  EXPECT_GT(refused, 10);
}

class DiskFaultTest : public ::testing::TestWithParam<FaultKind> {};

TEST_P(DiskFaultTest, EverybodyIsToldAndTheDayEndsAsWithout) {
  const CheapSyncs cheap;
  size_t operations = 0;
  std::string undisturbed;
  {
    Day day([&operations](const DiskOp&) {
      ++operations;
      return 0;
    });
    day.Run(nullptr);
    undisturbed = day.picture();
  }
  ASSERT_GT(operations, 500u);
  size_t errors = 0;
  const size_t points = FaultsPerKind();
  for (size_t point = 0; point < points; ++point) {
    const size_t begin = operations * point / points + point;
    SCOPED_TRACE(absl::StrCat(GetParam().name, " from operation ", begin, " on"));
    Trouble trouble(GetParam(), begin);
    Day day([&trouble](const DiskOp& op) { return trouble.FaultOf(op); });
    day.Run([&trouble](const absl::Status& status) { return trouble.OnError(status); });
    EXPECT_EQ(day.picture(), undisturbed);
    EXPECT_THAT(trouble.unexpected(), IsEmpty());
    errors += trouble.errors();
  }
  EXPECT_GT(errors, points / 2) << "the faults were hardly noticed";
}

INSTANTIATE_TEST_SUITE_P(Kinds, DiskFaultTest, ::testing::ValuesIn(kKinds), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) c = absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace skew
