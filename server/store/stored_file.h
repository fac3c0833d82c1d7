// Files that are named by their content, and copies of them.
#ifndef SKEW_SERVER_STORE_STORED_FILE_H_
#define SKEW_SERVER_STORE_STORED_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace skew {

struct StoredContent {
  std::string digest;
  int64_t size_bytes = 0;
};

// Where content is below a folder of artifacts: "ab/ab12...".
std::string StoredName(const std::string& digest);

// Reads the file. DATA_LOSS when it has another digest or size; NOT_FOUND when there is none; UNAVAILABLE when
// it cannot be read.
absl::Status CheckContent(const std::string& path, const StoredContent& content);

// Copies the file to `to`, over what is there, syncs it and checks it; folders are made as needed. Errors as of
// CheckContent, and RESOURCE_EXHAUSTED when the disk is full. On an error no file is left at `to`.
absl::Status CopyContent(const std::string& from, const std::string& to, const StoredContent& content);

// Syncs the entries of the folder and of all folders in it.
absl::Status SyncFolders(const std::string& folder);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_STORED_FILE_H_
