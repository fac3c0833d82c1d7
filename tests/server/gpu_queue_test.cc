// The queue on a GPU: a real daemon with scripted workers and stand-in NVML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/testing/grpc_peer.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

// On a GPU that stand-in NVML shows, with 16 GiB.
class GpuQueueTest : public ::testing::Test {
 protected:
  static constexpr int64_t kGib = int64_t{1} << 30;

  GpuQueueTest() {
    ShowUsed(0);
    setenv("STAND_IN_NVML", Box().c_str(), 1);
    daemon_ = std::make_unique<TestDaemon>([](Daemon::Options& options) {
      options.devices = "cuda:0";
      options.nvml_library = STAND_IN_NVML_LIBRARY;
      options.scheduler.probe_interval = absl::Milliseconds(50);
      options.scheduler.settling_interval = absl::Milliseconds(10);
    });
  }
  ~GpuQueueTest() override {
    daemon_.reset();
    unsetenv("STAND_IN_NVML");
  }

  std::string Box() const { return folder_.path() + "/gpus"; }

  // Memory in use, of which no process is known.
  void ShowUsed(int64_t bytes) {
    ASSERT_TRUE(WriteFileAtomically(Box(), absl::StrCat("gpu T4 ", 16 * kGib, " ", bytes, "\n")).ok());
  }

  std::string SubmitWithNeed(const std::string& script) {
    grpc::ClientContext context;
    v1::SubmitJobRequest request;
    *request.mutable_spec() = TestDaemon::Spec(script);
    request.mutable_need()->set_memory_bytes(kGib);
    v1::SubmitJobResponse response;
    EXPECT_TRUE(daemon_->jobs().SubmitJob(&context, request, &response).ok());
    return response.job().id();
  }

  v1::Device Device() {
    grpc::ClientContext context;
    v1::GetQueueResponse response;
    EXPECT_TRUE(daemon_->queue().GetQueue(&context, {}, &response).ok());
    return response.devices(0);
  }

  std::string LogOf(const std::string& run) {
    grpc::ClientContext context;
    v1::ReadLogRequest request;
    request.set_run_id(run);
    const auto stream = daemon_->runs().ReadLog(&context, request);
    std::string log;
    v1::ReadLogResponse response;
    while (stream->Read(&response)) log += response.data();
    return log;
  }

  const TempFolder folder_;
  std::unique_ptr<TestDaemon> daemon_;
};

TEST_F(GpuQueueTest, TheNextRunStartsOnlyOnceTheMemoryOfTheLastOneIsBack) {
  const std::string first = SubmitWithNeed("wait");
  daemon_->WatchUntil(first, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
  const std::string second = SubmitWithNeed("finish");
  ShowUsed(8 * kGib);  // of the first one, and stays when that is gone
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job_id(first);
  v1::Job cancelled;
  ASSERT_TRUE(daemon_->jobs().CancelJob(&context, cancel, &cancelled).ok());
  daemon_->Await(first);
  ASSERT_TRUE(Comes([&] { return Device().problem() == "memory of an ended run is not back"; }));
  // Between two readings the scheduler has looked at what could be started.
  for (const int64_t used : {9 * kGib, 10 * kGib}) {
    ShowUsed(used);
    ASSERT_TRUE(Comes([&] { return Device().foreign_bytes() == used; }));
  }
  EXPECT_EQ(daemon_->GetRun(second + ".1").state(), v1::QUEUED);
  ShowUsed(0);
  EXPECT_EQ(daemon_->Await(second).state(), v1::JOB_SUCCEEDED);
}

TEST_F(GpuQueueTest, AWorkerIsToldHowMuchItMayAllocate) {
  const std::string job = SubmitWithNeed("finish");
  EXPECT_EQ(daemon_->Await(job).state(), v1::JOB_SUCCEEDED);
  EXPECT_THAT(LogOf(job + ".1"), HasSubstr("may allocate 1073741824 of 17179869184 bytes"));
}

}  // namespace
}  // namespace skew
