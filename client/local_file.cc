#include "client/local_file.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {

absl::Status WritePrivateFile(const std::string& path, absl::string_view content) {
  const absl::Status status = WriteFileAtomically(path, content);
  return status.ok() ? status : absl::UnknownError(status.message());
}

absl::Status WriteOutputFile(const std::string& path, absl::string_view content) {
  SKEW_RETURN_IF_ERROR(WritePrivateFile(path, content));
  const mode_t mask = umask(0);
  umask(mask);
  if (chmod(path.c_str(), 0666 & ~mask) != 0)
    return absl::UnknownError(absl::StrCat("cannot change the mode of ", path));
  return absl::OkStatus();
}

}  // namespace skew
