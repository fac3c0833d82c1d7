#include "server/store/judge_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "tests/testing/test_store.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Studies with two judges: the classifiers "key" and "second".
class JudgeRowsTest : public ::testing::Test {
 protected:
  static NewJob Study(const std::string& content = "", int runs = 1) {
    NewJob job = TestStore::Study(runs);
    job.more_judge_keys = {"second"};
    for (v1::Run& run : job.runs) {
      run.set_content_key(content);
      run.set_precision(v1::BF16);
    }
    return job;
  }

  void Report(const AttemptId& attempt, worker::v1::Report report) {
    report.set_number(*store_.runs().LastReport(attempt) + 1);
    const absl::Status status = store_.runs().ApplyReport(attempt, report);
    EXPECT_TRUE(status.ok()) << status;
  }

  Claim Start() {
    const std::optional<Claim> claim = store_.ClaimNext("token " + std::to_string(++tokens_));
    EXPECT_TRUE(claim.has_value());
    worker::v1::Report started;
    started.mutable_started()->set_precision(v1::BF16);
    Report(claim->attempt, started);
    return *claim;
  }

  void End(const AttemptId& attempt, v1::RunState state) {
    const auto end = store_.runs().EndAttempt(attempt, [&](const AttemptFacts&) {
      return AttemptEnd{state, v1::REASON_UNSPECIFIED, ""};
    });
    EXPECT_TRUE(end.ok()) << end.status();
  }

  // The training that is next in the queue.
  void Train(const std::string& digest) {
    const Claim claim = Start();
    EXPECT_THAT(claim.judges, IsEmpty());
    worker::v1::Report artifact;
    artifact.mutable_artifact()->set_name("classifier.pt");
    artifact.mutable_artifact()->set_digest("weights of " + digest);
    Report(claim.attempt, artifact);
    worker::v1::Report finished;
    finished.mutable_finished()->mutable_classifier()->set_digest(digest);
    Report(claim.attempt, finished);
    End(claim.attempt, v1::SUCCEEDED);
  }

  void TrainBoth() {
    Train("one");
    Train("two");
  }

  void Finish(const AttemptId& attempt, const std::string& second = "two") {
    worker::v1::Report report;
    v1::ClassHistogram& histogram = *report.mutable_histogram();
    histogram.set_final(true);
    histogram.set_images(5);
    (*histogram.mutable_counts())[1] = 5;
    v1::ClassHistogram further = histogram;
    further.set_classifier_digest(second);
    histogram.set_classifier_digest("one");
    *histogram.add_more_judges() = further;
    Report(attempt, report);
    End(attempt, v1::SUCCEEDED);
  }

  std::string ReusedFrom(JobId job, int32_t number = 1) {
    return store_.jobs().GetRun(RunId{job, number})->reused_from();
  }

  TestStore store_;
  int tokens_ = 0;
};

TEST_F(JudgeRowsTest, AStudyWaitsUntilAllItsJudgesAreTrained) {
  const JobId study = store_.MustSubmit(Study());
  EXPECT_EQ(study, JobId{3});  // after two trainings
  Train("one");
  const QueuePicture picture = *store_.queue().ReadAll(8);
  ASSERT_THAT(picture.users, SizeIs(1));
  std::map<JobId, QueueRow> rows;
  for (const QueueRow& row : picture.users[0].rows) rows[row.key.job] = row;
  EXPECT_THAT(rows.at(study).trainings, ElementsAre(JobId{2}));
  EXPECT_TRUE(rows.at(JobId{2}).awaited);
  EXPECT_EQ(store_.MustRead("SELECT waits FROM queue WHERE job_id = 3"), 1);
  Train("two");
  const Claim claim = Start();
  EXPECT_EQ(claim.attempt.run.job, study);
  ASSERT_THAT(claim.judges, SizeIs(2));
  EXPECT_EQ(claim.judges[0].classifier.digest(), "one");
  EXPECT_EQ(claim.judges[0].weights, "weights of one");
  EXPECT_EQ(claim.judges[1].classifier.digest(), "two");
  EXPECT_EQ(claim.judges[1].weights, "weights of two");
}

TEST_F(JudgeRowsTest, EachIsTrainedOnceForAllStudies) {
  store_.MustSubmit(Study());
  EXPECT_EQ(store_.MustSubmit(Study()), JobId{4});
  NewJob other = TestStore::Study(1);
  other.classifier_key = "second";
  NewJob training = TestStore::Training();
  training.classifier_key = "second";
  const auto submission = store_.jobs().Submit(other, {training}, TestStore::Ada());
  ASSERT_TRUE(submission.ok());
  EXPECT_THAT(submission->notes, ElementsAre("its runs start when job j2 has trained the classifier"));
  TrainBoth();
  EXPECT_TRUE(store_.jobs().Submit(Study(), {}, TestStore::Ada())->notes.empty());
}

