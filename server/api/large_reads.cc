#include "server/api/large_reads.h"

namespace skew {

LargeReads::Turn LargeReads::Await(const std::string& user) {
  absl::MutexLock lock(&mutex_);
  const auto has_room = [&] {
    mutex_.AssertHeld();
    return HasRoomFor(user);
  };
  mutex_.Await(absl::Condition(&has_room));
  ++total_;
  ++of_user_[user];
  return {this, user};
}

bool LargeReads::HasRoomFor(const std::string& user) const {
  const auto found = of_user_.find(user);
  return total_ < limit_.total && (found == of_user_.end() || found->second < limit_.per_user);
}

void LargeReads::End(const std::string& user) {
  absl::MutexLock lock(&mutex_);
  --total_;
  const auto found = of_user_.find(user);
  if (--found->second == 0) of_user_.erase(found);
}

}  // namespace skew
