// Files written so that a crash leaves either the old state or the new one.
#ifndef SKEW_COMMON_FILE_H_
#define SKEW_COMMON_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// The error of a system call that left `error` as its errno. RESOURCE_EXHAUSTED: the disk is full. UNAVAILABLE: the
// disk fails or is read-only, or the system or this process is short of descriptors or memory; it may pass. Otherwise
// as absl::ErrnoToStatus.
absl::Status SystemError(int error, absl::string_view message);

// The whole content. NOT_FOUND or another error with the path; RESOURCE_EXHAUSTED when it is longer than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = size_t{1} << 30);

// Writes a temporary file beside `path`, syncs it, renames it to `path` and syncs the folder.
// RESOURCE_EXHAUSTED when the disk is full; on any error the old file is untouched and no temporary file is left.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);

// Syncs the content of a file, or of a folder (its entries), to disk.
absl::Status SyncPath(const std::string& path);

// Renames within one file system and syncs the target's folder.
absl::Status MoveFile(const std::string& from, const std::string& to);

// Renames within one file system. ALREADY_EXISTS when there is anything at `to`, which stays as it is. The folder is
// not synced.
absl::Status RenameToNew(const std::string& from, const std::string& to);

}  // namespace skew

#endif  // SKEW_COMMON_FILE_H_
