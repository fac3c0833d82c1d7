#include "server/store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/file.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

class SchemaTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> Open() {
    absl::StatusOr<std::unique_ptr<Database>> db =
        Database::Open(path_, Database::Mode::kReadWriteCreate, absl::Seconds(1));
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }

  static void Execute(Database& db, const std::string& sql) {
    const absl::Status status = db.Execute(sql);
    EXPECT_TRUE(status.ok()) << status;
  }

  static int64_t Read(Database& db, const std::string& sql) {
    Statement row = db.Prepare(sql);
    EXPECT_TRUE(row.Step()) << row.status();
    return row.Int(0);
  }

  // The definition of everything in the schema, in a fixed order, spaces and commas aside.
  static std::string Definitions(Database& db) {
    std::string text;
    Statement row = db.Prepare("SELECT type, name, IFNULL(sql, '') FROM sqlite_schema ORDER BY type, name");
    while (row.Step()) absl::StrAppend(&text, row.Text(0), " ", row.Text(1), " ", row.Text(2), "\n");
    return text;
  }

  const TempFolder folder_;
  const std::string path_ = folder_.path() + "/skew.db";
};

TEST_F(SchemaTest, EveryOlderDatabaseBecomesANewOneAndKeepsWhatItHas) {
  const std::unique_ptr<Database> fresh = Open();
  ASSERT_TRUE(Migrate(*fresh, path_).ok());
  const std::string expected = Definitions(*fresh);
  for (int64_t version = 1; version < NewestSchema(); ++version) {
    const std::string path = absl::StrCat(folder_.path(), "/from-", version, ".db");
    const auto db = Database::Open(path, Database::Mode::kReadWriteCreate, absl::Seconds(1));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE(Migrate(**db, path, version).ok());
    EXPECT_EQ(Read(**db, "PRAGMA user_version"), version);
    Execute(**db,
            "INSERT INTO jobs (kind, owner, request_digest, spec, dataset_digest, classifier_key, create_time) "
            "VALUES (1, 'ada', '', x'', '', '', 1)");
    Execute(**db,
            "INSERT INTO runs (job_id, number, model_index, model, bias_point, iteration, seed, state) "
            "VALUES (1, 1, 0, 'vae', x'', 0, 0, 5)");
    const absl::Status migrated = Migrate(**db, path);
    ASSERT_TRUE(migrated.ok()) << migrated;
    EXPECT_EQ(Read(**db, "PRAGMA user_version"), NewestSchema());
    EXPECT_EQ(Definitions(**db), expected);
    EXPECT_EQ(Read(**db, "SELECT runs_succeeded FROM jobs"), 1);
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(path, ".v", version, ".backup")));
  }
}

TEST_F(SchemaTest, RunsOfBeforeReuseHaveNoContent) {
  const std::unique_ptr<Database> db = Open();
  ASSERT_TRUE(Migrate(*db, path_, 1).ok());
  Execute(*db,
          "INSERT INTO jobs (kind, owner, request_digest, spec, dataset_digest, classifier_key, create_time) "
          "VALUES (1, 'ada', '', x'', '', '', 1)");
  Execute(*db,
          "INSERT INTO runs (job_id, number, model_index, model, bias_point, iteration, seed, state) "
          "VALUES (1, 1, 0, 'vae', x'', 0, 0, 5)");
  ASSERT_TRUE(Migrate(*db, path_).ok());
  EXPECT_EQ(Read(*db, "SELECT COUNT(*) FROM runs WHERE content_key = '' AND reused_from = ''"), 1);
  EXPECT_EQ(Read(*db, "SELECT runs_reused + no_reuse FROM jobs"), 0);
}

TEST_F(SchemaTest, AStepThatFailsLeavesNoTrace) {
  const std::unique_ptr<Database> db = Open();
  const int64_t before_quarantine = 3;
  ASSERT_TRUE(Migrate(*db, path_, before_quarantine).ok());
  Execute(*db, "CREATE TABLE in_the_way (digest TEXT); CREATE INDEX artifacts_by_digest ON in_the_way (digest)");
  const std::string before = Definitions(*db);
  EXPECT_FALSE(Migrate(*db, path_).ok());
  EXPECT_EQ(Definitions(*db), before);
  EXPECT_EQ(Read(*db, "PRAGMA user_version"), before_quarantine);
}

