#include "client/render/results_notes.h"

#include <string>
#include <vector>

#include "client/render/details.h"
#include "common/proto_time.h"
#include "tests/client/report_study.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ResultsNotesTest, SayWhatTheStopRuleSparedAndWhatItDoesToIntervals) {
  const auto results = Parse<v1::GetResultsResponse>("saved { runs: 7 time { seconds: 4200 } }");
  EXPECT_THAT(ResultsNotes(results),
              AllOf(HasSubstr("The stop rule has spared 7 runs, about 1h 10m of a slot.\n"),
                    HasSubstr("plain 95% intervals, as shown here, cover somewhat less than 95%"),
                    HasSubstr("Student's 98% interval")));
}

TEST(ResultsNotesTest, SayHowManyRunsTheSharesRestOn) {
  const auto results = Parse<v1::GetResultsResponse>(R"pb(
    cells {
      model: 'dcgan'
      bias_point { counts { key: 1 value: 50 } }
      runs_succeeded: 2
      runs_total: 3
      runs_counted: 1
    }
    cells { model: 'vae' runs_succeeded: 3 runs_total: 3 runs_counted: 3 }
    cells { model: 'from a server that does not say' runs_succeeded: 3 runs_total: 3 }
  )pb");
  EXPECT_EQ(ResultsNotes(results), "\n* dcgan 1:50: 1 of 2 counted: 1 without an accepted image\n");
}

TEST(ResultsNotesTest, SayWhetherTheNullArmReadsWhatItShould) {
  const auto results = Parse<v1::GetResultsResponse>(R"pb(
    cells {
      model: 'resample'
      classes {
        trained_share: 0.5
        generated { mean: 0.5 low: 0.4 high: 0.6 }
      }
    }
  )pb");
  EXPECT_EQ(ResultsNotes(results),
            "\nresample: 1 of 1 95% intervals contain the trained share as judged: the instrument reads what it should."
            "\n");
}

TEST(ResultsNotesTest, ARuleThatSparedNothingChangesNothing) {
  EXPECT_EQ(ResultsNotes(Parse<v1::GetResultsResponse>("saved {}")), "");
  EXPECT_EQ(ResultsNotes({}), "");
}

TEST(ResultsNotesTest, OneRunIsOne) {
  EXPECT_EQ(SparedText(Parse<v1::SavedRuns>("runs: 1 time { seconds: 5 }")), "1 run, about 5s of a slot");
}

// Three of ten iterations that agree: the share is known within 5 percentage points.
TEST(JobDetailsTest, SayWhatTheStopRuleSpared) {
  v1::Job job;
  job.set_state(v1::JOB_SUCCEEDED);
  job.mutable_spec()->set_iterations(10);
  job.mutable_spec()->mutable_stop()->set_class_(1);
  job.mutable_spec()->mutable_stop()->set_half_width(0.05);
  std::vector<v1::Run> runs;
  for (int iteration = 0; iteration < 3; ++iteration) {
    v1::Run& run = runs.emplace_back(ReportRun("j1", iteration + 1, 0, 100, iteration));
    *run.mutable_start_time() = ToProto(absl::FromUnixSeconds(1000));
    *run.mutable_end_time() = ToProto(absl::FromUnixSeconds(1000 + 600));
  }
  EXPECT_THAT(JobDetails(job, runs), HasSubstr("spared:     7 runs, about 1h 10m of a slot, by the stop rule\n"));
  job.mutable_spec()->clear_stop();
  EXPECT_THAT(JobDetails(job, runs), Not(HasSubstr("spared")));
}

}  // namespace
}  // namespace skew
