#include "server/api/request_rate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

constexpr double kSecondsAtOnce = 5;

// So many are told apart. Were there ever more that are at it, those that come last share one account.
constexpr size_t kMostKnown = 10'000;
constexpr char kOthers[] = "callers";

// Clients that all come back at once gain nothing.
constexpr absl::Duration kShortestDelay = absl::Milliseconds(100);

constexpr absl::Duration kBetweenWarnings = absl::Minutes(1);

}  // namespace

absl::Status RequestRate::Take(const std::string& who) {
  if (per_second_ <= 0) return absl::OkStatus();
  const absl::Time now = clock_->Now();
  int64_t refused = 0;
  absl::Duration delay;
  {
    absl::MutexLock lock(&mutex_);
    Account& account = Find(who, now);
    delay = account.bucket.Take(now);
    if (delay == absl::ZeroDuration()) return absl::OkStatus();
    ++account.refused;
    if (now >= account.say_next) {
      account.say_next = now + kBetweenWarnings;
      refused = std::exchange(account.refused, 0);
    }
  }
  if (refused > 0) spdlog::warn("{}: over {} requests a second, {} refused", who, per_second_, refused);
  return ExhaustedForNow(absl::StrCat(who, " makes more than ", per_second_, " requests a second"),
                         std::max(delay, kShortestDelay));
}

size_t RequestRate::known() const {
  absl::MutexLock lock(&mutex_);
  return accounts_.size();
}

RequestRate::Account& RequestRate::Find(const std::string& who, absl::Time now) {
  const auto found = accounts_.find(who);
  if (found != accounts_.end()) return found->second;
  // A full bucket is as good as a new one.
  if (accounts_.size() >= kMostKnown) {
    std::erase_if(accounts_, [now](const auto& account) { return account.second.bucket.IsFull(now); });
  }
  const std::string& name = accounts_.size() < kMostKnown ? who : kOthers;
  const double most = std::max(per_second_ * kSecondsAtOnce, 1.0);
  return accounts_.try_emplace(name, Account{TokenBucket(per_second_, most, now)}).first->second;
}

}  // namespace skew
