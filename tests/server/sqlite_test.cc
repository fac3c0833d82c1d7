#include "server/store/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "server/store/connections.h"
#include "server/store/event_log.h"
#include "server/store/schema.h"
#include "skew/v1/run.pb.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() { db_ = MustOpen(); }

  std::unique_ptr<Database> MustOpen() {
    auto db = Database::Open(path_, Database::Mode::kReadWriteCreate, absl::Milliseconds(50));
    EXPECT_TRUE(db.ok()) << db.status();
    return *std::move(db);
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  const std::string path_ = folder_ + "/test.db";
  std::unique_ptr<Database> db_;
};

TEST_F(SqliteTest, ValuesComeBackAsTheyWere) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d INTEGER, e TEXT)").ok());
  v1::BiasPoint point;
  (*point.mutable_counts())[1] = 250;
  const absl::Time time = absl::FromUnixMicros(1'234'567'890'123);
  ASSERT_TRUE(db_->Prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)")
                  .Bind(int64_t{-5})
                  .Bind("it's")
                  .Bind(point)
                  .Bind(time)
                  .BindNull()
                  .Run()
                  .ok());
  Statement row = db_->Prepare("SELECT a, b, c, d, e FROM t");
  ASSERT_TRUE(row.Step());
  EXPECT_EQ(row.Int(0), -5);
  EXPECT_EQ(row.Text(1), "it's");
  v1::BiasPoint stored;
  row.Read(2, stored);
  EXPECT_EQ(stored.counts().at(1), 250);
  EXPECT_EQ(row.Time(3), time);
  EXPECT_TRUE(row.IsNull(4));
  EXPECT_FALSE(row.Step());
  EXPECT_TRUE(row.status().ok());
}

TEST_F(SqliteTest, ATransactionThatIsNotCommittedLeavesNoTrace) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a INTEGER)").ok());
  {
    Transaction transaction(db_.get(), Transaction::Kind::kWrite);
    ASSERT_TRUE(db_->Execute("INSERT INTO t VALUES (1)").ok());
  }
  Statement count = db_->Prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(count.Step());
  EXPECT_EQ(count.Int(0), 0);
}

// What a savepoint cannot undo by itself would be committed with what others did.
TEST_F(SqliteTest, APartThatCannotBeUndoneTakesTheTransactionWithIt) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a INTEGER)").ok());
  Transaction transaction(db_.get(), Transaction::Kind::kWrite);
  ASSERT_TRUE(transaction.status().ok());
  {
    const Savepoint undone(db_.get());
    ASSERT_TRUE(db_->Execute("INSERT INTO t VALUES (1)").ok());
  }
  EXPECT_TRUE(db_->InTransaction());
  {
    const Savepoint lost(db_.get());
    ASSERT_TRUE(db_->Execute("INSERT INTO t VALUES (2); RELEASE part").ok());
  }
  EXPECT_FALSE(db_->InTransaction());
  EXPECT_FALSE(transaction.Commit().ok());
  Statement count = db_->Prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(count.Step());
  EXPECT_EQ(count.Int(0), 0);
}

TEST_F(SqliteTest, ErrorsHaveTheirCodes) {
  EXPECT_EQ(db_->Prepare("SELECT nonsense FROM nowhere").Run().code(), absl::StatusCode::kInternal);
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a INTEGER PRIMARY KEY)").ok());
  ASSERT_TRUE(db_->Execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_EQ(db_->Prepare("INSERT INTO t VALUES (1)").Run().code(), absl::StatusCode::kAlreadyExists);
  const std::unique_ptr<Database> other = MustOpen();
  Transaction lock(other.get(), Transaction::Kind::kWrite);
  ASSERT_TRUE(lock.status().ok());
  EXPECT_EQ(db_->Prepare("INSERT INTO t VALUES (2)").Run().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SqliteTest, AFullDiskIsResourceExhausted) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a BLOB); PRAGMA max_page_count = 10").ok());
  EXPECT_EQ(db_->Execute("INSERT INTO t VALUES (zeroblob(1000000))").code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(SqliteTest, AForeignFileIsDataLoss) {
  const std::string path = folder_ + "/foreign.db";
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("this is no database, however long it goes on and on and on", file);
  std::fclose(file);
  const absl::Status status = Connections::Open(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST_F(SqliteTest, ADatabaseOfANewerProgramIsRefused) {
  ASSERT_TRUE(db_->Execute("PRAGMA user_version = 1000").ok());
  EXPECT_EQ(Migrate(*db_, path_).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteTest, MigratingTwiceChangesNothing) {
  EXPECT_TRUE(Migrate(*db_, path_).ok());
  EXPECT_TRUE(Migrate(*db_, path_).ok());
}

TEST_F(SqliteTest, ACopyIsOneMomentAndOneFileWhileOthersWrite) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)").ok());
  const auto reader = MustOpen();
  const std::string copy = folder_ + "/copy.db";
  Transaction snapshot(reader.get(), Transaction::Kind::kRead);
  ASSERT_TRUE(reader->Prepare("SELECT COUNT(*) FROM t").Step());
  ASSERT_TRUE(db_->Execute("INSERT INTO t VALUES (3)").ok());  // after the moment that the copy is of
  const absl::Status copied = reader->CopyTo(copy);
  ASSERT_TRUE(copied.ok()) << copied;
  EXPECT_FALSE(std::filesystem::exists(copy + "-wal"));
  const auto opened = Database::Open(copy, Database::Mode::kReadOnly, absl::ZeroDuration());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE((*opened)->CheckIntegrity().ok());
  Statement count = (*opened)->Prepare("SELECT COUNT(*) FROM t");
  ASSERT_TRUE(count.Step());
  EXPECT_EQ(count.Int(0), 2);
}

TEST_F(SqliteTest, ACopyThatCannotBeWrittenSaysWhere) {
  const absl::Status status = db_->CopyTo(folder_ + "/missing/copy.db");
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("missing/copy.db"));
}

}  // namespace
}  // namespace skew
