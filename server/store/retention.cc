#include "server/store/retention.h"

#include <cstdint>
#include <map>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace skew {
namespace {

constexpr int64_t kMostDays = 36500;

absl::Duration* Find(Retention& retention, absl::string_view kind) {
  const std::map<absl::string_view, absl::Duration*> kinds = {
      {"samples", &retention.samples}, {"weights", &retention.weights}, {"tables", &retention.tables},
      {"logs", &retention.logs},       {"events", &retention.events},   {"deleted", &retention.deleted}};
  const auto found = kinds.find(kind);
  return found == kinds.end() ? nullptr : found->second;
}

std::optional<absl::Duration> ParseAge(absl::string_view text) {
  if (text == "forever") return absl::InfiniteDuration();
  int64_t days = 0;
  absl::string_view number = text;
  if (absl::ConsumeSuffix(&number, "d") && absl::SimpleAtoi(number, &days) && days >= 0 && days <= kMostDays) {
    return absl::Hours(24 * days);
  }
  absl::Duration age;
  if (!absl::ParseDuration(std::string(text), &age)) return std::nullopt;
  if (age < absl::ZeroDuration() || age > absl::Hours(24 * kMostDays)) return std::nullopt;
  return age;
}

}  // namespace

absl::Status ParseRetention(const std::string& text, Retention& retention) {
  const size_t equals = text.find('=');
  absl::Duration* const kind = equals == std::string::npos ? nullptr : Find(retention, text.substr(0, equals));
  const std::optional<absl::Duration> age = kind == nullptr ? std::nullopt : ParseAge(text.substr(equals + 1));
  if (!age.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text,
        "' is not KIND=AGE: samples, weights, tables, logs, events or deleted, and an age like 30d, 12h or forever"));
  }
  *kind = *age;
  return absl::OkStatus();
}

}  // namespace skew
