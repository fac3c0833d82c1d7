// Files that runs made, stored by content. A row never names a missing file: the row follows the file.
#ifndef SKEW_SERVER_STORE_ARTIFACT_STORE_H_
#define SKEW_SERVER_STORE_ARTIFACT_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/connections.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Thread-safe.
class ArtifactStore {
 public:
  // `folder` is created when missing; it must be on the file system that imported files are on.
  ArtifactStore(Connections* connections, std::string folder) : connections_(connections), folder_(std::move(folder)) {}

  // Moves the file at `path` into the store, synced to disk, after checking that it has this digest and size. OK, too,
  // when it is there already. DATA_LOSS when the content is another one; NOT_FOUND when there is no such file.
  absl::Status Import(const std::string& path, const std::string& digest, int64_t size_bytes);

  // Where the content with this digest is.
  std::string PathOf(const std::string& digest) const;

  // By run and name. NOT_FOUND when the job or run does not exist.
  absl::StatusOr<std::vector<v1::Artifact>> List(RunId run);
  absl::StatusOr<std::vector<v1::Artifact>> List(JobId job);

  // NOT_FOUND; DATA_LOSS when the stored content does not have the artifact's digest (it is read to find out).
  absl::StatusOr<v1::Artifact> Find(RunId run, const std::string& name);

 private:
  Connections* const connections_;
  const std::string folder_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_ARTIFACT_STORE_H_
