#include "tests/testing/watched_disk.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace skew {
namespace {

std::atomic<WatchedDisk*> watched = nullptr;
std::atomic<int> cheap_syncs = 0;

// The function that would have been called.
template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// The path of an open file; empty when it has none any more.
std::string PathOf(int fd) {
  char path[PATH_MAX];
  const ssize_t size = readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), path, sizeof(path));
  if (size <= 0) return "";
  std::string found(path, static_cast<size_t>(size));
  return absl::EndsWith(found, " (deleted)") ? "" : found;
}

std::string PathAt(int folder, const char* name) {
  if (folder == AT_FDCWD || name[0] == '/') return name;
  return absl::StrCat(PathOf(folder), "/", name);
}

// One system call on a watched path: refused, or done and recorded. `call` returns below 0 on an error.
template <typename Call>
auto Pass(const std::string& path, DiskOp::Kind kind, Call call, const std::function<void(DiskOp&)>& fill = nullptr)
    -> decltype(call()) {
  WatchedDisk* const disk = watched;
  if (disk == nullptr || !disk->Has(path)) return call();
  DiskOp op;
  op.kind = kind;
  op.path = disk->Relative(path);
  if (fill) fill(op);
  if (const int fault = disk->FaultOf(op); fault != 0) {
    errno = fault;
    return -1;
  }
  const auto result = call();
  if (result < 0) return result;
  if (kind == DiskOp::Kind::kWrite) op.data.resize(static_cast<size_t>(result));
  const int before = errno;
  if (kind != DiskOp::Kind::kOpen) disk->Record(std::move(op));
  errno = before;
  return result;
}

template <typename Call>
int PassOpen(const std::string& path, int flags, Call call) {
  WatchedDisk* const disk = watched;
  if (disk == nullptr || !disk->Has(path)) return call();
  const bool exists = access(path.c_str(), F_OK) == 0;
  if (!exists && (flags & O_CREAT) != 0) return Pass(path, DiskOp::Kind::kCreate, call);
  if (exists && (flags & O_TRUNC) != 0) return Pass(path, DiskOp::Kind::kTruncate, call);
  return Pass(path, DiskOp::Kind::kOpen, call);
}

template <typename Call>
ssize_t PassWrite(int fd, const void* data, size_t size, off_t offset, Call call) {
  if (watched == nullptr) return call();
  return Pass(PathOf(fd), DiskOp::Kind::kWrite, call, [&](DiskOp& op) {
    struct stat file;
    const bool append = (fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &file) == 0;
    op.offset = append ? file.st_size : offset;
    op.data.assign(static_cast<const char*>(data), size);
  });
}

template <typename Call>
int PassSync(int fd, Call call) {
  if (watched == nullptr && cheap_syncs == 0) return call();
  struct stat file;
  const bool folder = fstat(fd, &file) == 0 && S_ISDIR(file.st_mode);
  const std::string path = PathOf(fd);
  const bool cheap = cheap_syncs > 0 && absl::StartsWith(path, std::filesystem::temp_directory_path().string());
  return Pass(path, folder ? DiskOp::Kind::kSyncFolder : DiskOp::Kind::kSyncFile, [&] { return cheap ? 0 : call(); });
}

}  // namespace

WatchedDisk::WatchedDisk(std::string folder) : folder_(std::move(folder)) {
  if (watched.exchange(this) != nullptr) std::abort();
}

WatchedDisk::~WatchedDisk() { watched = nullptr; }

void WatchedDisk::SetFault(Fault fault) {
  absl::MutexLock lock(&mutex_);
  fault_ = std::move(fault);
}

std::vector<DiskOp> WatchedDisk::ops() const {
  absl::MutexLock lock(&mutex_);
  return ops_;
}

size_t WatchedDisk::size() const {
  absl::MutexLock lock(&mutex_);
  return ops_.size();
}

bool WatchedDisk::Has(const std::string& path) const {
  if (absl::EndsWith(path, "-shm")) return false;
  return path == folder_ || absl::StartsWith(path, folder_ + "/");
}

int WatchedDisk::FaultOf(const DiskOp& op) {
  absl::MutexLock lock(&mutex_);
  return fault_ ? fault_(op) : 0;
}

void WatchedDisk::Record(DiskOp op) {
  absl::MutexLock lock(&mutex_);
  ops_.push_back(std::move(op));
}

std::string WatchedDisk::Relative(const std::string& path) const {
  return path == folder_ ? "" : std::string(absl::StripPrefix(path, folder_ + "/"));
}

