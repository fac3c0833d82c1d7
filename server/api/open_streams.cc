#include "server/api/open_streams.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr absl::Duration kDelay = absl::Seconds(2);  // nobody knows when a stream will end

const char* NameOf(OpenStreams::Kind kind) {
  return kind == OpenStreams::Kind::kWatch ? "watches" : "reads of logs and artifacts";
}

}  // namespace

absl::StatusOr<OpenStreams::Place> OpenStreams::Open(Kind kind, const std::string& user) {
  const auto index = static_cast<size_t>(kind);
  const StreamLimit& limit = limits_[index];
  absl::MutexLock lock(&mutex_);
  Counts& counts = counts_[index];
  const auto found = counts.of_user.find(user);
  if (found != counts.of_user.end() && found->second >= limit.per_user) {
    return ExhaustedForNow(absl::StrCat("user '", user, "' has ", found->second, " ", NameOf(kind),
                                        " open, and may not have more; one has to end first"),
                           kDelay);
  }
  if (counts.total >= limit.total) {
    return ExhaustedForNow(
        absl::StrCat("the server has ", counts.total, " ", NameOf(kind), " open, and may not have more"), kDelay);
  }
  ++counts.total;
  ++counts.of_user[user];
  return Place(this, kind, user);
}

void OpenStreams::Close(Kind kind, const std::string& user) {
  absl::MutexLock lock(&mutex_);
  Counts& counts = counts_[static_cast<size_t>(kind)];
  --counts.total;
  const auto found = counts.of_user.find(user);
  if (--found->second == 0) counts.of_user.erase(found);
}

int OpenStreams::count(Kind kind) const {
  absl::MutexLock lock(&mutex_);
  return counts_[static_cast<size_t>(kind)].total;
}

}  // namespace skew
