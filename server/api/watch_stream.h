// Event streams: any number of watchers on a few threads.
#ifndef SKEW_SERVER_API_WATCH_STREAM_H_
#define SKEW_SERVER_API_WATCH_STREAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/ids.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/caller.h"
#include "server/jobs/event_hub.h"
#include "server/store/event_log.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

class WatchStream;

// Reads events for streams that are ready for more. Thread-safe.
class WatchPump {
 public:
  WatchPump(EventLog* events, EventHub* hub, AccessGate* gate, int threads);
  // Joins the threads. All streams must have ended: shut the server down first.
  ~WatchPump();

  // Starts a stream for a caller who was let in; it ends when that caller's access does, and deletes itself when gRPC
  // is done with it.
  grpc::ServerWriteReactor<v1::WatchJobResponse>* Watch(Caller caller, JobId job, int64_t after_revision);

 private:
  friend class WatchStream;
  void Schedule(std::shared_ptr<WatchStream> stream);
  void Loop();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !ready_.empty(); }

  EventLog* const events_;
  EventHub* const hub_;
  AccessGate* const gate_;
  absl::Mutex mutex_;
  std::deque<std::shared_ptr<WatchStream>> ready_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_WATCH_STREAM_H_
