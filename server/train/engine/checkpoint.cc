#include "server/train/engine/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/status.h"

namespace skew::train {
namespace {

constexpr absl::string_view kMagic = "SKEWCKPT";
constexpr uint64_t kVersion = 1;
constexpr size_t kVersionBytes = 4;
constexpr size_t kStepBytes = 8;
constexpr size_t kHeaderBytes = 8 + kVersionBytes + kStepBytes;
constexpr size_t kDigestBytes = 64;
constexpr size_t kMaxBytes = size_t{8} << 30;

std::string LittleEndian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  return text;
}

uint64_t ParseLittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

}  // namespace

std::string SerializeCheckpoint(const Checkpoint& checkpoint) {
  std::string bytes = absl::StrCat(kMagic, LittleEndian(kVersion, kVersionBytes),
                                   LittleEndian(static_cast<uint64_t>(checkpoint.step), kStepBytes),
                                   SerializeTensors(checkpoint.state));
  absl::StrAppend(&bytes, Sha256Hex(bytes));
  return bytes;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kDigestBytes) return absl::DataLossError("too short for a checkpoint");
  const absl::string_view content = bytes.substr(0, bytes.size() - kDigestBytes);
  if (Sha256Hex(content) != bytes.substr(content.size())) return absl::DataLossError("the digest does not match");
  if (content.substr(0, kMagic.size()) != kMagic) return absl::DataLossError("not a checkpoint");
  const uint64_t version = ParseLittleEndian(content.substr(kMagic.size(), kVersionBytes));
  if (version != kVersion) return absl::DataLossError(absl::StrCat("version ", version, " is not ", kVersion));
  Checkpoint checkpoint;
  checkpoint.step = static_cast<int64_t>(ParseLittleEndian(content.substr(kMagic.size() + kVersionBytes, kStepBytes)));
  SKEW_ASSIGN_OR_RETURN(checkpoint.state, ParseTensors(content.substr(kHeaderBytes)));
  return checkpoint;
}

absl::Status CheckpointFolder::Write(const Checkpoint& checkpoint) const {
  SKEW_RETURN_IF_ERROR(WriteFileAtomically(PathOf(checkpoint.step), SerializeCheckpoint(checkpoint)));
  bool has_earlier = false;
  // Files too many do no harm, and the next write tries again.
  for (const int64_t step : Steps().value_or(std::vector<int64_t>())) {
    if (step == checkpoint.step || (step < checkpoint.step && !std::exchange(has_earlier, true))) continue;
    std::error_code ignored;
    std::filesystem::remove(PathOf(step), ignored);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Checkpoint>> CheckpointFolder::ReadNewest(std::vector<std::string>& problems) const {
  SKEW_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, Steps());
  for (const int64_t step : steps) {
    SKEW_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(PathOf(step), kMaxBytes));
    absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(bytes);
    if (checkpoint.ok()) return *std::move(checkpoint);
    problems.push_back(absl::StrCat(PathOf(step), ": ", checkpoint.status().message()));
    SKEW_RETURN_IF_ERROR(PutAside(step));
  }
  return std::nullopt;
}

absl::Status CheckpointFolder::PutAside(int64_t step) const {
  return MoveFile(PathOf(step), absl::StrCat(PathOf(step), ".bad"));
}

std::string CheckpointFolder::PathOf(int64_t step) const { return absl::StrCat(path_, "/checkpoint-", step, ".ckpt"); }

absl::StatusOr<std::vector<int64_t>> CheckpointFolder::Steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    absl::string_view rest = name;
    int64_t step = 0;
    if (absl::ConsumePrefix(&rest, "checkpoint-") && absl::ConsumeSuffix(&rest, ".ckpt") &&
        absl::SimpleAtoi(rest, &step)) {
      steps.push_back(step);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return SystemError(error.value(), absl::StrCat("cannot read ", path_));
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

}  // namespace skew::train
