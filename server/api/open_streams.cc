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
    case OpenStreams::Kind::kLargeRead:
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
  const Counts& counts = counts_[index];
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
  return Take(kind, user);
}

OpenStreams::Place OpenStreams::Await(Kind kind, const std::string& user) {
  absl::MutexLock lock(&mutex_);
  const auto has_room = [&] {
    mutex_.AssertHeld();
    return HasRoom(kind, user);
  };
  mutex_.Await(absl::Condition(&has_room));
  return Take(kind, user);
}

bool OpenStreams::HasRoom(Kind kind, const std::string& user) const {
  const auto index = static_cast<size_t>(kind);
  const auto found = counts_[index].of_user.find(user);
  return counts_[index].total < limits_[index].total &&
         (found == counts_[index].of_user.end() || found->second < limits_[index].per_user);
}

OpenStreams::Place OpenStreams::Take(Kind kind, const std::string& user) {
  Counts& counts = counts_[static_cast<size_t>(kind)];
  ++counts.total;
  ++counts.of_user[user];
  return {this, kind, user};
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
