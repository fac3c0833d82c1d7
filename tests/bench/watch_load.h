// Many watchers, without a thread for each.
#ifndef SKEW_TESTS_BENCH_WATCH_LOAD_H_
#define SKEW_TESTS_BENCH_WATCH_LOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"

namespace skew {

class Watcher;

// Opens one WatchJob stream for each of `jobs` and notes how late every event comes: by the clock of this machine,
// which is also the daemon's, from Event.time to the moment the client has it. Thread-safe.
class WatchLoad {
 public:
  // Stream i uses channel i mod their number. Streams begin after `after_revision`.
  WatchLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const std::vector<std::string>& jobs,
            int64_t after_revision);
  // Cancels the streams and waits for their end.
  ~WatchLoad();

  // Waits until every stream has seen this many events. False when that has not come about after `timeout`.
  bool AwaitEvents(int64_t of_each, absl::Duration timeout) const;
  bool AwaitTotal(int64_t events, absl::Duration timeout) const;

  // Milliseconds, of the events since the call before.
  std::vector<double> TakeLatencies();

  // Streams that saw sequence numbers with a gap or a repeat, or that ended by themselves.
  int broken() const;

 private:
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

}  // namespace skew

#endif  // SKEW_TESTS_BENCH_WATCH_LOAD_H_
