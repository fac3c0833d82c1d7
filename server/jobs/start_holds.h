// Why runs are not started although it is their turn: trouble on the server's side.
#ifndef SKEW_SERVER_JOBS_START_HOLDS_H_
#define SKEW_SERVER_JOBS_START_HOLDS_H_

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"

namespace skew {

// For how long nothing is tried after so many failures in a row: 1 s, 2 s, 4 s, ... at most 32 s. What failed itself
// waits twice as long, so that something else has its turn in between.
absl::Duration HoldAfter(int failures);

// Thread-safe.
class StartHolds {
 public:
  explicit StartHolds(Clock* clock) : clock_(clock) {}

  // A worker was not started, or ended before it came for its order: nothing is started for a while, longer each time
  // in a row, and then one worker at a time until one has come. Returns how many failed in a row.
  int NoteFailedStart(const std::string& why);
  // A worker came for its order. True when starts had failed before.
  bool NoteStart();

  // Something that the runs of a job need is not there or does not work: none of them is started for a while, longer
  // each time in a row. Returns how many times it was.
  int HoldJob(JobId job, const std::string& why);
  // A run of it had what it needed.
  void ReleaseJob(JobId job);

  // Whether a worker may be started now; `starting`: another one has not come for its order yet.
  bool MayStart(bool starting) const;
  // When something that is held at `after` may be started again; InfiniteFuture when nothing is.
  absl::Time Until(absl::Time after) const;
  // Why nothing is started now; empty when that is not so.
  std::string Why() const;
  // The jobs of which nothing is started now, and why.
  std::map<JobId, std::string> Jobs() const;

 private:
  struct Hold {
    int times = 0;  // in a row
    std::string why;
    absl::Time until = absl::InfinitePast();
  };
  void Extend(Hold& hold, const std::string& why) const;

  Clock* const clock_;
  mutable absl::Mutex mutex_;
  Hold starts_ ABSL_GUARDED_BY(mutex_);
  std::map<JobId, Hold> jobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_START_HOLDS_H_
