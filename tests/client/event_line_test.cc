#include "client/render/event_line.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

constexpr char kRun[] =
    "id: 'j1.3' model: 'dcgan' iteration: 1 bias_point { counts { key: 0 value: 2000 } counts { key: 1 value: 250 } }";

struct Case {
  const char* name;
  const char* change;
  const char* line;
};

class EventLines : public ::testing::TestWithParam<Case> {};

TEST_P(EventLines, SayWhatHappened) {
  const auto run = Parse<v1::Run>(kRun);
  const auto event = Parse<v1::Event>(
      absl::StrCat("revision: 12 job_id: 'j1' sequence: 4 time { seconds: 1700000000 } ", GetParam().change));
  EXPECT_EQ(EventLine(event, &run), absl::StrCat("2023-11-14T22:13:20Z 12 ", GetParam().line));
}

INSTANTIATE_TEST_SUITE_P(
    EventLineTest, EventLines,
    ::testing::Values(
        Case{"Started", "run_state { run_id: 'j1.3' state: STARTING attempt: 1 device: 'cpu0' }",
             "j1.3 dcgan 0:2000 1:250 #1: STARTING on cpu0"},
        Case{"Requeued",
             "run_state { run_id: 'j1.3' state: QUEUED reason: WORKER_LOST message: 'signal\\n9' attempt: 2 }",
             "j1.3 dcgan 0:2000 1:250 #1: QUEUED (WORKER_LOST), attempt 2: signal?9"},
        Case{"Reused", "run_state { run_id: 'j1.3' state: SUCCEEDED reused_from: 'j0.7' }",
             "j1.3 dcgan 0:2000 1:250 #1: SUCCEEDED, reused from j0.7"},
        Case{"Progress",
             "progress { run_id: 'j1.3' progress { step: 5 total_steps: 10 steps_per_second: 2 "
             "metrics { key: 'loss' value: 1.5 } } }",
             "j1.3 dcgan 0:2000 1:250 #1: step 5/10, 2.0 steps/s, loss 1.500"},
        Case{"Histogram",
             "histogram { run_id: 'j1.3' step: 10 final: true images: 10 counts { key: 0 value: 6 } "
             "counts { key: 1 value: 2 } rejected: 2 }",
             "j1.3 dcgan 0:2000 1:250 #1: final histogram at step 10: 0:75.0% 1:25.0%, rejected 20.0%, off-support "
             "0.0%"},
        Case{"Artifact", "artifact { run_id: 'j1.3' name: 'samples.png' size_bytes: 2048 }",
             "j1.3 dcgan 0:2000 1:250 #1: artifact samples.png, 2.0 KiB"}),
    [](const auto& info) { return info.param.name; });

TEST(EventLineTest, OfTheJob) {
  const auto event = Parse<v1::Event>("revision: 1 job_id: 'j1' time { nanos: 250000000 } job_accepted { runs: 12 }");
  EXPECT_EQ(EventLine(event, nullptr), "1970-01-01T00:00:00.25Z 1 j1: accepted, 12 runs");
}

TEST(EventLineTest, OfDeletion) {
  const std::string head = "revision: 1 job_id: 'j1' time { seconds: 1700000000 } ";
  EXPECT_EQ(EventLine(Parse<v1::Event>(absl::StrCat(head,
                                                    "deletion { delete_time { seconds: 1700000000 } "
                                                    "purge_time { seconds: 1700604800 } }")),
                      nullptr),
            "2023-11-14T22:13:20Z 1 j1: deleted, kept until 2023-11-21T22:13:20Z");
  EXPECT_EQ(
      EventLine(Parse<v1::Event>(absl::StrCat(head, "deletion { delete_time { seconds: 1700000000 } }")), nullptr),
      "2023-11-14T22:13:20Z 1 j1: deleted");
  EXPECT_EQ(EventLine(Parse<v1::Event>(absl::StrCat(head, "deletion { }")), nullptr),
            "2023-11-14T22:13:20Z 1 j1: undeleted");
}

TEST(EventLineTest, ChangesOfLaterVersionsAreNotLost) {
  EXPECT_EQ(EventLine(Parse<v1::Event>("revision: 1 job_id: 'j1'"), nullptr),
            "1970-01-01T00:00:00Z 1 j1: a change this skewctl does not know");
}

TEST(EventLineTest, Csv) {
  const auto run = Parse<v1::Run>(kRun);
  const auto event =
      Parse<v1::Event>("revision: 12 job_id: 'j1' sequence: 4 run_state { run_id: 'j1.3' state: RUNNING }");
  EXPECT_EQ(EventTable(event, &run).ToCsv(),
            "time,revision,sequence,job,run,label,change,detail\n"
            "1970-01-01T00:00:00Z,12,4,j1,j1.3,dcgan 0:2000 1:250 #1,run_state,RUNNING\n");
}

}  // namespace
}  // namespace skew