CheapSyncs::CheapSyncs() { ++cheap_syncs; }
CheapSyncs::~CheapSyncs() { --cheap_syncs; }

}  // namespace skew

// The calls. Each is found before the C library's.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  static auto* const next = skew::Next<int(const char*, int, ...)>("open");
  return skew::PassOpen(path, flags, [&] { return next(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  static auto* const next = skew::Next<int(const char*, int, ...)>("open64");
  return skew::PassOpen(path, flags, [&] { return next(path, flags, mode); });
}

ssize_t write(int fd, const void* data, size_t size) {
  static auto* const next = skew::Next<ssize_t(int, const void*, size_t)>("write");
  if (skew::watched == nullptr) return next(fd, data, size);
  return skew::PassWrite(fd, data, size, lseek(fd, 0, SEEK_CUR), [&] { return next(fd, data, size); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  static auto* const next = skew::Next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return skew::PassWrite(fd, data, size, offset, [&] { return next(fd, data, size, offset); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  static auto* const next = skew::Next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return skew::PassWrite(fd, data, size, offset, [&] { return next(fd, data, size, offset); });
}

// Copies by writing, so that what is copied is seen.
ssize_t sendfile(int to, int from, off_t* offset, size_t size) noexcept {
  static auto* const next = skew::Next<ssize_t(int, int, off_t*, size_t)>("sendfile");
  if (skew::watched == nullptr || !skew::watched.load()->Has(skew::PathOf(to))) return next(to, from, offset, size);
  std::string data(size, '\0');
  const ssize_t count = offset == nullptr ? read(from, data.data(), size) : pread(from, data.data(), size, *offset);
  if (count <= 0) return count;
  if (offset != nullptr) *offset += count;
  return write(to, data.data(), static_cast<size_t>(count));
}

int ftruncate(int fd, off_t size) noexcept {
  static auto* const next = skew::Next<int(int, off_t)>("ftruncate");
  if (skew::watched == nullptr) return next(fd, size);
  return skew::Pass(
      skew::PathOf(fd), skew::DiskOp::Kind::kTruncate, [&] { return next(fd, size); },
      [&](skew::DiskOp& op) { op.offset = size; });
}

int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }

int fsync(int fd) {
  static auto* const next = skew::Next<int(int)>("fsync");
  return skew::PassSync(fd, [&] { return next(fd); });
}

int fdatasync(int fd) {
  static auto* const next = skew::Next<int(int)>("fdatasync");
  return skew::PassSync(fd, [&] { return next(fd); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const next = skew::Next<int(const char*, const char*)>("rename");
  return skew::Pass(
      from, skew::DiskOp::Kind::kRename, [&] { return next(from, to); },
      [&](skew::DiskOp& op) { op.target = skew::watched.load()->Relative(to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) noexcept {
  static auto* const next = skew::Next<int(int, const char*, int, const char*, unsigned int)>("renameat2");
  const auto call = [&] { return next(from_folder, from, to_folder, to, flags); };
  if (skew::watched == nullptr) return call();
  return skew::Pass(skew::PathAt(from_folder, from), skew::DiskOp::Kind::kRename, call,
                    [&](skew::DiskOp& op) { op.target = skew::watched.load()->Relative(skew::PathAt(to_folder, to)); });
}

int unlink(const char* path) noexcept {
  static auto* const next = skew::Next<int(const char*)>("unlink");
  return skew::Pass(path, skew::DiskOp::Kind::kRemove, [&] { return next(path); });
}

int unlinkat(int folder, const char* name, int flags) noexcept {
  static auto* const next = skew::Next<int(int, const char*, int)>("unlinkat");
  if (skew::watched == nullptr) return next(folder, name, flags);
  return skew::Pass(skew::PathAt(folder, name), skew::DiskOp::Kind::kRemove, [&] { return next(folder, name, flags); });
}

int remove(const char* path) noexcept {
  static auto* const next = skew::Next<int(const char*)>("remove");
  return skew::Pass(path, skew::DiskOp::Kind::kRemove, [&] { return next(path); });
}

int rmdir(const char* path) noexcept {
  static auto* const next = skew::Next<int(const char*)>("rmdir");
  return skew::Pass(path, skew::DiskOp::Kind::kRemove, [&] { return next(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const next = skew::Next<int(const char*, mode_t)>("mkdir");
  return skew::Pass(path, skew::DiskOp::Kind::kMakeFolder, [&] { return next(path, mode); });
}

}  // extern "C"
