// Putting a backup in place of a store that is lost.
#ifndef SKEW_SERVER_STORE_RESTORE_H_
#define SKEW_SERVER_STORE_RESTORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/audit_log.h"
#include "server/store/state_dir.h"
#include "skew/v1/admin_service.pb.h"

namespace skew {

struct Restored {
  v1::BackupManifest manifest;
  // Digests of artifacts that the backup has no whole file of. They are left out and will be in quarantine once they
  // are read.
  std::vector<std::string> damaged;
};

// Restores the backup in the folder `backup` into `state`, which has no database. The database gets its name last, so
// that an interrupted restore is never taken for a store; the same restore again completes it. Attempts that were under
// way lose their processes and checkpoints: their runs start again when a daemon does, from their beginning. The work
// folders of the database that was there are removed.
//
// FAILED_PRECONDITION when there is a database, or a file that belongs to one (a log that SQLite would write into the
// restored one), or a worker at work, or when the backup is of a newer Skew; NOT_FOUND when the folder is no
// complete backup; DATA_LOSS when its manifest or database is damaged; RESOURCE_EXHAUSTED when the disk is full.
absl::StatusOr<Restored> Restore(const std::string& backup, const StateDir& state, const Actor& actor);

// FAILED_PRECONDITION while a restore into `state` is not complete.
absl::Status CheckNotRestoring(const StateDir& state);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_RESTORE_H_
