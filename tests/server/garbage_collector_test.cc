#include "server/store/garbage_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/file.h"
#include "server/store/garbage_rows.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kDay = absl::Hours(24);

TEST(RetentionTest, IsParsed) {
  Retention retention;
  for (const auto& [text, age] : std::map<std::string, absl::Duration>{{"samples=30d", 30 * kDay},
                                                                       {"weights=12h", absl::Hours(12)},
                                                                       {"tables=1h30m", absl::Minutes(90)},
                                                                       {"logs=0s", absl::ZeroDuration()},
                                                                       {"events=0d", absl::ZeroDuration()},
                                                                       {"deleted=forever", absl::InfiniteDuration()}}) {
    EXPECT_TRUE(ParseRetention(text, retention).ok()) << text;
  }
  EXPECT_EQ(retention.samples, 30 * kDay);
  EXPECT_EQ(retention.weights, absl::Hours(12));
  EXPECT_EQ(retention.tables, absl::Minutes(90));
  EXPECT_EQ(retention.logs, absl::ZeroDuration());
  EXPECT_EQ(retention.events, absl::ZeroDuration());
  EXPECT_EQ(retention.deleted, absl::InfiniteDuration());
  for (const char* text : {"", "30d", "samples", "samples=", "samples=30", "samples=-1d", "samples=-1h", "pictures=1d",
                           "samples=1d2", "samples=99999999d", "samples=inf", "=1d"}) {
    const absl::Status refused = ParseRetention(text, retention);
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("'", text, "' is not KIND=AGE")));
  }
  EXPECT_EQ(retention.samples, 30 * kDay);
}

// Two at once, of which the later one has overtaken the other: what is gone is gone.
TEST(GarbageRowsTest, WhereEventsBeginNeverGoesBack) {
  TestStore store;
  const JobId job = store.MustSubmit(TestStore::Study(1));
  const auto remove = [&](const OldEvents& old) {
    EXPECT_TRUE(store.connections()
                    .Write(absl::Now(), [&](WriteScope& scope) { return RemoveSomeEvents(scope, old).status(); })
                    .ok());
  };
  remove({.job = job, .revision = 40, .sequence = 8});
  remove({.job = job, .revision = 20, .sequence = 4});
  EXPECT_EQ(store.MustRead(absl::StrCat("SELECT compacted_revision FROM jobs WHERE id = ", job.number)), 40);
  EXPECT_EQ(store.MustRead(absl::StrCat("SELECT compacted_sequence FROM jobs WHERE id = ", job.number)), 8);
}

TEST(RetentionTest, NothingButDeletedJobsIsRemovedUnasked) {
  const Retention retention;
  for (const absl::Duration age :
       {retention.samples, retention.weights, retention.tables, retention.logs, retention.events}) {
    EXPECT_EQ(age, absl::InfiniteDuration());
  }
  EXPECT_EQ(retention.deleted, 7 * kDay);
}

// A store some weeks before the time of the clock.
class GarbageCollectorTest : public ::testing::Test {
 protected:
  GarbageCollectorTest() : state_(*StateDir::Open(store_.folder())) {
    store_.MustSubmit(TestStore::Study(1));  // and the training of its judge
  }

  JobId FinishedJob() {
    const JobId job = store_.MustSubmit(TestStore::Study(1));
    store_.MustExecute(absl::StrCat("UPDATE runs SET state = 5 WHERE job_id = ", job.number));
    return job;
  }
  std::string Write(const std::string& path, const std::string& content, absl::Duration age) {
    EXPECT_TRUE(WriteFileAtomically(path, content).ok());
    // Files know the machine's time.
    const auto ago = std::chrono::seconds(absl::ToInt64Seconds(clock_.Now() - age - absl::Now()));
    fs::last_write_time(path, fs::file_time_type::clock::now() + ago);
    return path;
  }
  void AddArtifact(JobId job, const std::string& name, const std::string& content, absl::Duration age) {
    const std::string path = Write(store_.folder() + "/file", content, age);
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
    store_.MustExecute(absl::StrCat("INSERT INTO artifacts VALUES (", job.number, ", 1, '", name, "', '', '",
                                    Sha256Hex(content), "', ", content.size(), ", ",
                                    absl::ToUnixMicros(clock_.Now() - age), ")"));
  }
  std::string AddLog(JobId job, absl::Duration age, bool ended = true) {
    const AttemptId attempt{RunId{job, 1}, 1};
    store_.MustExecute(absl::StrCat(
        "INSERT INTO attempts (job_id, run_number, number, token_digest, state, device, start_time, end_time) VALUES (",
        job.number, ", 1, 1, '", job.ToString(), "', 5, 'cpu0', 0, ", ended ? "1" : "NULL", ")"));
    return Write(state_.LogFile(attempt), "a line", age);
  }
  bool IsThere(const std::string& content) { return fs::exists(store_.artifacts().PathOf(Sha256Hex(content))); }
  std::vector<std::string> ArtifactsOf(JobId job) {
    std::vector<std::string> names;
    const auto artifacts = store_.artifacts().List(job);
    EXPECT_TRUE(artifacts.ok()) << artifacts.status();
    for (const v1::Artifact& artifact : *artifacts) names.push_back(artifact.name());
    return names;
  }
  void Delete(JobId job) {
    JobDeletion deletion(&store_.connections(), &store_.removals(), &clock_, retention_.deleted);
    EXPECT_TRUE(deletion.Delete(job, TestStore::Ada()).ok());
  }