TEST_F(JudgeRowsTest, AStudyFailsWithTheTrainingOfAnyJudgeAndIsRetriedWithIt) {
  const JobId study = store_.MustSubmit(Study("", 3));
  Train("one");
  End(Start().attempt, v1::FAILED);
  EXPECT_EQ(*store_.runs().FailOrphanedStudies(), 3);
  const v1::Run run = *store_.jobs().GetRun(RunId{study, 1});
  EXPECT_EQ(run.reason(), v1::DEPENDENCY_FAILED);
  EXPECT_EQ(run.message(), "job j2, the training of its classifier, ended without one");
  ASSERT_TRUE(store_.queue().Retry(study, TestStore::Ada()).ok());
  Train("two");
  EXPECT_EQ(Start().attempt.run.job, study);
}

TEST_F(JudgeRowsTest, AStudyWithoutAnyOfItsJudgesFailsOnce) {
  store_.MustSubmit(Study());
  End(Start().attempt, v1::FAILED);
  End(Start().attempt, v1::FAILED);
  EXPECT_EQ(*store_.runs().FailOrphanedStudies(), 1);
  EXPECT_EQ(*store_.runs().FailOrphanedStudies(), 0);
}

TEST_F(JudgeRowsTest, ResultsComeWithAllJudges) {
  const JobId study = store_.MustSubmit(Study());
  TrainBoth();
  Finish(Start().attempt);
  const auto stored = store_.jobs().GetWithRuns(study);
  ASSERT_TRUE(stored.ok());
  ASSERT_THAT(stored->classifiers, SizeIs(2));
  EXPECT_TRUE(stored->classifiers[0].has_spec());
  EXPECT_EQ(stored->runs[0].histogram().more_judges(0).classifier_digest(), "two");
  EXPECT_EQ(stored->runs[0].classifier_digest(), "one");
}

TEST_F(JudgeRowsTest, AHistogramWhosePartsDoNotAddUpIsRefused) {
  store_.MustSubmit(Study());
  TrainBoth();
  const AttemptId attempt = Start().attempt;
  worker::v1::Report report;
  report.set_number(2);
  report.mutable_histogram()->set_final(true);
  report.mutable_histogram()->add_more_judges()->set_images(1);
  EXPECT_EQ(store_.runs().ApplyReport(attempt, report).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(JudgeRowsTest, RunsAreAnsweredByWhatTheSameJudgesJudged) {
  const JobId first = store_.MustSubmit(Study("a", 2));
  TrainBoth();
  Finish(Start().attempt);
  const std::string source = RunId{first, 1}.ToString();
  EXPECT_EQ(ReusedFrom(first, 2), source);  // it waited
  const JobId second = store_.MustSubmit(Study("a"));
  EXPECT_EQ(ReusedFrom(second), source);
  EXPECT_EQ(store_.jobs().GetRun(RunId{second, 1})->histogram().more_judges_size(), 1);
}

TEST_F(JudgeRowsTest, AnotherFurtherJudgeIsAnotherResult) {
  store_.MustSubmit(Study("a"));
  const JobId waiting = store_.MustSubmit(Study("a"));
  TrainBoth();
  Finish(Start().attempt, "a second judge of before");
  EXPECT_EQ(ReusedFrom(waiting), "");
  EXPECT_EQ(store_.reuse().FindAnswers(Study("a"))->size(), 0u);
  store_.MustExecute("UPDATE classifiers SET digest = 'a second judge of before' WHERE key = 'second'");
  EXPECT_EQ(store_.reuse().FindAnswers(Study("a"))->size(), 1u);
  store_.MustExecute("DELETE FROM classifiers WHERE key = 'second'");
  EXPECT_EQ(store_.reuse().FindAnswers(Study("a"))->size(), 0u);
}

TEST_F(JudgeRowsTest, TheyGoWithTheirJob) {
  const JobId study = store_.MustSubmit(Study());
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM more_judges"), 1);
  for (const char* table : {"queue", "runs", "events"}) {
    store_.MustExecute(absl::StrCat("DELETE FROM ", table, " WHERE job_id = ", study.number));
  }
  store_.MustExecute(absl::StrCat("DELETE FROM jobs WHERE id = ", study.number));
  EXPECT_EQ(store_.MustRead("SELECT COUNT(*) FROM more_judges"), 0);
}

}  // namespace
}  // namespace skew
