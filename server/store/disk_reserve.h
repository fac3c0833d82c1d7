// The room that is kept free on the disk, so that what is under way can always be written down.
#ifndef SKEW_SERVER_STORE_DISK_RESERVE_H_
#define SKEW_SERVER_STORE_DISK_RESERVE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace skew {

// Bytes that the file system of `path` has left for this user. INTERNAL with the path.
absl::StatusOr<int64_t> FreeBytes(const std::string& path);

// "950.0 MiB", whatever the size.
std::string MebibytesText(int64_t bytes);

// Nothing new is begun while less than the reserve is free, or the disk takes hardly any more files; what is under way
// goes on and may use it. Thread-safe.
class DiskReserve {
 public:
  // Of the file system that holds `folder`.
  DiskReserve(std::string folder, int64_t reserve_bytes) : folder_(std::move(folder)), bytes_(reserve_bytes) {}

  // OK, or RESOURCE_EXHAUSTED with what is free, what has to be, and when to try again. OK, too, when it cannot be
  // found out. Asks the system: quick, but a call of its own.
  absl::Status Check() const;

  absl::StatusOr<int64_t> free_bytes() const { return FreeBytes(folder_); }
  int64_t bytes() const { return bytes_; }

 private:
  const std::string folder_;
  const int64_t bytes_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_DISK_RESERVE_H_
