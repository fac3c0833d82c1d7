// What a program does to a disk, seen at its system calls: below SQLite's own VFS and below every file operation of
// ours, so that what is synced, and in which order, is recorded and not assumed. A binary that links this has its calls
// to open, write, fsync, rename, unlink and the like go through here, those of the libraries it uses included.
#ifndef SKEW_TESTS_TESTING_WATCHED_DISK_H_
#define SKEW_TESTS_TESTING_WATCHED_DISK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace skew {

// One operation on a file or folder, named by its path below the watched folder ("" is that folder itself).
struct DiskOp {
  enum class Kind { kMakeFolder, kCreate, kWrite, kTruncate, kRename, kRemove, kSyncFile, kSyncFolder, kOpen };

  Kind kind = Kind::kOpen;
  std::string path;
  std::string target;  // of a rename
  int64_t offset = 0;  // of a write; the new size, of a truncation
  std::string data;    // of a write

  bool IsSync() const { return kind == Kind::kSyncFile || kind == Kind::kSyncFolder; }
};

// Watches one folder while it lives; there is at most one at a time. Thread-safe. Files whose names end in "-shm" are
// not seen: what they hold is memory that SQLite shares, and made anew after a crash.
class WatchedDisk {
 public:
  // The errno with which an operation is to fail, or 0. Called before it, one call at a time. Opening a file is only
  // asked about here and never recorded.
  using Fault = std::function<int(const DiskOp&)>;

  // `folder` exists and is the canonical name.
  explicit WatchedDisk(std::string folder);
  ~WatchedDisk();
  WatchedDisk(const WatchedDisk&) = delete;
  WatchedDisk& operator=(const WatchedDisk&) = delete;

  void SetFault(Fault fault);

  // The operations so far that succeeded, and how many those are.
  std::vector<DiskOp> ops() const;
  size_t size() const;

  // For the calls.
  bool Has(const std::string& path) const;
  int FaultOf(const DiskOp& op);
  void Record(DiskOp op);
  std::string Relative(const std::string& path) const;

 private:
  const std::string folder_;
  mutable absl::Mutex mutex_;
  Fault fault_ ABSL_GUARDED_BY(mutex_);
  std::vector<DiskOp> ops_ ABSL_GUARDED_BY(mutex_);
};

// While it lives, syncs of anything below the temporary folder cost nothing: for tests that only simulate a disk.
class CheapSyncs {
 public:
  CheapSyncs();
  ~CheapSyncs();
  CheapSyncs(const CheapSyncs&) = delete;
  CheapSyncs& operator=(const CheapSyncs&) = delete;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_WATCHED_DISK_H_