  absl::StatusOr<v1::CollectGarbageResponse> Collect(const GarbageCollector::Request& request, bool go_on = true) {
    JobDeletion deletion(&store_.connections(), &store_.removals(), &clock_, retention_.deleted);
    GarbageCollector collector(&store_.connections(), &store_.removals(), &deletion, &clock_, &state_, retention_);
    return collector.Collect(request, [go_on] { return go_on; });
  }
  using Counts = std::map<std::string, std::pair<int64_t, int64_t>>;  // by kind: how many, and bytes
  static Counts CountsOf(const v1::CollectGarbageResponse& collected) {
    Counts counts;
    for (const v1::Garbage& garbage : collected.garbage())
      counts[garbage.kind()] = {garbage.count(), garbage.size_bytes()};
    EXPECT_EQ(counts.size(), static_cast<size_t>(collected.garbage_size()));
    return counts;
  }
  // First only looks, and expects that this says what is then removed.
  Counts MustCollect() {
    const int64_t rows = store_.MustRead(kAllRows);
    const auto looked = Collect({.dry_run = true, .actor = TestStore::Ada()});
    EXPECT_TRUE(looked.ok()) << looked.status();
    EXPECT_EQ(store_.MustRead(kAllRows), rows);
    const auto collected = Collect({});
    EXPECT_TRUE(collected.ok()) << collected.status();
    EXPECT_EQ(looked->ShortDebugString(), collected->ShortDebugString());
    const auto again = Collect({});
    EXPECT_EQ(again->ShortDebugString(), "");
    return CountsOf(*collected);
  }

  static constexpr char kAllRows[] =
      "SELECT (SELECT COUNT(*) FROM artifacts) + (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM events) + "
      "(SELECT COUNT(*) FROM audit_events)";

  TestStore store_;
  FakeClock clock_;
  StateDir state_;
  Retention retention_;
};

TEST_F(GarbageCollectorTest, KeepsEverythingUnlessToldOtherwise) {
  const JobId job = FinishedJob();
  AddArtifact(job, "samples.png", "a", 10'000 * kDay);
  AddArtifact(job, "checkpoint.pt", "b", 10'000 * kDay);
  AddLog(job, 10'000 * kDay);
  EXPECT_THAT(MustCollect(), IsEmpty());
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'CollectGarbage'"), 0);
}

TEST_F(GarbageCollectorTest, EveryKindHasItsAge) {
  const JobId job = FinishedJob();
  for (const absl::Duration age : {2 * kDay, 5 * kDay, 20 * kDay}) {
    const std::string days = absl::StrCat(absl::ToInt64Hours(age) / 24);
    for (const char* name : {"samples-", "checkpoint", "losses-"}) {
      const bool weights = std::string(name) == "checkpoint";
      if (weights && age != 20 * kDay) continue;  // there is one a run
      AddArtifact(job, weights ? "checkpoint.pt" : absl::StrCat(name, days, name[0] == 's' ? ".png" : ".csv"),
                  absl::StrCat(name, days), age);
    }
  }
  AddArtifact(job, "notes.txt", "of no kind", 1000 * kDay);
  AddArtifact(JobId{1}, "classifier.pt", "judge", 1000 * kDay);
  retention_ = {.samples = kDay, .weights = 30 * kDay, .tables = 10 * kDay};
  EXPECT_THAT(MustCollect(), UnorderedElementsAre(Pair("samples", Pair(3, 9 + 9 + 10)), Pair("tables", Pair(1, 9))));
  EXPECT_THAT(ArtifactsOf(job), ElementsAre("checkpoint.pt", "losses-2.csv", "losses-5.csv", "notes.txt"));
  EXPECT_FALSE(IsThere("samples-2"));
  EXPECT_TRUE(IsThere("losses-5"));
  retention_.weights = 10 * kDay;
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("weights", Pair(1, 12))));
  EXPECT_THAT(ArtifactsOf(JobId{1}), ElementsAre("classifier.pt"));
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM audit_events WHERE action = 'CollectGarbage' AND actor = 'skewd'"),
            2);
}

