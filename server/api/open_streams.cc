#include "server/api/open_streams.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {
namespace {

struct KindText {
  const char* name;
  absl::Duration delay;  // nobody knows when one will end; calls do so soon
};

KindText TextOf(OpenStreams::Kind kind) {
  switch (kind) {
    case OpenStreams::Kind::kWatch:
      return {"watches", absl::Seconds(2)};
    case OpenStreams::Kind::kRead:
      return {"reads of logs and artifacts", absl::Seconds(2)};
    case OpenStreams::Kind::kCall:
      break;
  }
  return {"calls", absl::Milliseconds(500)};
}

}  // namespace

absl::StatusOr<OpenStreams::Place> OpenStreams::Open(Kind kind, const std::string& user) {
  const auto index = static_cast<size_t>(kind);
  const StreamLimit& limit = limits_[index];
  const KindText text = TextOf(kind);
  absl::MutexLock lock(&mutex_);
  Counts& counts = counts_[index];
  const auto found = counts.of_user.find(user);
  if (found != counts.of_user.end() && found->second >= limit.per_user) {
    return ExhaustedForNow(absl::StrCat("user '", user, "' has ", found->second, " ", text.name,
                                        " open, and may not have more; one has to end first"),
                           text.delay);
  }
  if (counts.total >= limit.total) {
    return ExhaustedForNow(
        absl::StrCat("the server has ", counts.total, " ", text.name, " open, and may not have more"), text.delay);
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
