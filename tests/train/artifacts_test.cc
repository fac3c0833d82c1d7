#include "server/train/artifacts.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "tests/testing/temp_folder.h"
#include "tests/train/scripted_daemon.h"

namespace skew::train {
namespace {

class ArtifactsTest : public ::testing::Test {
 protected:
  ArtifactsTest()
      : daemon_(folder_.path(), Order(), [](const worker::v1::Report&) { return ScriptedDaemon::Then::kAcknowledge; }),
        session_({daemon_.address(), ScriptedDaemon::kToken, "test", absl::ZeroDuration()}, &stop_),
        artifacts_(folder_.path(), &session_, &stop_) {
    EXPECT_TRUE(session_.AwaitOrder().ok());
  }

  worker::v1::WorkOrder Order() const {
    worker::v1::WorkOrder order;
    order.set_work_dir(folder_.path());
    return order;
  }

  const TempFolder folder_;
  ScriptedDaemon daemon_;
  StopRequest stop_;
  WorkerSession session_;
  Artifacts artifacts_;
};

TEST_F(ArtifactsTest, AFullDiskIsWaitedFor) {
  int tries = 0;
  const absl::Status status = artifacts_.AddFile("a.txt", "text/plain", [&](const std::string& path) {
    return ++tries == 1 ? absl::ResourceExhaustedError("disk full") : WriteFileAtomically(path, "a");
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(tries, 2);
  ASSERT_TRUE(session_.AwaitAcknowledged().ok());
  ASSERT_EQ(daemon_.reports().size(), 1u);
  EXPECT_EQ(daemon_.reports()[0].artifact().size_bytes(), 1);
  EXPECT_EQ(daemon_.problems(), "");
}

TEST_F(ArtifactsTest, ARunThatIsToStopDoesNotWaitForRoom) {
  stop_.Raise(Stop::kCheckpoint);
  EXPECT_TRUE(
      artifacts_
          .AddFile("a.txt", "text/plain", [](const std::string&) { return absl::ResourceExhaustedError("disk full"); })
          .ok());
  ASSERT_TRUE(session_.AwaitAcknowledged().ok());
  EXPECT_TRUE(daemon_.reports().empty());
}

TEST_F(ArtifactsTest, OtherErrorsComeBack) {
  EXPECT_EQ(artifacts_.Add("missing/a.txt", "text/plain", "a").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace skew::train
