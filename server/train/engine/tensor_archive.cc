#include "server/train/engine/tensor_archive.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew::train {
namespace {

// Of zip's records; the fields that are read, by their offsets (APPNOTE 4.3).
constexpr absl::string_view kEnd("PK\5\6", 4);
constexpr size_t kEndBytes = 22;
constexpr absl::string_view kEntry("PK\1\2", 4);
constexpr size_t kEntryBytes = 46;
constexpr absl::string_view kLocal("PK\3\4", 4);
constexpr size_t kLocalBytes = 30;
constexpr uint64_t kEncrypted = 1;

absl::Status Broken(absl::string_view what) { return absl::DataLossError(absl::StrCat("not an archive: ", what)); }

// `count` bytes at `offset`, which must be there, least significant first.
uint64_t Number(absl::string_view bytes, size_t offset, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i - 1]);
  return value;
}

// The part, if all of it is there.
absl::StatusOr<absl::string_view> Part(absl::string_view bytes, uint64_t offset, uint64_t count) {
  if (offset > bytes.size() || count > bytes.size() - offset) return Broken("it ends too early");
  return bytes.substr(offset, count);
}

// One record: its name and its bytes. Takes its entry off `directory`.
absl::Status ReadEntry(absl::string_view bytes, absl::string_view& directory,
                       std::map<std::string, absl::string_view>& records) {
  SKEW_ASSIGN_OR_RETURN(const absl::string_view entry, Part(directory, 0, kEntryBytes));
  if (!absl::StartsWith(entry, kEntry)) return Broken("its directory is damaged");
  const uint64_t name_bytes = Number(entry, 28, 2);
  SKEW_ASSIGN_OR_RETURN(const absl::string_view name, Part(directory, kEntryBytes, name_bytes));
  const uint64_t rest = Number(entry, 30, 2) + Number(entry, 32, 2);
  SKEW_RETURN_IF_ERROR(Part(directory, kEntryBytes + name_bytes, rest).status());
  directory.remove_prefix(kEntryBytes + name_bytes + rest);
  const uint64_t size = Number(entry, 24, 4);
  if ((Number(entry, 8, 2) & kEncrypted) != 0 || Number(entry, 10, 2) != 0 || Number(entry, 20, 4) != size) {
    return Broken("a record is not stored as it is");
  }
  const uint64_t offset = Number(entry, 42, 4);
  SKEW_ASSIGN_OR_RETURN(const absl::string_view local, Part(bytes, offset, kLocalBytes));
  if (!absl::StartsWith(local, kLocal)) return Broken("a record is not where its directory says");
  const uint64_t begin = offset + kLocalBytes + Number(local, 26, 2) + Number(local, 28, 2);
  SKEW_ASSIGN_OR_RETURN(const absl::string_view content, Part(bytes, begin, size));
  if (!records.emplace(name, content).second) return Broken("a record is there twice");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::map<std::string, absl::string_view>> ReadArchive(absl::string_view bytes) {
  if (bytes.size() < kEndBytes) return Broken("it is too short");
  const absl::string_view end = bytes.substr(bytes.size() - kEndBytes);
  if (!absl::StartsWith(end, kEnd)) return Broken("its end is missing");
  const uint64_t count = Number(end, 10, 2);
  SKEW_ASSIGN_OR_RETURN(absl::string_view directory, Part(bytes, Number(end, 16, 4), Number(end, 12, 4)));
  std::map<std::string, absl::string_view> records;
  for (uint64_t i = 0; i < count; ++i) SKEW_RETURN_IF_ERROR(ReadEntry(bytes, directory, records));
  return records;
}

}  // namespace skew::train
