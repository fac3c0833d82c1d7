#include "server/store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
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
  worker::v1::Report finished;
  finished.set_number(2);
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
