// Calls that hold all runs of a job in memory: some tens of megabytes each, and much of a core.
#ifndef SKEW_SERVER_API_LARGE_READS_H_
#define SKEW_SERVER_API_LARGE_READS_H_

#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/api/limits.h"

namespace skew {

// Few are at it at once, and a user has not all of them; the others wait. Thread-safe.
class LargeReads {
 public:
  // What a call has until it has answered. Outlived by the LargeReads it is of.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : reads_(std::exchange(other.reads_, nullptr)), user_(std::move(other.user_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (reads_ != nullptr) reads_->End(user_);
    }

   private:
    friend class LargeReads;
    Turn(LargeReads* reads, std::string user) : reads_(reads), user_(std::move(user)) {}

    LargeReads* reads_;
    std::string user_;
  };

  explicit LargeReads(StreamLimit limit) : limit_(limit) {}

  // Waits for as long as those before it take. Whoever called may be gone by then.
  Turn Await(const std::string& user);

 private:
  bool HasRoomFor(const std::string& user) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(const std::string& user);

  const StreamLimit limit_;
  absl::Mutex mutex_;
  int total_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int> of_user_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_LARGE_READS_H_
