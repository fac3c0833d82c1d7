#include "server/store/job_listing.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

constexpr int64_t kAll = 1'000'000;

std::vector<int64_t> Numbers(TestStore& store, const v1::JobFilter& filter, int page_size) {
  std::vector<int64_t> numbers;
  for (int64_t before = kAll; before > 0;) {
    const absl::Status status = store.connections().Read([&](Database& db) {
      const absl::StatusOr<JobIdPage> page = FindJobs(db, filter, before, page_size);
      if (!page.ok()) return page.status();
      EXPECT_LE(page->ids.size(), static_cast<size_t>(page_size));
      for (const JobId id : page->ids) numbers.push_back(id.number);
      EXPECT_LT(page->before, before);
      before = page->before;
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) break;
  }
  return numbers;
}

// What Job says of itself decides whether it should be there.
bool IsWanted(const v1::JobFilter& filter, const v1::Job& job) {
  if (filter.deleted() != job.has_delete_time()) return false;
  if (!filter.owner().empty() && filter.owner() != job.owner()) return false;
  if (filter.kind() != v1::JOB_KIND_UNSPECIFIED && filter.kind() != job.kind()) return false;
  for (const auto& [key, value] : filter.labels()) {
    const auto label = job.spec().labels().find(key);
    if (label == job.spec().labels().end() || label->second != value) return false;
  }
  return filter.states().empty() ||
         std::find(filter.states().begin(), filter.states().end(), job.state()) != filter.states().end();
}

class JobListingTest : public ::testing::Test {
 protected:
  // Jobs of all kinds, states and labels, in no order.
  void Fill(int jobs) {
    std::mt19937 random(7);
    for (int i = 0; i < jobs; ++i) {
      const std::string owner = random() % 3 == 0 ? "ada" : "grace";
      NewJob job = random() % 8 == 0 ? TestStore::Training(owner) : TestStore::Study(2, owner);
      (*job.spec.mutable_labels())["parity"] = i % 2 == 0 ? "even" : "odd";
      if (random() % 5 == 0) (*job.spec.mutable_labels())["rare"] = "yes";
      const JobId id = store_.MustSubmit(job);
      for (const int number : {1, 2}) {
        store_.MustExecute(absl::StrCat("UPDATE runs SET state = ", 1 + random() % 7, " WHERE job_id = ", id.number,
                                        " AND number = ", number));
      }
      if (random() % 4 == 0) {
        store_.MustExecute(absl::StrCat("UPDATE jobs SET delete_time = 1, purge_time = 2 WHERE id = ", id.number));
      }
      newest_ = std::max(newest_, id.number);
    }
  }

  std::vector<int64_t> Wanted(const v1::JobFilter& filter) {
    std::vector<int64_t> numbers;
    for (int64_t number = newest_; number > 0; --number) {
      const absl::StatusOr<v1::Job> job = store_.jobs().Get(JobId{number});
      EXPECT_TRUE(job.ok()) << job.status();
      if (job.ok() && IsWanted(filter, *job)) numbers.push_back(number);
    }
    return numbers;
  }

  TestStore store_;
  int64_t newest_ = 0;
};

TEST_F(JobListingTest, EveryFilterFindsWhatItShould) {
  Fill(60);
  int found = 0;
  for (const char* owner : {"", "ada", "nobody"}) {
    for (const v1::JobKind kind : {v1::JOB_KIND_UNSPECIFIED, v1::STUDY, v1::CLASSIFIER_TRAINING}) {
      for (const std::vector<v1::JobState>& states :
           std::vector<std::vector<v1::JobState>>{{}, {v1::JOB_FAILED}, {v1::JOB_QUEUED, v1::JOB_RUNNING}}) {
        for (const std::map<std::string, std::string>& labels : std::vector<std::map<std::string, std::string>>{
                 {}, {{"parity", "odd"}}, {{"parity", "even"}, {"rare", "yes"}}, {{"parity", "neither"}}}) {
          for (const bool deleted : {false, true}) {
            v1::JobFilter filter;
            filter.set_owner(owner);
            filter.set_kind(kind);
            filter.set_deleted(deleted);
            for (const v1::JobState state : states) filter.add_states(state);
            filter.mutable_labels()->insert(labels.begin(), labels.end());
            const std::vector<int64_t> wanted = Wanted(filter);
            EXPECT_EQ(Numbers(store_, filter, 1000), wanted) << filter.ShortDebugString();
            EXPECT_EQ(Numbers(store_, filter, 3), wanted) << filter.ShortDebugString();
            found += static_cast<int>(wanted.size());
          }
        }
      }
    }
  }
  EXPECT_GT(found, 500);
}

TEST_F(JobListingTest, TheWorkForAPageIsBounded) {
  // Two labels that share 20,000 jobs in turn and never meet.
  store_.MustExecute(
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "INSERT INTO jobs (kind, owner, request_digest, spec, dataset_digest, classifier_key, create_time) "
      "SELECT 1, 'ada', '', x'', '', '', 0 FROM n");
  store_.MustExecute("INSERT INTO job_labels (job_id, key, value) SELECT id, 'a' || (id % 2), 'v' FROM jobs");
  v1::JobFilter filter;
  (*filter.mutable_labels())["a0"] = "v";
  (*filter.mutable_labels())["a1"] = "v";
  const absl::Status status = store_.connections().Read([&](Database& db) {
    const absl::StatusOr<JobIdPage> page = FindJobs(db, filter, kAll, 100);
    EXPECT_TRUE(page->ids.empty());
    EXPECT_GT(page->before, 10'000);
    return page.status();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(Numbers(store_, filter, 100).empty());
}

TEST_F(JobListingTest, TheStateInTheTableIsThatOfTheRuns) {
  // All pairs of run states.
  for (int first = v1::QUEUED; first <= v1::CANCELLED; ++first) {
    for (int second = v1::QUEUED; second <= v1::CANCELLED; ++second) {
      const JobId id = store_.MustSubmit(TestStore::Study(2));
      store_.MustExecute(absl::StrCat("UPDATE runs SET state = ", first, ", start_time = 5 WHERE job_id = ", id.number,
                                      " AND number = 1"));
      store_.MustExecute(absl::StrCat("UPDATE runs SET state = ", second,
                                      ", start_time = 3, end_time = 9 WHERE job_id = ", id.number, " AND number = 2"));
      v1::RunCounts counts;
      AddRuns(static_cast<v1::RunState>(first), 1, counts);
      AddRuns(static_cast<v1::RunState>(second), 1, counts);
      const absl::StatusOr<v1::Job> job = store_.jobs().Get(id);
      ASSERT_TRUE(job.ok()) << job.status();
      EXPECT_EQ(job->runs().ShortDebugString(), counts.ShortDebugString());
      EXPECT_EQ(store_.MustRead(absl::StrCat("SELECT state FROM jobs WHERE id = ", id.number)), JobStateOf(counts));
      EXPECT_EQ(absl::FromUnixMicros(3), absl::FromUnixMicros(job->start_time().nanos() / 1000));
      EXPECT_EQ(job->has_end_time(), IsTerminal(JobStateOf(counts)));
    }
  }
  for (int state = v1::QUEUED; state <= v1::CANCELLED; ++state) {
    EXPECT_EQ(store_.MustRead(absl::StrCat("SELECT runs FROM run_totals WHERE state = ", state)),
              store_.MustRead(absl::StrCat("SELECT COUNT(*) FROM runs WHERE state = ", state)));
  }
}

TEST_F(JobListingTest, CountsFollowRunsThatAreRemoved) {
  const JobId id = store_.MustSubmit(TestStore::Study(3));
  store_.MustExecute(absl::StrCat("DELETE FROM runs WHERE number = 2 AND job_id = ", id.number));
  EXPECT_EQ(store_.jobs().Get(id)->runs().total(), 2);
  EXPECT_EQ(store_.jobs().Get(id)->runs().queued(), 2);
}

}  // namespace
}  // namespace skew
