#include "server/workers/report_limits.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr size_t kMostTextBytes = 256;  // names and digests
constexpr size_t kMostMessageBytes = size_t{16} << 10;
constexpr int kMostEntries = 1024;  // metrics, and classes: labels are bytes

absl::Status CheckSize(absl::string_view what, size_t size, size_t most) {
  if (size <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", size, "; at most ", most, " are accepted"));
}

absl::Status CheckProgress(const v1::Progress& progress) {
  SKEW_RETURN_IF_ERROR(CheckSize("metrics", progress.metrics().size(), kMostEntries));
  for (const auto& [name, value] : progress.metrics()) {
    SKEW_RETURN_IF_ERROR(CheckSize("bytes of a metric's name", name.size(), kMostTextBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckHistogram(const v1::ClassHistogram& histogram) {
  SKEW_RETURN_IF_ERROR(CheckSize("classes", histogram.counts().size(), kMostEntries));
  SKEW_RETURN_IF_ERROR(CheckSize("bytes of the judge's digest", histogram.classifier_digest().size(), kMostTextBytes));
  return CheckSize("bytes of the histogram", histogram.ByteSizeLong(), size_t{256} << 10);
}

absl::Status CheckArtifact(const worker::v1::NewArtifact& artifact) {
  if (artifact.file().empty() || artifact.file().front() == '.' || absl::StrContains(artifact.file(), '/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("artifact file '", artifact.file(), "' is not a name in the work folder"));
  }
  SKEW_RETURN_IF_ERROR(CheckSize("bytes of an artifact's file name", artifact.file().size(), kMostTextBytes));
  SKEW_RETURN_IF_ERROR(CheckSize("bytes of an artifact's name", artifact.name().size(), kMostTextBytes));
  SKEW_RETURN_IF_ERROR(CheckSize("bytes of a media type", artifact.media_type().size(), kMostTextBytes));
  return CheckSize("bytes of a digest", artifact.digest().size(), kMostTextBytes);
}

}  // namespace

absl::Status CheckReport(const worker::v1::Report& report, const ReportLimits& limits) {
  if (report.number() > limits.of_attempt) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", limits.of_attempt, " reports of an attempt are accepted"));
  }
  switch (report.report_case()) {
    case worker::v1::Report::kStarted:
      return CheckSize("bytes of the manifest's digest", report.started().manifest_digest().size(), kMostTextBytes);
    case worker::v1::Report::kProgress:
      return CheckProgress(report.progress());
    case worker::v1::Report::kHistogram:
      return CheckHistogram(report.histogram());
    case worker::v1::Report::kArtifact:
      return CheckArtifact(report.artifact());
    case worker::v1::Report::kFailed:
      return CheckSize("bytes of a failure's message", report.failed().message().size(), kMostMessageBytes);
    default:
      return absl::OkStatus();
  }
}

}  // namespace skew
