// Files that skewctl writes for its user.
#ifndef SKEW_CLIENT_LOCAL_FILE_H_
#define SKEW_CLIENT_LOCAL_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace skew {

// Both write the whole file or nothing. Errors are UNKNOWN: a folder that is not there is no answer of the server,
// whose NOT_FOUND has an exit code of its own.

// For this user alone.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

// For whom the user's umask lets read it.
absl::Status WriteOutputFile(const std::string& path, absl::string_view content);

}  // namespace skew

#endif  // SKEW_CLIENT_LOCAL_FILE_H_
