// Files that skewctl writes for its user.
#ifndef SKEW_CLIENT_LOCAL_FILE_H_
#define SKEW_CLIENT_LOCAL_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace skew {

// Both write the whole file or nothing. Errors name it, and are UNKNOWN: a folder that is not there is no answer of the
// server, whose NOT_FOUND has an exit code of its own.

// For this user alone.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

// For whom the user's umask lets read it.
absl::Status WriteOutputFile(const std::string& path, absl::string_view content);

// Whether a file, or files in a folder that is made with those above it, could be written now; for a command to ask
// before it takes its time. Errors as above.
absl::Status CheckOutputFile(const std::string& path);
absl::Status CheckOutputFolder(const std::string& path);

}  // namespace skew

#endif  // SKEW_CLIENT_LOCAL_FILE_H_
