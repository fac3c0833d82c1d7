// How many streams and other calls there are, and whose.
#ifndef SKEW_SERVER_API_OPEN_STREAMS_H_
#define SKEW_SERVER_API_OPEN_STREAMS_H_

#include <array>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/api/limits.h"

namespace skew {

// Thread-safe.
class OpenStreams {
 public:
  enum class Kind {
    kWatch,
    kRead,       // of a log or an artifact
    kCall,       // any call that is no stream
    kLargeRead,  // those among them that hold all runs of a large job: see large_calls.h
  };

  // What an open stream has until it ends. Outlived by the OpenStreams it is of.
  class Place {
   public:
    Place(Place&& other) noexcept
        : streams_(std::exchange(other.streams_, nullptr)), kind_(other.kind_), user_(std::move(other.user_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (streams_ != nullptr) streams_->Close(kind_, user_);
    }

   private:
    friend class OpenStreams;
    Place(OpenStreams* streams, Kind kind, std::string user) : streams_(streams), kind_(kind), user_(std::move(user)) {}

    OpenStreams* streams_;
    Kind kind_;
    std::string user_;
  };

  OpenStreams(StreamLimit watches, StreamLimit reads, StreamLimit calls, StreamLimit large_reads)
      : limits_{watches, reads, calls, large_reads} {}

  // RESOURCE_EXHAUSTED, with when to try again, when the user or all users together have as many as may be.
  absl::StatusOr<Place> Open(Kind kind, const std::string& user);
  // Waits until there is room. Whoever called may be gone by then.
  Place Await(Kind kind, const std::string& user);

  int count(Kind kind) const;

 private:
  static constexpr size_t kKinds = 4;
  struct Counts {
    int total = 0;
    std::map<std::string, int> of_user;
  };

  bool HasRoom(Kind kind, const std::string& user) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Place Take(Kind kind, const std::string& user) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close(Kind kind, const std::string& user);

  const std::array<StreamLimit, kKinds> limits_;
  mutable absl::Mutex mutex_;
  std::array<Counts, kKinds> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_OPEN_STREAMS_H_
