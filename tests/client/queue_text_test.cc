#include <string>

#include "client/render/queue.h"
#include "common/proto_time.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

constexpr char kQueue[] = R"pb(
  time { seconds: 1700000000 }
  devices { name: 'cpu0' }
  devices { name: 'cpu1' drained: true }
  devices { name: 'cuda0' problem: 'GPU is lost' }
  active {
    run_id: 'j3.2'
    owner: 'ada'
    job_name: 'poster'
    model: 'vae'
    state: RUNNING
    device: 'cpu0'
    progress { step: 30 total_steps: 120 }
    outlook { end_time { seconds: 1700000185 } }
  }
  waiting {
    job_id: 'j4'
    owner: 'bob'
    job_name: 'follow-up'
    run_id: 'j4.1'
    model: 'dcgan'
    priority: 5
    runs: 7
    outlook {
      wait_cause: RUNS_AHEAD
      wait_reason: '12 runs of ada ahead'
      runs_ahead: 12
      start_time { seconds: 1700000185 }
      end_time { seconds: 1700003600 }
    }
  }
  waiting {
    job_id: 'j5'
    owner: 'bob'
    run_id: 'j5.1'
    model: 'vae'
    runs: 1
    outlook { wait_cause: PAUSED wait_reason: 'paused' }
  }
  shares { user: 'ada' weight: 2 used_slot_seconds: 60 active_runs: 1 max_artifact_bytes: 1073741824 }
  queued_runs: 10
)pb";

v1::GetQueueResponse Queue() { return Parse<v1::GetQueueResponse>(kQueue); }

TEST(OutlookTextTest, SaysAsMuchAsThereIs) {
  const absl::Time now = FromProto(Queue().time());
  EXPECT_EQ(OutlookText(Queue().waiting(0).outlook(), now), "12 runs of ada ahead, starts in 3m 05s, ends in 1h 00m");
  EXPECT_EQ(OutlookText(Queue().waiting(1).outlook(), now), "paused");
  EXPECT_EQ(OutlookText(v1::Outlook(), now), "");
  // What should have started already is about to.
  EXPECT_THAT(OutlookText(Queue().waiting(0).outlook(), now + absl::Hours(2)), HasSubstr("starts in 0"));
}

TEST(QueueTextTest, ShowsDevicesWaitingRunsAndShares) {
  const std::string text = QueueText(Queue());
  for (const char* words : {"j3.2", "25%", "cpu1", "drained", "GPU is lost", "follow-up", "12 runs of ada ahead",
                            "and 2 more runs", "1.0 GiB"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
}

TEST(QueueTextTest, CsvHasOneRowARunOrARowOfTheQueue) {
  const std::string csv = QueueTable(Queue()).ToCsv();
  EXPECT_THAT(csv,
              HasSubstr("run,job,owner,model,state,runs,device,priority,expected_start,expected_end,wait_reason\n"));
  EXPECT_THAT(csv, HasSubstr("j3.2,j3,ada,vae,RUNNING,1,cpu0,"));
  EXPECT_THAT(csv, HasSubstr("j5.1,j5,bob,vae,QUEUED,1,,0,,,paused"));
}

TEST(ParseBytesTest, KnowsDecimalAndBinaryUnits) {
  EXPECT_EQ(*ParseBytes("--memory", "3GiB"), int64_t{3} << 30);
  EXPECT_EQ(*ParseBytes("--memory", "1.5 mb"), 1'500'000);
  EXPECT_EQ(*ParseBytes("--memory", "1024"), 1024);
  for (const char* wrong : {"", "GiB", "-1", "3 apples", "nan", "1e30"}) {
    const absl::Status status = ParseBytes("--memory", wrong).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--memory"));
  }
}

}  // namespace
}  // namespace skew
