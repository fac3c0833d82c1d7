#include "server/store/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/temp_folder.h"

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
  ASSERT_TRUE(Migrate(*db, path_, 1).ok());
  Execute(*db, "CREATE TABLE in_the_way (content_key TEXT); CREATE INDEX runs_by_content ON in_the_way (content_key)");
  const std::string before = Definitions(*db);
  EXPECT_FALSE(Migrate(*db, path_).ok());
  EXPECT_EQ(Definitions(*db), before);
  EXPECT_EQ(Read(*db, "PRAGMA user_version"), 1);
}

}  // namespace
}  // namespace skew
