// Group commit: writes share transactions and know nothing of it.
#include "server/store/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "absl/synchronization/notification.h"
#include "common/file.h"
#include "server/store/event_log.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

absl::Status Insert(WriteScope& scope, int64_t value) {
  return scope.db.Prepare("INSERT INTO notes (value) VALUES (?)").Bind(value).Run();
}

class ConnectionsTest : public ::testing::Test {
 protected:
  using Work = std::function<absl::Status(WriteScope&)>;

  ConnectionsTest() { store_.MustExecute("CREATE TABLE notes (value INTEGER PRIMARY KEY) STRICT"); }

  // Has `works` executed while all of them wait for a write before them, so that they share a transaction, in this
  // order.
  std::vector<absl::Status> WriteTogether(const std::vector<Work>& works) {
    absl::Notification all_wait;
    absl::Notification begun;
    std::thread first([&] {
      EXPECT_TRUE(connections()
                      .Write(absl::UnixEpoch(),
                             [&](WriteScope&) {
                               begun.Notify();
                               all_wait.WaitForNotification();
                               return absl::OkStatus();
                             })
                      .ok());
    });
    begun.WaitForNotification();
    std::vector<absl::Status> results(works.size());
    std::vector<std::thread> writers;
    for (size_t i = 0; i < works.size(); ++i) {
      writers.emplace_back([&, i] { results[i] = connections().Write(absl::UnixEpoch(), works[i]); });
      while (connections().waiting_writes() < i + 1) std::this_thread::yield();
    }
    all_wait.Notify();
    first.join();
    for (std::thread& writer : writers) writer.join();
    return results;
  }

  Connections& connections() { return store_.connections(); }
  int64_t Count() { return store_.MustRead("SELECT COUNT(*) FROM notes"); }

  TestStore store_;
};

TEST_F(ConnectionsTest, WritesOfManyThreadsAreAllThereAndTold) {
  const JobId job = store_.MustSubmit(TestStore::Study(1));
  std::atomic<int> told = 0;
  connections().SetListener([&](JobId, int64_t) { ++told; });
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int64_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t i = 0; i < 25; ++i) {
        const absl::Status status = connections().Write(absl::UnixEpoch(), [&](WriteScope& scope) {
          const absl::Status inserted = Insert(scope, thread * 100 + i);
          return inserted.ok() ? AppendEvent(scope, job, v1::Event()) : inserted;
        });
        if (!status.ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Count(), 200);
  EXPECT_EQ(told, 200);
}

TEST_F(ConnectionsTest, WritesThatWaitShareATransaction) {
  int64_t seen_inside = 0;
  int64_t seen_outside = 0;
  const auto results = WriteTogether({
      [](WriteScope& scope) { return Insert(scope, 1); },
      [&](WriteScope& scope) {
        Statement count = scope.db.Prepare("SELECT COUNT(*) FROM notes");
        if (count.Step()) seen_inside = count.Int(0);
        seen_outside = Count();
        return count.status();
      },
  });
  for (const absl::Status& result : results) EXPECT_TRUE(result.ok()) << result;
  EXPECT_EQ(seen_inside, 1);
  EXPECT_EQ(seen_outside, 0);  // not committed yet
  EXPECT_EQ(Count(), 1);
}

