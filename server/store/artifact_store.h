// Files that runs made, stored by content. A row never names a missing file: the row follows the file. What is found to
// be damaged or missing all the same goes into quarantine and is not given out.
#ifndef SKEW_SERVER_STORE_ARTIFACT_STORE_H_
#define SKEW_SERVER_STORE_ARTIFACT_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/quarantine.h"
#include "server/store/stored_file.h"
#include "skew/v1/admin_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Thread-safe.
class ArtifactStore {
 public:
  // Both folders exist and are on the file system that imported files are on; `quarantine` takes damaged files.
  ArtifactStore(Connections* connections, Clock* clock, std::string folder, std::string quarantine)
      : connections_(connections),
        clock_(clock),
        folder_(std::move(folder)),
        quarantine_(connections, clock, std::move(quarantine)) {}

  // Moves the file at `path` into the store, synced to disk, after checking that it has this digest and size. OK, too,
  // when it is there already: then the file stays, so that it can be imported again should the other one be removed
  // before there is a row. Content that was in quarantine comes out of it. INVALID_ARGUMENT when the content is another
  // one or there is no such file; any other error is the server's own trouble. To be called under a Removals::Hold that
  // lasts until the row is there.
  absl::Status Import(const std::string& path, const std::string& digest, int64_t size_bytes);

  // Where the content with this digest is.
  std::string PathOf(const std::string& digest) const;

  // Whether the content may be given out, as far as is known without reading it: DATA_LOSS while it is in quarantine,
  // NOT_FOUND when its file is not there.
  absl::Status CheckPresence(const std::string& digest);

  // By run and name. NOT_FOUND when the job or run does not exist.
  absl::StatusOr<std::vector<v1::Artifact>> List(RunId run);
  absl::StatusOr<std::vector<v1::Artifact>> List(JobId job);

  // NOT_FOUND; DATA_LOSS, with what to do, when the stored content does not have the artifact's digest (it is read to
  // find out): it is then in quarantine.
  absl::StatusOr<v1::Artifact> Find(RunId run, const std::string& name);

  // What was found of one content.
  struct Inspection {
    std::string problem;   // empty: it is whole
    bool changed = false;  // it went into quarantine now, or came out of it
  };
  // Reads the content. If it is damaged or missing, it is in quarantine then, and otherwise not. NOT_FOUND when it is
  // not whole and no artifact has it (any more); INTERNAL when the file cannot be read.
  absl::StatusOr<Inspection> Inspect(const StoredContent& content);

  // See AdminService.CheckArtifacts. CANCELLED as soon as `go_on` says no.
  absl::StatusOr<v1::CheckArtifactsResponse> CheckAll(absl::FunctionRef<bool()> go_on, const Actor& actor);
  absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine() { return quarantine_.List(); }

 private:
  Connections* const connections_;
  Clock* const clock_;
  const std::string folder_;
  Quarantine quarantine_;
  // Held across SQL and while a file is read: what is found of a file and what then happens to it must not be
  // interrupted by another that puts a whole one in its place.
  absl::Mutex mutex_;
};

// The content of artifacts that comes after `digest`; empty after the last one.
absl::StatusOr<std::optional<StoredContent>> NextContent(Database& db, const std::string& digest);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_ARTIFACT_STORE_H_