TEST_F(GarbageCollectorTest, ContentThatSomethingElseHasStaysAndCountsOnce) {
  const JobId old = FinishedJob();
  const JobId young = FinishedJob();
  AddArtifact(old, "samples.png", "shared", 5 * kDay);
  AddArtifact(young, "samples.png", "shared", kDay);
  AddArtifact(old, "real-by-class.png", "twice", 5 * kDay);
  AddArtifact(old, "samples-by-class.png", "twice", 6 * kDay);
  AddArtifact(old, "losses.csv", "twice", 6 * kDay);  // a picture is no table, but who knows
  retention_ = {.samples = 2 * kDay, .tables = 2 * kDay};
  EXPECT_THAT(MustCollect(), UnorderedElementsAre(Pair("samples", Pair(3, 0)), Pair("tables", Pair(1, 5))));
  EXPECT_TRUE(IsThere("shared"));
  EXPECT_FALSE(IsThere("twice"));
  EXPECT_THAT(ArtifactsOf(young), ElementsAre("samples.png"));
}

TEST_F(GarbageCollectorTest, ManyAreRemovedInPieces) {
  const JobId job = FinishedJob();
  for (int i = 0; i < 10; ++i) AddArtifact(job, absl::StrCat(i, ".png"), absl::StrCat("of ", i), 5 * kDay);
  // Enough for several pieces, of which each has all the contents.
  store_.MustExecute(
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 44) INSERT INTO artifacts "
      "SELECT job_id, run_number, i || '-' || name, media_type, digest, size_bytes, create_time FROM artifacts, n");
  retention_.samples = kDay;
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("samples", Pair(450, 10 * 4))));
  EXPECT_THAT(ArtifactsOf(job), IsEmpty());
  EXPECT_FALSE(IsThere("of 0"));
}

TEST_F(GarbageCollectorTest, DeletedJobsGoWhenTheirTimeHasComeWithAllTheyHave) {
  retention_.deleted = 3 * kDay;
  const JobId due = FinishedJob();
  const JobId also_due = FinishedJob();
  const JobId kept = FinishedJob();
  AddArtifact(due, "samples.png", "only", 30 * kDay);
  AddArtifact(due, "a.txt", "both", 30 * kDay);
  AddArtifact(also_due, "a.txt", "both", 30 * kDay);
  AddArtifact(also_due, "b.txt", "shared", 30 * kDay);
  AddArtifact(kept, "b.txt", "shared", 30 * kDay);
  const std::string log = AddLog(due, 30 * kDay);
  Delete(due);
  Delete(also_due);
  clock_.Advance(kDay);
  Delete(kept);
  clock_.Advance(2 * kDay);
  // Counted with their jobs, not with what is old of itself.
  retention_.samples = retention_.logs = retention_.events = kDay;
  const Counts counts = MustCollect();
  EXPECT_EQ(counts.at("jobs").first, 2);
  EXPECT_EQ(counts.at("artifacts"), std::pair(int64_t{3}, int64_t{8}));
  EXPECT_EQ(counts.count("samples") + counts.count("logs"), 0u);
  EXPECT_TRUE(absl::IsNotFound(store_.jobs().Get(due).status()));
  EXPECT_TRUE(store_.jobs().Get(kept).ok());
  EXPECT_FALSE(IsThere("only"));
  EXPECT_FALSE(IsThere("both"));
  EXPECT_TRUE(IsThere("shared"));
  EXPECT_FALSE(fs::exists(log));
}

TEST_F(GarbageCollectorTest, EventsGoButForTheNewestOfEachJob) {
  const JobId job = FinishedJob();
  for (int i = 0; i < 10; ++i) {
    Delete(job);
    JobDeletion deletion(&store_.connections(), &store_.removals(), &clock_, kDay);
    ASSERT_TRUE(deletion.Undelete(job, TestStore::Ada()).ok());
  }
  const int64_t all = store_.MustRead("SELECT COUNT(*) FROM events");
  const int64_t newest = *store_.events().NewestRevision();
  clock_.Advance(2 * kDay);
  retention_.events = kDay;
  const Counts counts = MustCollect();
  EXPECT_EQ(counts.at("events").first, all - 3);  // of this job, the other study and its training
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM events"), 3);
  EXPECT_EQ(*store_.events().NewestRevision(), newest);
  const v1::Job compacted = *store_.jobs().Get(job);
  const absl::Status gone = store_.events().Read(job, 0, 10).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(gone.message()), HasSubstr(absl::StrCat("from revision ", compacted.compacted_revision())));
  EXPECT_FALSE(store_.events().Read(job, compacted.compacted_revision() - 1, 10).ok());
  // Of all jobs together, everything is there from the newest event on that is gone.
  const int64_t newest_gone = store_.MustRead("SELECT MAX(compacted_revision) FROM jobs");
  EXPECT_GE(newest_gone, compacted.compacted_revision());
  const absl::Status some_gone = store_.events().ReadAll({}, newest_gone - 1, 10).status();
  EXPECT_EQ(some_gone.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(some_gone.message()), HasSubstr(absl::StrCat("from revision ", newest_gone, " on")));
  EXPECT_TRUE(store_.events().ReadAll({}, newest_gone, 10).ok());
  const absl::StatusOr<EventPage> rest = store_.events().Read(job, compacted.compacted_revision(), 10);
  ASSERT_TRUE(rest.ok()) << rest.status();
  ASSERT_EQ(rest->events.size(), 1u);
  EXPECT_EQ(rest->events[0].revision(), compacted.revision());
  // What comes later follows without a gap.
  Delete(job);
  EXPECT_EQ(store_.events().Read(job, compacted.compacted_revision(), 10)->events[1].sequence(),
            rest->events[0].sequence() + 1);
}

