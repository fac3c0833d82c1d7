#include "client/render/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/results.h"
#include "common/run_state.h"

namespace skew {
namespace {

// Protobuf's maps have no order.
template <typename Key, typename Value>
std::map<Key, Value> Sorted(const google::protobuf::Map<Key, Value>& map) {
  return {map.begin(), map.end()};
}

}  // namespace

std::string StateName(v1::RunState state) { return v1::RunState_Name(state); }

std::string StateName(v1::JobState state) {
  const std::string name = v1::JobState_Name(state);
  return std::string(absl::StripPrefix(name, "JOB_"));
}

std::string CountsText(const google::protobuf::Map<int32_t, int32_t>& counts) {
  return absl::StrJoin(Sorted(counts), " ", absl::PairFormatter(":"));
}

std::string SharesText(const v1::ClassHistogram& histogram) {
  std::vector<std::string> parts;
  for (const auto& [label, count] : Sorted(histogram.counts())) {
    const double share = GeneratedShare(histogram, label);
    if (std::isfinite(share)) parts.push_back(absl::StrFormat("%d:%.1f%%", label, 100 * share));
  }
  return parts.empty() && histogram.images() > 0 ? "none accepted" : absl::StrJoin(parts, " ");
}

std::string MetricsText(const google::protobuf::Map<std::string, double>& metrics) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : Sorted(metrics)) {
    parts.push_back(absl::StrFormat("%s %.*f", Printable(name), std::abs(value) < 100 ? 3 : 1, value));
  }
  return absl::StrJoin(parts, " ");
}

std::string Fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  return absl::StrFormat("%.*f", digits, value);
}

std::string Exact(double value) {
  if (!std::isfinite(value)) return "";
  char text[400];
  // Without an exponent where that is not longer than a few zeros.
  const bool plain = value == 0 || (std::abs(value) >= 1e-6 && std::abs(value) < 1e15);
  const std::chars_format format = plain ? std::chars_format::fixed : std::chars_format::general;
  return {text, std::to_chars(text, text + sizeof(text), value, format).ptr};
}

std::string DurationText(absl::Duration duration) {
  if (duration < absl::ZeroDuration() || duration == absl::InfiniteDuration()) return "-";
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 60) return absl::StrFormat("%ds", seconds);
  if (seconds < 3600) return absl::StrFormat("%dm %02ds", seconds / 60, seconds % 60);
  if (seconds < 86400) return absl::StrFormat("%dh %02dm", seconds / 3600, seconds / 60 % 60);
  return absl::StrFormat("%dd %02dh", seconds / 86400, seconds / 3600 % 24);
}

std::string Counted(int64_t count, absl::string_view noun, absl::string_view plural) {
  if (count == 1) return absl::StrCat("1 ", noun);
  return plural.empty() ? absl::StrCat(count, " ", noun, "s") : absl::StrCat(count, " ", plural);
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(time), absl::UTCTimeZone());
}

std::string ExactTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone());
}

std::string BytesText(int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < std::size(kUnits); ++unit) amount /= 1024;
  return absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

std::string Bar(double fraction, int width) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths =
      std::isfinite(fraction) ? static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * width * 8)) : 0;
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[eighths % 8];
  return PadRight(bar, width);
}

std::string StepsText(const v1::Progress& progress) {
  return progress.total_steps() == 0 ? "-" : absl::StrCat(progress.step(), "/", progress.total_steps());
}

double DoneFraction(const v1::Run& run) {
  if (IsTerminal(run.state())) return 1;
  if (run.progress().total_steps() <= 0) return 0;
  return std::clamp(static_cast<double>(run.progress().step()) / run.progress().total_steps(), 0.0, 1.0);
}

}  // namespace skew
