#include "server/store/event_log.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/time/clock.h"
#include "common/status.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

class EventLogTest : public ::testing::Test {
 protected:
  void Append(JobId job, int count) {
    const absl::Status status = store_.connections().Write(absl::Now(), [&](WriteScope& scope) -> absl::Status {
      for (int i = 0; i < count; ++i) {
        v1::Event event;
        event.mutable_run_state()->set_run_id(job.ToString() + ".1");
        SKEW_RETURN_IF_ERROR(AppendEvent(scope, job, event));
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  // Page by page from the beginning; how many pages it took, in `pages`.
  std::vector<v1::Event> ReadAll(const v1::JobFilter& filter, int& pages) {
    std::vector<v1::Event> events;
    int64_t reached = 0;
    for (bool exhausted = false; !exhausted; ++pages) {
      const absl::StatusOr<EventPage> page = store_.events().ReadAll(filter, reached, 64);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok() || (page->reached <= reached && !page->exhausted)) return events;
      events.insert(events.end(), page->events.begin(), page->events.end());
      EXPECT_FALSE(page->complete);
      reached = page->reached;
      exhausted = page->exhausted;
    }
    EXPECT_EQ(reached, *store_.events().NewestRevision());
    return events;
  }

  TestStore store_;
};

TEST_F(EventLogTest, EventsOfAllJobsAreThoseOfEachInOrder) {
  const JobId one = store_.MustSubmit(TestStore::Study(1));
  const JobId other = store_.MustSubmit(TestStore::Study(1));
  for (int i = 0; i < 50; ++i) Append(i % 3 == 0 ? one : other, 3);
  int pages = 0;
  const std::vector<v1::Event> all = ReadAll({}, pages);
  EXPECT_GE(pages, 3);
  EXPECT_EQ(static_cast<int64_t>(all.size()), store_.MustRead("SELECT COUNT(*) FROM events"));
  int64_t before = 0;
  std::map<std::string, int64_t> sequences;
  for (const v1::Event& event : all) {
    EXPECT_GT(event.revision(), before);
    before = event.revision();
    EXPECT_EQ(event.sequence(), ++sequences[event.job_id()]);
  }
  EXPECT_EQ(sequences.size(), 3u);  // with the training of their classifier
}

TEST_F(EventLogTest, AFilterKnowsJobsByWhatTheyAre) {
  const JobId of_bob = store_.MustSubmit(TestStore::Study(1, "bob", {{"paper", "a"}, {"draft", "1"}}));
  const JobId of_ada = store_.MustSubmit(TestStore::Study(1, "ada", {{"paper", "a"}}));
  store_.MustSubmit(TestStore::Study(1, "ada", {{"paper", "b"}}));
  const auto jobs = [&](const v1::JobFilter& filter) {
    int pages = 0;
    std::set<std::string> ids;
    for (const v1::Event& event : ReadAll(filter, pages)) ids.insert(event.job_id());
    return ids;
  };
  v1::JobFilter filter;
  (*filter.mutable_labels())["paper"] = "a";
  EXPECT_EQ(jobs(filter), (std::set<std::string>{of_bob.ToString(), of_ada.ToString()}));
  filter.set_owner("ada");
  EXPECT_EQ(jobs(filter), std::set<std::string>{of_ada.ToString()});
  (*filter.mutable_labels())["draft"] = "1";
  EXPECT_EQ(jobs(filter), std::set<std::string>{});
  v1::JobFilter trainings;
  trainings.set_kind(v1::CLASSIFIER_TRAINING);
  EXPECT_EQ(jobs(trainings).size(), 1u);
}

TEST_F(EventLogTest, WhatIsRareIsLookedForPieceByPiece) {
  const JobId common = store_.MustSubmit(TestStore::Study(1, "ada"));
  Append(common, 10'000);
  const JobId rare = store_.MustSubmit(TestStore::Study(1, "bob"));
  v1::JobFilter filter;
  filter.set_owner("bob");
  int pages = 0;
  const std::vector<v1::Event> events = ReadAll(filter, pages);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].job_id(), rare.ToString());
  EXPECT_GE(pages, 3);
  EXPECT_LE(pages, 5);
}

TEST_F(EventLogTest, ARevisionMustHaveBeenReached) {
  store_.MustSubmit(TestStore::Study(1));
  const int64_t newest = *store_.events().NewestRevision();
  EXPECT_TRUE(store_.events().ReadAll({}, newest, 10)->events.empty());
  for (const int64_t revision : {int64_t{-1}, newest + 1}) {
    EXPECT_TRUE(absl::IsInvalidArgument(store_.events().ReadAll({}, revision, 10).status())) << revision;
  }
}

}  // namespace
}  // namespace skew
