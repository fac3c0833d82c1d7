// Whether the system kills processes for want of memory: what tells that from a kill by a person.
#ifndef SKEW_SERVER_WORKERS_OUT_OF_MEMORY_H_
#define SKEW_SERVER_WORKERS_OUT_OF_MEMORY_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace skew {

// How many processes the kernel has killed because memory ran out: of this process's control group, which its workers
// share, or of the whole machine where groups do not tell. 0 when nothing does.
int64_t CountOutOfMemoryKills();

// The count in the kernel's words, lines like "oom_kill 3"; absent when there is none.
std::optional<int64_t> ParseOutOfMemoryKills(absl::string_view text);

// Looks at the count every now and then, so that what happened of late can be told from what happened before. Not
// thread-safe.
class OutOfMemoryWatch {
 public:
  // To be given to Sample so often.
  static constexpr absl::Duration kInterval = absl::Seconds(5);

  explicit OutOfMemoryWatch(std::function<int64_t()> count)
      : count_(std::move(count)), before_(count_()), last_(before_) {}

  void Sample() {
    before_ = last_;
    last_ = count_();
  }
  // Whether anything was killed since the sample before the last one: kernels take a while to end what they kill.
  bool HasKilled() const { return count_() > before_; }

 private:
  const std::function<int64_t()> count_;
  int64_t before_;
  int64_t last_;
};

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_OUT_OF_MEMORY_H_
