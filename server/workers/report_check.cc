#include "server/workers/report_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr size_t kLongestName = 256;
constexpr size_t kLongestMessage = 16 << 10;
constexpr int kMostMetrics = 256;
constexpr int kMostClasses = 1024;
constexpr size_t kLargestHistogram = 256 << 10;

absl::Status Bad(absl::string_view field, absl::string_view value) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": '", absl::CHexEscape(value.substr(0, 100)), "' cannot be"));
}

absl::Status CheckNotNegative(absl::string_view field, int64_t value) {
  return value >= 0 ? absl::OkStatus() : Bad(field, absl::StrCat(value));
}

// Of a file or an artifact: printable and no path.
absl::Status CheckName(absl::string_view field, absl::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return absl::ascii_isgraph(c) && c != '/'; });
  if (plain && !name.empty() && name.size() <= kLongestName && name.front() != '.') return absl::OkStatus();
  return Bad(field, name);
}

absl::Status CheckStarted(const worker::v1::Started& started) {
  SKEW_RETURN_IF_ERROR(CheckNotNegative("started.resumed_step", started.resumed_step()));
  if (started.manifest_digest().size() > kLongestName) return Bad("started.manifest_digest", started.manifest_digest());
  return v1::Precision_IsValid(started.precision()) ? absl::OkStatus()
                                                    : Bad("started.precision", absl::StrCat(started.precision()));
}

absl::Status CheckProgress(const v1::Progress& progress) {
  SKEW_RETURN_IF_ERROR(CheckNotNegative("progress.step", progress.step()));
  SKEW_RETURN_IF_ERROR(CheckNotNegative("progress.total_steps", progress.total_steps()));
  if (progress.metrics_size() > kMostMetrics) {
    return Bad("progress.metrics", absl::StrCat(progress.metrics_size(), " of them"));
  }
  for (const auto& [name, value] : progress.metrics()) SKEW_RETURN_IF_ERROR(CheckName("progress.metrics", name));
  return absl::OkStatus();
}

absl::Status CheckHistogram(const v1::ClassHistogram& histogram) {
  SKEW_RETURN_IF_ERROR(CheckNotNegative("histogram.step", histogram.step()));
  SKEW_RETURN_IF_ERROR(CheckNotNegative("histogram.images", histogram.images()));
  SKEW_RETURN_IF_ERROR(CheckNotNegative("histogram.rejected", histogram.rejected()));
  SKEW_RETURN_IF_ERROR(CheckNotNegative("histogram.off_support", histogram.off_support()));
  if (histogram.classifier_digest().size() > kLongestName) {
    return Bad("histogram.classifier_digest", histogram.classifier_digest());
  }
  if (histogram.ByteSizeLong() > kLargestHistogram) {
    return Bad("histogram", absl::StrCat(histogram.ByteSizeLong(), " bytes of it"));
  }
  if (histogram.counts_size() > kMostClasses) {
    return Bad("histogram.counts", absl::StrCat(histogram.counts_size(), " of them"));
  }
  for (const auto& [label, count] : histogram.counts()) {
    SKEW_RETURN_IF_ERROR(CheckNotNegative("histogram.counts: class", label));
    SKEW_RETURN_IF_ERROR(CheckNotNegative(absl::StrCat("histogram.counts of class ", label), count));
  }
  return absl::OkStatus();
}

absl::Status CheckArtifact(const worker::v1::NewArtifact& artifact) {
  SKEW_RETURN_IF_ERROR(CheckName("artifact.file", artifact.file()));
  SKEW_RETURN_IF_ERROR(CheckName("artifact.name", artifact.name()));
  if (artifact.media_type().size() > kLongestName) return Bad("artifact.media_type", artifact.media_type());
  if (!IsSha256Hex(artifact.digest())) return Bad("artifact.digest", artifact.digest());
  return CheckNotNegative("artifact.size_bytes", artifact.size_bytes());
}

// What the server itself decides no worker can report.
absl::Status CheckFailed(const worker::v1::Failed& failed) {
  switch (failed.reason()) {
    case v1::USER_CONFIG:
    case v1::OUT_OF_MEMORY_DEVICE:
    case v1::OUT_OF_MEMORY_HOST:
    case v1::NUMERIC:
    case v1::DEVICE_FAULT:
    case v1::WORKER_LOST:
    case v1::PREEMPTED:  // something is missing that is not the run's
    case v1::INTERNAL:
      break;
    default:
      return Bad("failed.reason", absl::StrCat(failed.reason()));
  }
  if (failed.message().size() > kLongestMessage) return Bad("failed.message", failed.message());
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckReport(const worker::v1::Report& report, const ReportLimits& limits) {
  using worker::v1::Report;
  if (report.number() < 1 || report.number() > limits.of_attempt) return Bad("number", absl::StrCat(report.number()));
  switch (report.report_case()) {
    case Report::kStarted:
      return CheckStarted(report.started());
    case Report::kProgress:
      return CheckProgress(report.progress());
    case Report::kHistogram:
      return CheckHistogram(report.histogram());
    case Report::kArtifact:
      return CheckArtifact(report.artifact());
    case Report::kFailed:
      return CheckFailed(report.failed());
    case Report::kFinished:
      return absl::OkStatus();
    case Report::kStopped:
      return CheckNotNegative("stopped.checkpoint_step", report.stopped().checkpoint_step());
    case Report::REPORT_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat("report ", report.number(), " is empty"));
}

}  // namespace skew
