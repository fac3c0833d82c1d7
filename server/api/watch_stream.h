// Event streams: any number of watchers on a few threads.
#ifndef SKEW_SERVER_API_WATCH_STREAM_H_
#define SKEW_SERVER_API_WATCH_STREAM_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/ids.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/caller.h"
#include "server/api/open_streams.h"
#include "server/api/slow_readers.h"
#include "server/jobs/event_hub.h"
#include "server/store/event_log.h"

namespace skew {

class WatchStream;

// What a stream shows: the events of a job, or those of all jobs that a filter lets through.
struct WatchTopic {
  JobId job = EventHub::kAnyJob;
  std::string filter;  // of any job: a serialised v1::JobFilter

  friend bool operator==(const WatchTopic&, const WatchTopic&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const WatchTopic& topic) {
    return H::combine(std::move(h), topic.job, topic.filter);
  }
};

// Writes serialised skew.v1.WatchJobResponse messages.
using WatchReactor = grpc::ServerWriteReactor<grpc::ByteBuffer>;

// Reads events for streams that are ready for more. What streams of one topic at one revision need is read and
// serialised once for all of them. Thread-safe.
class WatchPump {
 public:
  WatchPump(EventLog* events, EventHub* hub, AccessGate* gate, OpenStreams* open_streams, SlowReaders* slow_readers,
            int threads);
  // Joins the threads. All streams must have ended: shut the server down first.
  ~WatchPump();

  // Starts a stream for a caller who was let in; it ends when that caller's access does, or when messages are not taken
  // (see SlowReaders), and deletes itself when gRPC is done with it. RESOURCE_EXHAUSTED: see OpenStreams.
  absl::StatusOr<WatchReactor*> Watch(grpc::ServerContextBase& context, Caller caller, WatchTopic topic,
                                      int64_t after_revision);

  // Of events that were read and not all sent yet: at most a page for each stream, however far it is behind.
  int64_t held_bytes() const { return held_bytes_; }

 private:
  friend class WatchStream;
  // Where a stream has come to: its topic, and the last revision it has sent, or knows to be another topic's.
  using Position = std::pair<WatchTopic, int64_t>;
  using Streams = std::vector<std::shared_ptr<WatchStream>>;

  void Schedule(std::shared_ptr<WatchStream> stream);
  void Loop();
  // Streams that are at the same position; none when the pump stops.
  Streams AwaitReady();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !order_.empty(); }

  EventLog* const events_;
  EventHub* const hub_;
  AccessGate* const gate_;
  OpenStreams* const open_streams_;
  SlowReaders* const slow_readers_;
  std::atomic<int64_t> held_bytes_ = 0;
  absl::Mutex mutex_;
  std::deque<Position> order_ ABSL_GUARDED_BY(mutex_);  // of the positions in ready_, each once
  absl::flat_hash_map<Position, Streams> ready_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_WATCH_STREAM_H_