TEST_F(GarbageCollectorTest, LogsGoOnceNobodyWritesThem) {
  const std::string old = AddLog(FinishedJob(), 5 * kDay);
  const std::string young = AddLog(FinishedJob(), kDay);
  const std::string open = AddLog(FinishedJob(), 5 * kDay, /*ended=*/false);
  const std::string other = Write(state_.Logs() + "/notes", "of the operator", 100 * kDay);
  retention_.logs = 2 * kDay;
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("logs", Pair(1, 6))));
  EXPECT_FALSE(fs::exists(old));
  for (const std::string& kept : {young, open, other}) EXPECT_TRUE(fs::exists(kept)) << kept;
}

TEST_F(GarbageCollectorTest, FilesThatNothingNamesGoAfterADay) {
  const auto add = [&](const std::string& content, absl::Duration age) {
    const std::string path = Write(store_.folder() + "/file", content, age);
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
  };
  add("old", 2 * kDay);
  add("young", absl::Hours(1));
  AddArtifact(FinishedJob(), "a.txt", "named", 2 * kDay);
  Write(state_.Artifacts() + "/README", "of the operator", 2 * kDay);
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("strays", Pair(1, 3))));
  EXPECT_FALSE(IsThere("old"));
  EXPECT_TRUE(IsThere("young"));
  EXPECT_TRUE(IsThere("named"));
  EXPECT_TRUE(fs::exists(state_.Artifacts() + "/README"));
}

// A worker's file is moved into the store before its row can be written: a disk that was full for days, or a daemon
// that was away, must not make the report fail that comes again.
TEST_F(GarbageCollectorTest, FilesThatRunsMayStillReportStay) {
  const JobId job = store_.MustSubmit(TestStore::Study(1));
  store_.MustExecute(absl::StrCat("UPDATE runs SET state = 1, start_time = ",
                                  absl::ToUnixMicros(clock_.Now() - 5 * kDay), " WHERE job_id = ", job.number));
  const auto add = [&](const std::string& content, absl::Duration age) {
    const std::string path = Write(store_.folder() + "/file", content, age);
    EXPECT_TRUE(store_.artifacts().Import(path, Sha256Hex(content), static_cast<int64_t>(content.size())).ok());
  };
  add("reported again", 4 * kDay);
  add("of another run", 7 * kDay);
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("strays", Pair(1, 14))));
  EXPECT_TRUE(IsThere("reported again"));
  EXPECT_FALSE(IsThere("of another run"));
  store_.MustExecute(absl::StrCat("UPDATE runs SET state = 6 WHERE job_id = ", job.number));
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("strays", Pair(1, 14))));
  EXPECT_FALSE(IsThere("reported again"));
}

TEST_F(GarbageCollectorTest, ABackupKeepsEverything) {
  AddArtifact(FinishedJob(), "samples.png", "a", 5 * kDay);
  retention_.samples = kDay;
  {
    const Removals::Hold backup(&store_.removals(), Removals::Hold::For::kLong);
    EXPECT_TRUE(Collect({.dry_run = true}).ok());
    EXPECT_TRUE(absl::IsUnavailable(Collect({}).status()));
    EXPECT_TRUE(IsThere("a"));
  }
  EXPECT_THAT(MustCollect(), ElementsAre(Pair("samples", Pair(1, 1))));
}

TEST_F(GarbageCollectorTest, StopsWhenItIsTold) {
  AddArtifact(FinishedJob(), "samples.png", "a", 5 * kDay);
  retention_.samples = kDay;
  EXPECT_TRUE(absl::IsCancelled(Collect({}, /*go_on=*/false).status()));
  EXPECT_TRUE(IsThere("a"));
}

}  // namespace
}  // namespace skew
