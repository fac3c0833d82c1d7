// Calls and watches over connections of their own, step by step.
#ifndef SKEW_TESTS_TESTING_GRPC_PEER_H_
#define SKEW_TESTS_TESTING_GRPC_PEER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/status.h"
#include "grpcpp/grpcpp.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/server_service.grpc.pb.h"
#include "tests/testing/test_daemon.h"

namespace skew {

// Waits until it is so; far longer than it takes.
bool Comes(const std::function<bool()>& condition);

// Watches that are open.
int Watches(TestDaemon& daemon);

// A connection that no other channel shares; it takes `window` bytes of a stream ahead of its reader (0: gRPC's
// choice).
std::shared_ptr<grpc::Channel> Connect(const std::string& address, int window = 0);

absl::Status GetInfo(v1::ServerService::Stub& stub);
absl::Status GetInfo(const std::shared_ptr<grpc::Channel>& channel);

// A watch whose messages are read one by one.
class OpenWatch {
 public:
  OpenWatch(v1::JobService::Stub& stub, const std::string& job, int64_t after_revision = 0,
            const std::function<void(grpc::ClientContext&)>& prepare = nullptr) {
    if (prepare) prepare(context_);
    v1::WatchJobRequest request;
    request.set_job_id(job);
    request.set_after_revision(after_revision);
    stream_ = stub.WatchJob(&context_, request);
  }
  ~OpenWatch() {
    context_.TryCancel();
    if (!finished_) Finish().IgnoreError();
  }

  bool Read() { return stream_->Read(&last_); }
  const v1::WatchJobResponse& last() const { return last_; }

  // Reads to the end and returns the revisions that came.
  std::vector<int64_t> ReadAll() {
    std::vector<int64_t> revisions;
    while (Read()) {
      if (last_.has_event()) revisions.push_back(last_.event().revision());
    }
    return revisions;
  }

  absl::Status Finish() {
    finished_ = true;
    return FromGrpc(stream_->Finish());
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> stream_;
  v1::WatchJobResponse last_;
  bool finished_ = false;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_GRPC_PEER_H_