TEST_F(SchemaTest, WhatWasReleasedStaysAsItWas) {
  const std::unique_ptr<Database> db = Open();
  ASSERT_TRUE(Migrate(*db, path_, 1).ok());
  EXPECT_EQ(Sha256Hex(Definitions(*db)), "0446ec4ce0a45a8e5d1fa806d72ab817da7f0eeb67808ba82fc49bf3271fb132");
}

TEST_F(SchemaTest, ADatabaseOfANewerSkewIsRefused) {
  const std::unique_ptr<Database> db = Open();
  ASSERT_TRUE(Migrate(*db, path_).ok());
  Execute(*db, absl::StrCat("PRAGMA user_version = ", NewestSchema() + 1));
  const absl::Status refused = Migrate(*db, path_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              ::testing::HasSubstr(absl::StrCat("has schema version ", NewestSchema() + 1,
                                                ", of a newer Skew; this one knows ", NewestSchema())));
}

// Stores as servers left them, one of every earlier schema: schemas/v4.sql is the dump of one that a server of version
// 4 wrote (users, a token, a share; j1 trained a judge, j2 is done, j3 was answered from it, j4 is paused, j5 comes
// after it, j6 was cancelled; an artifact is in quarantine). The older ones have the same rows in the tables of their
// time, but for j3 where there was no reuse; v5 and v6 are v4 migrated. A new step of the schema needs a dump of the
// version before it.
class StoredStoreTest : public ::testing::TestWithParam<int64_t> {
 protected:
  // By table: every row as text, of the columns that the table had.
  struct Contents {
    std::map<std::string, std::vector<std::string>> columns;
    std::map<std::string, std::vector<std::string>> rows;
  };