TEST_F(ConnectionsTest, OneThatFailsLeavesNoTraceAndTheOthersAlone) {
  const JobId job = store_.MustSubmit(TestStore::Study(1));
  std::vector<int64_t> told;
  connections().SetListener([&](JobId, int64_t revision) { told.push_back(revision); });
  const int64_t before = store_.events().NewestRevision().value_or(-1);
  const auto insert_and_tell = [&](WriteScope& scope, int64_t value) {
    const absl::Status inserted = Insert(scope, value);
    return inserted.ok() ? AppendEvent(scope, job, v1::Event()) : inserted;
  };
  const auto results = WriteTogether({
      [&](WriteScope& scope) { return insert_and_tell(scope, 1); },
      [&](WriteScope& scope) {
        EXPECT_TRUE(insert_and_tell(scope, 2).ok());
        return absl::FailedPreconditionError("no");
      },
      [&](WriteScope& scope) { return Insert(scope, 1); },  // breaks the uniqueness
  });
  EXPECT_TRUE(results[0].ok()) << results[0];
  EXPECT_EQ(results[1].code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(results[2].code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Count(), 1);
  EXPECT_EQ(told, std::vector<int64_t>{before + 1});
  EXPECT_EQ(store_.events().NewestRevision().value_or(-1), before + 1);
}

TEST_F(ConnectionsTest, ALostTransactionFailsAllWhoShareIt) {
  const auto results = WriteTogether({
      [](WriteScope& scope) { return Insert(scope, 1); },
      [](WriteScope& scope) {
        EXPECT_TRUE(scope.db.Execute("ROLLBACK").ok());  // as SQLite does by itself on some errors
        return absl::ResourceExhaustedError("the disk is full");
      },
      [](WriteScope& scope) { return Insert(scope, 3); },
  });
  for (const absl::Status& result : results) EXPECT_EQ(result.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Count(), 0);
  EXPECT_TRUE(connections().Write(absl::UnixEpoch(), [](WriteScope& scope) { return Insert(scope, 4); }).ok());
  EXPECT_EQ(Count(), 1);
}

TEST_F(ConnectionsTest, ALogThatReadsKeptGrowingIsEmptiedWhenTheyAreOver) {
  const std::string log = store_.database() + "-wal";
  const auto write = [&](int64_t value) {
    EXPECT_TRUE(connections().Write(absl::UnixEpoch(), [&](WriteScope& scope) { return Insert(scope, value); }).ok());
  };
  const absl::Status read = connections().Read([&](Database& db) {
    Statement count = db.Prepare("SELECT COUNT(*) FROM notes");
    EXPECT_TRUE(count.Step());
    for (int64_t value = 0; value < 20; ++value) write(value);
    const absl::Status refused = connections().ShortenLog(0);
    EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
    EXPECT_TRUE(connections().ShortenLog(int64_t{1} << 30).ok());  // not long
    return count.status();
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_GT(std::filesystem::file_size(log), 0u);
  const absl::Status shortened = connections().ShortenLog(0);
  EXPECT_TRUE(shortened.ok()) << shortened;
  EXPECT_EQ(std::filesystem::file_size(log), 0u);
  write(20);
  EXPECT_EQ(Count(), 21);
  const auto limit = connections().Write(absl::UnixEpoch(), [](WriteScope& scope) {
    Statement row = scope.db.Prepare("PRAGMA journal_size_limit");
    EXPECT_TRUE(row.Step());
    EXPECT_EQ(row.Int(0), kLongLogBytes);
    return row.status();
  });
  EXPECT_TRUE(limit.ok()) << limit;
}

TEST_F(ConnectionsTest, ACrowdOfReadersLeavesAFewConnections) {
  constexpr int kReaders = 40;
  std::atomic<int> reading = 0;
  absl::Notification all_read;
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      const absl::Status status = connections().Read([&](Database&) {
        if (++reading == kReaders) all_read.Notify();
        all_read.WaitForNotification();
        return absl::OkStatus();
      });
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(connections().idle_readers(), 0u);
  EXPECT_LE(connections().idle_readers(), 16u);
}

TEST_F(ConnectionsTest, EachWritesItsOwnTime) {
  std::set<int64_t> times;
  std::vector<std::thread> threads;
  absl::Mutex mutex;
  for (int64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_TRUE(connections()
                      .Write(absl::FromUnixSeconds(i),
                             [&](WriteScope& scope) {
                               absl::MutexLock lock(&mutex);
                               times.insert(absl::ToUnixSeconds(scope.now));
                               return absl::OkStatus();
                             })
                      .ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(times.size(), 8u);
}

// Overwrites the first half of every page but the first.
void Damage(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  for (std::streamoff page = 4096; page < size; page += 4096) file.seekp(page) << std::string(2048, '\x5a');
}

TEST(DamagedDatabaseTest, IsRefusedWithWhatToDoAndLeftAsItIs) {
  const TempFolder folder;
  const std::string path = folder.path() + "/skew.db";
  ASSERT_TRUE(Connections::Open(path).ok());
  Damage(path);
  const std::string before = ReadFile(path).value();
  const absl::Status refused = Connections::Open(path).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()),
              ::testing::AllOf(::testing::HasSubstr(path + " is damaged"), ::testing::HasSubstr("--restore BACKUP")));
  EXPECT_EQ(ReadFile(path).value(), before);
}

TEST(DamagedDatabaseTest, SomethingElseIsRefusedToo) {
  const TempFolder folder;
  const std::string path = folder.path() + "/skew.db";
  ASSERT_TRUE(WriteFileAtomically(path, std::string(8192, 'x')).ok());
  EXPECT_EQ(Connections::Open(path).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace skew
