// Streams whose readers do not take what is sent to them.
#ifndef SKEW_SERVER_API_SLOW_READERS_H_
#define SKEW_SERVER_API_SLOW_READERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "grpcpp/grpcpp.h"

namespace skew {

// A message that its reader does not take holds memory, and a thread where it is written by one. When the patience has
// run out, and then the grace, the stream of such a message is cut with RESOURCE_EXHAUSTED and a text that begins with
// kSlowConsumer (see common/slow_consumer.h). A reader who takes it in between can be told in a better way.
// Thread-safe.
class SlowReaders {
 public:
  // One stream's reader. Begin and End are for whoever writes to it.
  class Reader {
   public:
    explicit Reader(grpc::ServerContextBase& context);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // A write begins.
    void Begin();
    // It has ended.
    void End();

   private:
    friend class SlowReaders;
    grpc_call* const call_;
    std::atomic<int64_t> begun_{0};  // of the write under way, in nanoseconds of a steady clock; 0: there is none
  };

  // `clock` is borrowed.
  SlowReaders(absl::Duration patience, absl::Duration grace, Clock* clock);
  // All streams must have ended.
  ~SlowReaders();

  // From now on until the reader is destroyed. In a handler, or before its reactor is done.
  std::shared_ptr<Reader> Follow(grpc::ServerContextBase& context);

  // Whether the write under way, which has just been taken, was taken too late.
  bool IsLate(const Reader& reader) const;

  // Streams that wait for a reader who is late.
  int CountLate();

 private:
  using Readers = std::vector<std::shared_ptr<Reader>>;

  void Loop();
  // Those whose time is up; forgets those that are gone.
  Readers TakeOverdue() ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration patience_;
  const absl::Duration grace_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<Reader>> readers_ ABSL_GUARDED_BY(mutex_);
  Clock* const clock_;
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_SLOW_READERS_H_
