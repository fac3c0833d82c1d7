#include "server/train/failure.h"

#include <new>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace skew::train {
namespace {

using worker::v1::Failed;

constexpr size_t kMostMessageBytes = 4096;

// Its beginning, cut between characters.
absl::string_view Clipped(absl::string_view text) {
  if (text.size() <= kMostMessageBytes) return text;
  size_t end = kMostMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

Failed MakeFailed(v1::Reason reason, absl::string_view message) {
  Failed failed;
  failed.set_reason(reason);
  failed.set_message(std::string(Clipped(message)));
  return failed;
}

v1::Reason ReasonOf(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return v1::OUT_OF_MEMORY_HOST;
  const absl::string_view text = error.what();
  // LibTorch's allocator's words, the driver's (of a context, say), and those of cuBLAS and cuDNN.
  if (absl::StrContains(text, "CUDA out of memory") || absl::StrContains(text, "CUDA error: out of memory") ||
      absl::StrContains(text, "STATUS_ALLOC_FAILED")) {
    return v1::OUT_OF_MEMORY_DEVICE;
  }
  // The CPU allocator's words, with and without an apostrophe.
  if (absl::StrContains(text, "DefaultCPUAllocator") || absl::StrContains(text, "allocate memory") ||
      absl::StrContains(text, "std::bad_alloc")) {
    return v1::OUT_OF_MEMORY_HOST;
  }
  const bool device = absl::StrContains(text, "CUDA error") || absl::StrContains(text, "CUBLAS_STATUS") ||
                      absl::StrContains(text, "CUDNN_STATUS");
  return device ? v1::DEVICE_FAULT : v1::INTERNAL;
}

// What the system says of files, and we of their content.
bool IsOfTheServer(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

Failed FailureOf(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return MakeFailed(v1::USER_CONFIG, status.message());
  if (absl::IsOutOfRange(status)) return MakeFailed(v1::NUMERIC, status.message());
  if (IsOfTheServer(status.code())) return MakeFailed(v1::PREEMPTED, status.message());
  return MakeFailed(v1::INTERNAL, status.message());
}

Failed FailureOf(const std::exception& error) {
  const std::vector<std::string> lines = absl::StrSplit(error.what(), absl::MaxSplits('\n', 1));
  return MakeFailed(ReasonOf(error), lines[0]);
}

}  // namespace skew::train
