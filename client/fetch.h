// Artifacts into files.
#ifndef SKEW_CLIENT_FETCH_H_
#define SKEW_CLIENT_FETCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace skew {

// Where an artifact called `name` goes: to `out`; into it, when it is a folder; and without `out`, here.
// INVALID_ARGUMENT when its own name is wanted and is no file name.
absl::StatusOr<std::string> FetchPath(const std::string& name, const std::string& out);

// Writes the artifact's content to "<path>.part" and renames that to `path` once it is complete and has the right
// digest. On any error the old file at `path` is untouched and no .part is left. Errors are those of
// Client::ReadArtifact, or RESOURCE_EXHAUSTED (disk full) or another error with the path.
absl::StatusOr<v1::Artifact> FetchToFile(Client& client, const std::string& run_id, const std::string& name,
                                         const std::string& path);

}  // namespace skew

#endif  // SKEW_CLIENT_FETCH_H_
