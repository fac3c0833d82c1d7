// A file that appears only when it is complete.
#ifndef SKEW_CLIENT_DOWNLOAD_H_
#define SKEW_CLIENT_DOWNLOAD_H_

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace skew {

// Collects content in "<path>.part" and renames that to the path when it is complete; otherwise it is removed.
// Errors are UNKNOWN with the path and the system's reason. Thread-compatible.
class Download {
 public:
  static absl::StatusOr<Download> Create(std::string path);
  Download(Download&& other) noexcept = default;
  Download& operator=(Download&&) = delete;
  ~Download();

  absl::Status Add(absl::string_view data);
  // The file is there, synced to disk. Call once, last.
  absl::Status Commit();

 private:
  explicit Download(std::string path) : path_(std::move(path)), part_(path_ + ".part") {}

  std::string path_;
  std::string part_;
  std::ofstream file_;
};

}  // namespace skew

#endif  // SKEW_CLIENT_DOWNLOAD_H_
