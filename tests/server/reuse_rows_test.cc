#include "server/store/reuse_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/testing/query_plans.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReuseRowsTest : public ::testing::Test {
 protected:
  ReuseRowsTest() {
    store_.MustSubmit(Study({}));
    TrainJudge("judge");
  }

  // A study with these contents, which are expected to be computed in BF16.
  static NewJob Study(const std::vector<std::string>& contents) {
    NewJob job = TestStore::Study(static_cast<int>(contents.size()));
    for (size_t i = 0; i < contents.size(); ++i) {
      job.runs[i].set_content_key(contents[i]);
      job.runs[i].set_precision(v1::BF16);
    }
    return job;
  }

  void Report(const AttemptId& attempt, worker::v1::Report report) {
    report.set_number(*store_.runs().LastReport(attempt) + 1);
    const absl::Status status = store_.runs().ApplyReport(attempt, report);
    EXPECT_TRUE(status.ok()) << status;
  }

  AttemptId Start(v1::Precision precision = v1::BF16) {
    const std::optional<Claim> claim = store_.ClaimNext("token " + std::to_string(++tokens_));
    EXPECT_TRUE(claim.has_value());
    worker::v1::Report started;
    started.mutable_started()->set_precision(precision);
    started.mutable_started()->set_manifest_digest("manifest");
    Report(claim->attempt, started);
    return claim->attempt;
  }

  void End(const AttemptId& attempt, v1::RunState state) {
    const auto end = store_.runs().EndAttempt(attempt, [&](const AttemptFacts&) {
      return AttemptEnd{state, v1::REASON_UNSPECIFIED, ""};
    });
    EXPECT_TRUE(end.ok()) << end.status();
  }

  void TrainJudge(const std::string& digest) {
    const AttemptId attempt = Start();
    worker::v1::Report weights;
    weights.mutable_artifact()->set_name("classifier.pt");
    weights.mutable_artifact()->set_digest("weights of " + digest);
    Report(attempt, weights);
    worker::v1::Report finished;
    finished.mutable_finished()->mutable_classifier()->set_digest(digest);
    Report(attempt, finished);
    End(attempt, v1::SUCCEEDED);
  }

  // Two histograms and an artifact.
  void Finish(const AttemptId& attempt, const std::string& judge = "judge") {
    for (const bool final : {false, true}) {
      worker::v1::Report report;
      v1::ClassHistogram& histogram = *report.mutable_histogram();
      histogram.set_final(final);
      histogram.set_step(final ? 20 : 10);
      histogram.set_images(5);
      (*histogram.mutable_counts())[1] = 5;
      histogram.set_classifier_digest(judge);
      Report(attempt, report);
    }
    worker::v1::Report artifact;
    artifact.mutable_artifact()->set_name("samples.png");
    artifact.mutable_artifact()->set_digest("digest");
    artifact.mutable_artifact()->set_size_bytes(17);
    Report(attempt, artifact);
    End(attempt, v1::SUCCEEDED);
  }

  static std::string Name(JobId job, int32_t number = 1) { return RunId{job, number}.ToString(); }

  v1::Run Run(JobId job, int32_t number = 1) { return *store_.jobs().GetRun(RunId{job, number}); }

  // "j4.1" for every run that was answered with it, "" for one that waits.
  std::vector<std::string> Sources(JobId job) {
    v1::ListRunsRequest request;
    request.set_job_id(job.ToString());
    std::vector<std::string> sources;
    const v1::ListRunsResponse response = *store_.jobs().ListRuns(request);
    for (const v1::Run& run : response.runs()) {
      EXPECT_EQ(run.reused_from().empty(), run.state() != v1::SUCCEEDED);
      sources.push_back(run.reused_from());
    }
    return sources;
  }

  TestStore store_;
  int tokens_ = 0;
};

TEST_F(ReuseRowsTest, WhatWasDoneIsAnsweredWhenItIsSubmitted) {
  const JobId first = store_.MustSubmit(Study({"a", "b"}));
  Finish(Start());
  const absl::StatusOr<Submission> again =
      store_.jobs().Submit(Study({"b", "a", "c", ""}), {TestStore::Training()}, TestStore::Ada());
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->notes, ElementsAre("1 of 4 runs done already: answered from the store"));
  EXPECT_EQ(again->job.runs().succeeded(), 1);
  EXPECT_EQ(again->job.runs().reused(), 1);
  EXPECT_EQ(again->job.runs().queued(), 3);
  EXPECT_EQ(again->job.state(), v1::JOB_RUNNING);
  const JobId second = *JobId::Parse(again->job.id());
  const std::string source = Name(first);
  EXPECT_THAT(Sources(second), ElementsAre("", source, "", ""));
}

