#include "server/store/disk_reserve.h"

#include <sys/statvfs.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

// Somebody has to make room: no sooner.
constexpr absl::Duration kRetryAfter = absl::Seconds(30);

// Inodes: of some runs, with what they work on.
constexpr fsfilcnt_t kFewestFiles = 200;

absl::StatusOr<struct statvfs> Ask(const std::string& path) {
  struct statvfs disk;
  if (statvfs(path.c_str(), &disk) != 0) return SystemError(errno, absl::StrCat("cannot ask for room on ", path));
  return disk;
}

int64_t FreeBytesOf(const struct statvfs& disk) {
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

}  // namespace

absl::StatusOr<int64_t> FreeBytes(const std::string& path) {
  SKEW_ASSIGN_OR_RETURN(const struct statvfs disk, Ask(path));
  return FreeBytesOf(disk);
}

std::string MebibytesText(int64_t bytes) { return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1 << 20)); }

absl::Status DiskReserve::Check() const {
  const absl::StatusOr<struct statvfs> disk = Ask(folder_);
  if (!disk.ok()) return absl::OkStatus();
  // Some file systems have no such limit, and say 0 of 0.
  if (disk->f_files > 0 && disk->f_favail < kFewestFiles) {
    return ExhaustedForNow(
        absl::StrCat("the server's disk takes fewer than ", kFewestFiles, " more files, whatever their size"),
        kRetryAfter);
  }
  const int64_t free = FreeBytesOf(*disk);
  if (free >= bytes_) return absl::OkStatus();
  return ExhaustedForNow(absl::StrCat("the server's disk is nearly full: ", MebibytesText(free), " free, ",
                                      MebibytesText(bytes_), " are kept free"),
                         kRetryAfter);
}

}  // namespace skew