  static std::vector<std::string> ReadTexts(Database& db, const std::string& sql) {
    std::vector<std::string> texts;
    Statement row = db.Prepare(sql);
    while (row.Step()) texts.push_back(row.Text(0));
    EXPECT_TRUE(row.status().ok()) << row.status();
    return texts;
  }
  static std::vector<std::string> ReadRows(Database& db, const std::string& table,
                                           const std::vector<std::string>& columns) {
    const std::string quoted = absl::StrJoin(columns, " || ',' || ", [](std::string* out, const std::string& column) {
      absl::StrAppend(out, "quote(", column, ")");
    });
    return ReadTexts(db, absl::StrCat("SELECT ", quoted, " FROM ", table, " ORDER BY 1"));
  }
  static Contents ReadContents(Database& db) {
    Contents contents;
    for (const std::string& table : ReadTexts(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")) {
      contents.columns[table] = ReadTexts(db, absl::StrCat("SELECT name FROM pragma_table_info('", table, "')"));
      contents.rows[table] = ReadRows(db, table, contents.columns[table]);
    }
    return contents;
  }

  static std::unique_ptr<Database> Open(const std::string& path) {
    absl::StatusOr<std::unique_ptr<Database>> db =
        Database::Open(path, Database::Mode::kReadWriteCreate, absl::Seconds(1));
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }
  static std::string Definitions(Database& db) {
    return absl::StrJoin(ReadTexts(db,
                                   "SELECT type || ' ' || name || ' ' || IFNULL(sql, '') FROM sqlite_schema ORDER BY "
                                   "type, name"),
                         "\n");
  }

  // Makes the file and remembers what is in it.
  void Restore(const std::string& path) {
    const absl::StatusOr<std::string> dump = ReadFile(absl::StrCat(SCHEMAS, "/v", GetParam(), ".sql"));
    ASSERT_TRUE(dump.ok()) << dump.status() << ": dump a store of this version before the schema changes";
    const std::unique_ptr<Database> db = Open(path);
    const absl::Status filled = db->Execute(*dump);
    ASSERT_TRUE(filled.ok()) << filled;
    EXPECT_EQ(*SchemaVersion(*db), GetParam());
    stored_ = ReadContents(*db);
    stored_definitions_ = Definitions(*db);
    EXPECT_GT(stored_.rows["jobs"].size(), 4u);
  }

  Contents stored_;
  std::string stored_definitions_;
};

TEST_P(StoredStoreTest, IsBackedUpAndMigratedAndKeepsEveryRow) {
  const TempFolder folder;
  const std::string path = folder.path() + "/skew.db";
  ASSERT_NO_FATAL_FAILURE(Restore(path));
  const std::unique_ptr<Database> then = Open(folder.path() + "/then.db");
  ASSERT_TRUE(Migrate(*then, folder.path() + "/then.db", GetParam()).ok());
  EXPECT_EQ(stored_definitions_, Definitions(*then)) << "the dump is not of this version";
  ASSERT_TRUE(Connections::Open(path).ok());
  const std::unique_ptr<Database> backup = Open(absl::StrCat(path, ".v", GetParam(), ".backup"));
  EXPECT_EQ(*SchemaVersion(*backup), GetParam());
  EXPECT_EQ(ReadContents(*backup).rows, stored_.rows);
  const std::unique_ptr<Database> migrated = Open(path);
  const std::unique_ptr<Database> fresh = Open(folder.path() + "/fresh.db");
  ASSERT_TRUE(Migrate(*fresh, folder.path() + "/fresh.db").ok());
  EXPECT_EQ(*SchemaVersion(*migrated), NewestSchema());
  EXPECT_EQ(Definitions(*migrated), Definitions(*fresh));
  for (const auto& [table, rows] : stored_.rows) {
    EXPECT_EQ(ReadRows(*migrated, table, stored_.columns[table]), rows) << table;
  }
  EXPECT_THAT(ReadTexts(*migrated, "SELECT 'row of ' || \"table\" FROM pragma_foreign_key_check"),
              ::testing::IsEmpty());
}

TEST_P(StoredStoreTest, IsReadAndWrittenByThisVersion) {
  TestStore store([this](const std::string& path) { Restore(path); });
  ASSERT_FALSE(stored_.rows.empty());
  v1::ListJobsRequest all;
  const absl::StatusOr<v1::ListJobsResponse> jobs = store.jobs().List(all);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(static_cast<size_t>(jobs->jobs_size()), stored_.rows["jobs"].size());
  for (const v1::Job& job : jobs->jobs()) {
    const JobId id = *JobId::Parse(job.id());
    EXPECT_FALSE(job.has_delete_time());
    EXPECT_EQ(job.compacted_revision(), 0);
    const absl::StatusOr<JobStore::JobWithRuns> whole = store.jobs().GetWithRuns(id);
    ASSERT_TRUE(whole.ok()) << whole.status();
    EXPECT_EQ(static_cast<int>(whole->runs.size()), job.runs().total());
    const absl::StatusOr<EventPage> page = store.events().Read(id, 0, 1000);
    ASSERT_TRUE(page.ok()) << page.status();
    int64_t sequence = 0;
    for (const v1::Event& event : page->events) {
      EXPECT_EQ(event.sequence(), ++sequence);
      EXPECT_NE(event.change_case(), v1::Event::CHANGE_NOT_SET);
    }
    EXPECT_EQ(page->events.back().revision(), job.revision());
  }
  EXPECT_EQ(store.jobs().Get(JobId{2})->state(), v1::JOB_SUCCEEDED);
  EXPECT_EQ(store.jobs().Get(JobId{4})->state(), v1::JOB_QUEUED);
  EXPECT_EQ(store.jobs().Get(JobId{6})->state(), v1::JOB_CANCELLED);
  v1::ListHistogramsRequest histograms;
  histograms.set_job_id("j2");
  EXPECT_EQ(store.jobs().ListHistograms(histograms)->histograms_size(), 2);
  EXPECT_EQ(store.jobs().ListClassifiers()->size(), 1u);
  EXPECT_EQ(store.artifacts().List(JobId{2})->size(), 8u);
  EXPECT_EQ(store.MustRead("SELECT COUNT(*) FROM artifacts WHERE job_id = 2 AND kind = 'samples'"), 6);
  EXPECT_EQ(store.access().ListUsers()->size(), 2u);
  EXPECT_EQ(store.access().ListTokens("bob")->size(), 1u);
  EXPECT_EQ(static_cast<size_t>(store.access().ListAuditEvents({})->events_size()),
            stored_.rows["audit_events"].size());
  // The request of then is still known, and new ones are taken.
  NewJob again = TestStore::Study(1, "root");
  again.request_id = "first";
  EXPECT_EQ(store.jobs().Submit(again, {TestStore::Training()}, TestStore::Ada()).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(store.MustSubmit(TestStore::Study(1)), (JobId{8}));  // after the training of its judge
  EXPECT_TRUE(store.deletion().Delete(JobId{2}, TestStore::Ada()).ok());
  EXPECT_TRUE(store.deletion().Purge(JobId{2}, JobDeletion::When::kNow, TestStore::Ada()).ok());
}

INSTANTIATE_TEST_SUITE_P(EveryEarlierSchema, StoredStoreTest, ::testing::Range(int64_t{1}, NewestSchema()));

// A database of before the queue: j1 trained the judge of j2, which is half done and was last started at 50; j3 waits
// for the one that j4 is to train.
void MakeFirstDatabase(const std::string& path) {
  const auto db = Database::Open(path, Database::Mode::kReadWriteCreate, absl::Seconds(1));
  ASSERT_TRUE(db.ok()) << db.status();
  ASSERT_TRUE(Migrate(**db, path, 1).ok());
  v1::JobSpec spec;
  spec.set_dataset("tiny");
  spec.set_max_attempts(3);
  const std::vector<std::pair<v1::JobKind, std::string>> jobs = {
      {v1::CLASSIFIER_TRAINING, "key"}, {v1::STUDY, "key"}, {v1::STUDY, "new"}, {v1::CLASSIFIER_TRAINING, "new"}};
  for (const auto& [kind, key] : jobs) {
    ASSERT_TRUE((*db)
                    ->Prepare("INSERT INTO jobs (kind, owner, request_digest, spec, dataset_digest, classifier_key, "
                              "create_time) VALUES (?, 'ada', '', ?, '', ?, 10)")
                    .Bind(kind)
                    .Bind(spec)
                    .Bind(key)
                    .Run()
                    .ok());
  }
  const absl::Status filled = (*db)->Execute(
      "INSERT INTO runs (job_id, number, model_index, model, bias_point, iteration, seed, state, start_time) VALUES "
      "(1, 1, 0, 'classifier', x'', 0, 0, 5, 20), (2, 1, 0, 'vae', x'', 0, 0, 5, 50), "
      "(2, 2, 0, 'vae', x'', 1, 0, 1, NULL), (3, 1, 0, 'vae', x'', 0, 0, 1, NULL), "
      "(4, 1, 0, 'classifier', x'', 0, 0, 1, NULL)");
  ASSERT_TRUE(filled.ok()) << filled;
  v1::Classifier judge;
  judge.set_job_id("j1");
  ASSERT_TRUE((*db)
                  ->Prepare("INSERT INTO classifiers (key, digest, job_id, data) VALUES ('key', 'judge', 1, ?)")
                  .Bind(judge)
                  .Run()
                  .ok());
}

TEST(UpgradeTest, WhatWasQueuedBeforeTheQueueIsStarted) {
  TestStore store(MakeFirstDatabase);
  EXPECT_EQ(store.MustRead("SELECT COUNT(*) FROM queue"), 3);
  EXPECT_EQ(store.MustRead("SELECT waiting_since FROM queue WHERE job_id = 2"), 50);
  EXPECT_EQ(store.MustRead("SELECT waiting_since FROM queue WHERE job_id = 3"), 10);
  EXPECT_EQ(store.jobs().Get(JobId{2})->runs().succeeded(), 1);
  std::set<std::string> started;
  std::optional<Claim> training;
  for (std::optional<Claim> claim = store.ClaimNext("a"); claim.has_value(); claim = store.ClaimNext("b")) {
    started.insert(claim->attempt.run.ToString());
    if (claim->attempt.run.job == JobId{4}) training = claim;
  }
  EXPECT_EQ(started, (std::set<std::string>{"j2.2", "j4.1"}));  // j3 has no judge
  ASSERT_TRUE(training.has_value());
  worker::v1::Report begun;
  begun.set_number(1);
  begun.mutable_started();
  ASSERT_TRUE(store.runs().ApplyReport(training->attempt, begun).ok());
  worker::v1::Report weights;
  weights.set_number(2);
  weights.mutable_artifact()->set_name("classifier.pt");
  weights.mutable_artifact()->set_digest("new weights");
  ASSERT_TRUE(store.runs().ApplyReport(training->attempt, weights).ok());
  worker::v1::Report finished;
  finished.set_number(3);
  finished.mutable_finished()->mutable_classifier()->set_digest("new judge");
  ASSERT_TRUE(store.runs().ApplyReport(training->attempt, finished).ok());
  ASSERT_TRUE(store.runs()
                  .EndAttempt(training->attempt,
                              [](const AttemptFacts&) {
                                return AttemptEnd{v1::SUCCEEDED, v1::REASON_UNSPECIFIED, ""};
                              })
                  .ok());
  const std::optional<Claim> last = store.ClaimNext("c");
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->attempt.run.ToString(), "j3.1");
  EXPECT_EQ(store.MustRead("SELECT SUM(queued) FROM queue"), 0);
}

}  // namespace
}  // namespace skew