TEST_F(ReuseRowsTest, TheAnswerHasEverythingTheRunHas) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  Finish(Start());
  const JobId second = store_.MustSubmit(Study({"a"}));
  const v1::Run run = Run(second);
  EXPECT_EQ(run.state(), v1::SUCCEEDED);
  EXPECT_EQ(run.reused_from(), Name(first));
  EXPECT_EQ(run.content_key(), "a");
  EXPECT_EQ(run.manifest_digest(), "manifest");
  EXPECT_EQ(run.classifier_digest(), "judge");
  EXPECT_EQ(run.precision(), v1::BF16);
  EXPECT_EQ(run.histogram().run_id(), run.id());
  EXPECT_TRUE(run.histogram().final());
  EXPECT_EQ(run.attempts_size(), 0);
  EXPECT_TRUE(run.has_end_time());
  EXPECT_FALSE(run.has_start_time());
  const RunRecord record = *store_.reuse().ReadRecord(RunId{second, 1});
  ASSERT_EQ(record.histograms.size(), 2u);
  EXPECT_EQ(record.histograms[0].step(), 10);
  EXPECT_EQ(store_.artifacts().List(second)->at(0).size_bytes(), 17);
  const EventPage page = *store_.events().Read(second, 0, 100);
  ASSERT_EQ(page.events.size(), 3u);
  EXPECT_TRUE(page.complete);
  EXPECT_TRUE(page.events[0].has_job_accepted());
  EXPECT_TRUE(page.events[1].histogram().final());
  EXPECT_EQ(page.events[2].run_state().state(), v1::SUCCEEDED);
  EXPECT_EQ(page.events[2].run_state().reused_from(), run.reused_from());
}

TEST_F(ReuseRowsTest, RunsThatWaitAreAnsweredWhenTheFirstIsDone) {
  const JobId first = store_.MustSubmit(Study({"a", "a"}));
  const JobId second = store_.MustSubmit(Study({"b", "a"}));
  const AttemptId attempt = Start();
  EXPECT_THAT(Sources(second), ElementsAre("", ""));
  Finish(attempt);
  const std::string source = Name(first);
  EXPECT_EQ(Run(first, 2).reused_from(), source);
  EXPECT_THAT(Sources(second), ElementsAre("", source));
  EXPECT_EQ(store_.jobs().Get(first)->state(), v1::JOB_SUCCEEDED);
}

TEST_F(ReuseRowsTest, AnsweredRunsLeaveTheQueue) {
  store_.MustSubmit(Study({"a", "a", "b"}));
  Finish(Start());  // and with it the second
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue"), 1);
  store_.MustSubmit(Study({"a", "c"}));
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue"), 2);
  EXPECT_EQ(store_.jobs().CountRuns()->queued(), 2);
  Finish(Start());
  Finish(Start());
  EXPECT_FALSE(store_.ClaimNext("none is left").has_value());
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue"), 0);
}

TEST_F(ReuseRowsTest, WhatIsTrainedAlreadyIsNotBegunOnceMore) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  const JobId second = store_.MustSubmit(Study({"a", "b"}));
  const JobId third = store_.MustSubmit(Study({"a"}));
  const AttemptId one = Start();
  EXPECT_EQ(Start().run.ToString(), Name(second, 2));
  EXPECT_FALSE(store_.ClaimNext("none is left").has_value());
  EXPECT_EQ(Run(second).message(), "waits for " + Name(first) + ", which trains the same");
  EXPECT_EQ(Run(third).message(), Run(second).message());
  const std::vector<QueueUser> users = store_.queue().ReadAll(9)->users;
  EXPECT_EQ(users.front().rows.back().stands_back, Run(third).message());
  EXPECT_LT(*store_.runs().NextRetryTime(absl::Now()), absl::Now() + absl::Minutes(1)) << "when it is looked at again";
  Finish(one);
  EXPECT_EQ(Run(second).reused_from(), Name(first));
  EXPECT_EQ(Run(second).message(), "");
}

