// Files that go together with their rows.
//
// The transaction that removes the rows writes the files down, and only what is written down is removed: whatever is
// interrupted, a row never names a file that is gone, and no file stays for which there is no row.
#ifndef SKEW_SERVER_STORE_REMOVALS_H_
#define SKEW_SERVER_STORE_REMOVALS_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/connections.h"

namespace skew {

// Thread-safe.
class Removals {
 public:
  // `root`: the state directory.
  Removals(Connections* connections, Clock* clock, std::string root)
      : connections_(connections), clock_(clock), root_(std::move(root)) {}

  // For whoever relies on files that no row names (yet), or that a row may cease to name meanwhile: while there is one,
  // nothing is removed.
  class Hold {
   public:
    // A removal waits for the end of a moment (an import, until its row is there), and is refused while something long
    // (a backup) goes on.
    enum class For { kMoment, kLong };
    // Waits until what is being removed is gone.
    Hold(Removals* removals, For length);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Removals* const removals_;
    const For for_;
  };

  // One write in which rows go and files are added with AddRemoval; removes those files then. OK once the write is on
  // disk: what is in the way of a file is logged, and the file removed with the next ones. UNAVAILABLE, and nothing was
  // done, while files are held for long.
  absl::Status Remove(absl::FunctionRef<absl::Status(WriteScope&)> work);

  // Removes what an earlier daemon did not come to. An error, of the first that cannot be removed, leaves those that
  // cannot for the next time.
  absl::Status Finish();

  // To be called before runs are: removes the work folders of runs that have ended, or are not there. Whoever ended
  // them may have been interrupted before that. Errors as of Finish.
  absl::Status SweepWork();

 private:
  absl::Status Begin();
  void End();
  absl::Status RemoveWritten();
  // Those that are gone are told, also when there is an error.
  absl::Status RemoveFiles(const std::vector<std::string>& paths, std::vector<std::string>& gone);
  absl::Status RemoveFile(const std::string& path);
  absl::Status RemoveWork(RunId run);

  Connections* const connections_;
  Clock* const clock_;
  const std::string root_;
  absl::Mutex mutex_;
  int moments_ ABSL_GUARDED_BY(mutex_) = 0;
  int long_holds_ ABSL_GUARDED_BY(mutex_) = 0;
  bool removing_ ABSL_GUARDED_BY(mutex_) = false;
};

// Writes down a file, or a folder with all that is in it, by its path below the state directory. That there is none
// does not matter. A run's work folder stays if the run goes on again by then.
absl::Status AddRemoval(WriteScope& scope, const std::string& path);

// The same for the content with this digest, in its place and in quarantine, unless an artifact has it.
absl::Status AddContentRemoval(WriteScope& scope, const std::string& digest);

// Whether an artifact has this content.
absl::StatusOr<bool> IsNamed(Database& db, const std::string& digest);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_REMOVALS_H_
