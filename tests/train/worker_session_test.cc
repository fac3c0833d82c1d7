#include "server/train/worker_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/temp_folder.h"
#include "tests/train/scripted_daemon.h"

namespace skew::train {
namespace {

using worker::v1::Report;

Report Progress(int32_t step) {
  Report report;
  report.mutable_progress()->set_step(step);
  return report;
}

TEST(WorkerSessionTest, WhileNobodyTakesReportsTheNewestProgressOfAStretchIsKept) {
  const TempFolder folder;
  StopRequest stop;
  WorkerSession::Options options;
  options.daemon = absl::StrCat("unix:", folder.path(), "/daemon.sock");
  options.token = ScriptedDaemon::kToken;
  options.patience = absl::Minutes(5);
  options.kept_progress = 5;
  WorkerSession session(options, &stop);
  for (int32_t step = 1; step <= 10; ++step) session.Send(Progress(step));
  Report histogram;
  histogram.mutable_histogram()->set_step(10);
  session.Send(histogram);
  for (int32_t step = 11; step <= 20; ++step) session.Send(Progress(step));

  const ScriptedDaemon daemon(folder.path(), worker::v1::WorkOrder(),
                              [](const Report& /*report*/) { return ScriptedDaemon::Then::kAcknowledge; });
  const absl::Status acknowledged = session.AwaitAcknowledged();
  ASSERT_TRUE(acknowledged.ok()) << acknowledged;
  EXPECT_EQ(daemon.problems(), "");
  std::vector<std::string> came;
  for (const Report& report : daemon.reports()) {
    came.push_back(report.has_histogram() ? "histogram" : absl::StrCat(report.progress().step()));
  }
  EXPECT_THAT(came, ::testing::ElementsAre("1", "2", "3", "4", "10", "histogram", "20"));
}

}  // namespace
}  // namespace skew::train