TEST_F(ReuseRowsTest, WhatHasFailedIsBegunByTheNext) {
  store_.MustSubmit(Study({"a"}));
  const JobId second = store_.MustSubmit(Study({"a"}));
  const AttemptId one = Start();
  EXPECT_FALSE(store_.ClaimNext("it waits for the first").has_value());
  End(one, v1::FAILED);
  EXPECT_EQ(Run(second).message(), "");
  EXPECT_EQ(Start().run.ToString(), Name(second)) << "at once";
}

// It would not be answered by it.
TEST_F(ReuseRowsTest, NobodyStandsBackForARunOfAnotherJudge) {
  store_.MustSubmit(Study({"a"}));
  Start();
  NewJob training = TestStore::Training();
  training.classifier_key = "other";
  NewJob other = Study({"a"});
  other.classifier_key = "other";
  ASSERT_TRUE(store_.jobs().Submit(other, {training}, TestStore::Ada()).ok());
  TrainJudge("another judge");
  EXPECT_TRUE(store_.ClaimNext("it is another result").has_value());
}

// Both have been begun: one was requeued and goes on from its checkpoint.
TEST_F(ReuseRowsTest, RunsUnderWayGoOn) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  const JobId second = store_.MustSubmit(Study({"a"}));
  store_.MustExecute(absl::StrCat("UPDATE runs SET attempts = 1 WHERE job_id = ", second.number));
  const AttemptId one = Start();
  const AttemptId other = Start();
  Finish(one);
  EXPECT_EQ(Run(second).state(), v1::RUNNING);
  Finish(other);
  EXPECT_EQ(Run(first).reused_from(), "");
  EXPECT_EQ(Run(second).reused_from(), "");
}

// With what another run made, not with what it made itself before it failed.
TEST_F(ReuseRowsTest, WhatIsStartedAgainIsAnsweredIfItWasDoneMeanwhile) {
  const JobId first = store_.MustSubmit(Study({"a", "b"}));
  const AttemptId failed = Start();
  worker::v1::Report report;
  report.mutable_histogram()->set_step(5);
  report.mutable_histogram()->set_images(3);
  report.mutable_histogram()->set_rejected(3);
  Report(failed, report);
  report.mutable_artifact()->set_name("samples.png");
  report.mutable_artifact()->set_digest("of a failure");
  Report(failed, report);
  End(failed, v1::FAILED);
  const JobId second = store_.MustSubmit(Study({"a"}));
  Finish(Start());  // "b"
  Finish(Start());
  EXPECT_EQ(Run(second).state(), v1::SUCCEEDED);
  ASSERT_TRUE(store_.queue().Retry(first, TestStore::Ada()).ok());
  EXPECT_EQ(Run(first).state(), v1::QUEUED);
  EXPECT_FALSE(store_.ClaimNext("none is left").has_value());
  const v1::Run answered = Run(first);
  EXPECT_EQ(answered.state(), v1::SUCCEEDED);
  EXPECT_EQ(answered.reused_from(), Name(second));
  EXPECT_EQ(answered.attempts_size(), 1) << "it was tried";
  const RunRecord record = *store_.reuse().ReadRecord(RunId{first, 1});
  ASSERT_EQ(record.histograms.size(), 2u);
  EXPECT_EQ(record.histograms[0].step(), 10);
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM artifacts WHERE digest = 'of a failure'"), 0);
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM removals WHERE path LIKE '%of a failure'"), 1) << "its file goes";
  EXPECT_EQ(store_.MustRead("SELECT SUM(queued) FROM queue"), 0);
  EXPECT_EQ(store_.jobs().Get(first)->state(), v1::JOB_SUCCEEDED);
}

TEST_F(ReuseRowsTest, AFailedRunAnswersNothing) {
  store_.MustSubmit(Study({"a"}));
  const JobId second = store_.MustSubmit(Study({"a"}));
  End(Start(), v1::FAILED);
  EXPECT_THAT(Sources(second), ElementsAre(""));
  EXPECT_THAT(Sources(store_.MustSubmit(Study({"a"}))), ElementsAre(""));
}

TEST_F(ReuseRowsTest, WhoeverForbidsItIsNotAnsweredButAnswersOthers) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  NewJob forced = Study({"a"});
  forced.no_reuse = true;
  const JobId waiting = store_.MustSubmit(forced);
  Finish(Start());
  EXPECT_THAT(Sources(waiting), ElementsAre(""));
  EXPECT_EQ(store_.reuse().FindAnswers(forced)->size(), 0u);
  EXPECT_TRUE(store_.jobs().Get(waiting)->no_reuse());
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 1u);
  Finish(Start());
  EXPECT_EQ(Run(first).reused_from(), "");
  EXPECT_THAT(Sources(store_.MustSubmit(Study({"a"}))), ElementsAre(Name(waiting)));  // the newest
}

TEST_F(ReuseRowsTest, AnotherJudgeIsAnotherResult) {
  store_.MustSubmit(Study({"a"}));
  Finish(Start(), "a judge of before");
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 0u);
  const JobId second = store_.MustSubmit(Study({"a", "a"}));
  EXPECT_THAT(Sources(second), ElementsAre("", ""));
  const AttemptId attempt = Start();
  store_.MustExecute("UPDATE classifiers SET digest = 'new'");
  Finish(attempt, "judge");
  EXPECT_EQ(Run(second, 2).state(), v1::QUEUED);  // it would be judged by the new one
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 0u);
  store_.MustExecute("UPDATE classifiers SET digest = 'judge'");
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 1u);
}

TEST_F(ReuseRowsTest, ARunInAnotherPrecisionThanForeseenAnswersNothing) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  Finish(Start(v1::FP32));
  EXPECT_EQ(Run(first).content_key(), "");
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 0u);
}

TEST_F(ReuseRowsTest, WhereNobodyCouldForeseeItAnyPrecisionWillDo) {
  NewJob study = Study({"a"});
  study.runs[0].set_precision(v1::AUTO);
  store_.MustSubmit(study);
  Finish(Start(v1::FP32));
  EXPECT_EQ(store_.reuse().FindAnswers(study)->size(), 1u);
}

TEST_F(ReuseRowsTest, AnswersOutliveTheOriginalAndAnswerInTurn) {
  const JobId first = store_.MustSubmit(Study({"a"}));
  Finish(Start());
  const JobId second = store_.MustSubmit(Study({"a"}));
  for (const char* table : {"histograms", "artifacts", "attempts", "queue", "runs", "events", "jobs"}) {
    store_.MustExecute(absl::StrCat("DELETE FROM ", table, " WHERE ", std::string(table) == "jobs" ? "id" : "job_id",
                                    " = ", first.number));
  }
  EXPECT_EQ(Run(second).histogram().images(), 5);
  EXPECT_EQ(store_.artifacts().List(second)->size(), 1u);
  const JobId third = store_.MustSubmit(Study({"a"}));
  EXPECT_THAT(Sources(third), ElementsAre(Name(first)));
  EXPECT_EQ(store_.reuse().ReadRecord(RunId{third, 1})->histograms.size(), 2u);
}

TEST_F(ReuseRowsTest, TheCountFollowsWhenRunsAreRemoved) {
  store_.MustSubmit(Study({"a"}));
  Finish(Start());
  const JobId second = store_.MustSubmit(Study({"a", "a"}));
  EXPECT_EQ(store_.jobs().Get(second)->runs().reused(), 2);
  store_.MustExecute("DELETE FROM histograms; DELETE FROM artifacts");
  store_.MustExecute(absl::StrCat("DELETE FROM runs WHERE job_id = ", second.number, " AND number = 1"));
  EXPECT_EQ(store_.jobs().Get(second)->runs().reused(), 1);
}

TEST_F(ReuseRowsTest, LooksUpByIndex) {
  store_.MustSubmit(Study({"a"}));
  store_.MustSubmit(Study({"a"}));
  Finish(Start());
  EXPECT_EQ(store_.reuse().FindAnswers(Study({"a"}))->size(), 1u);
  int lookups = 0;
  const auto db = Database::Open(store_.database(), Database::Mode::kReadOnly, absl::Seconds(1));
  ASSERT_TRUE(db.ok());
  const std::vector<std::string> statements = store_.connections().KeptStatements();
  for (const std::string& statement : statements) {
    if (!absl::StrContains(statement, "content_key = ? AND")) continue;
    ++lookups;
    Statement plan = (*db)->Prepare("EXPLAIN QUERY PLAN " + statement);
    ASSERT_TRUE(plan.Step()) << plan.status();
    EXPECT_THAT(plan.Text(3), ::testing::HasSubstr("INDEX runs_by_content (content_key=? AND state=?")) << statement;
  }
  EXPECT_EQ(lookups, 2);
  EXPECT_THAT(CostlySteps(**db, statements), IsEmpty());
}

}  // namespace
}  // namespace skew
