// Signals as a call in an ordinary thread.
#ifndef SKEW_SERVER_TRAIN_SIGNAL_WATCHER_H_
#define SKEW_SERVER_TRAIN_SIGNAL_WATCHER_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace skew::train {

// Blocks SIGTERM and SIGINT in the calling thread, and so in every thread that it starts later, and calls back from a
// thread of its own each time one arrives. Make it before any other thread.
class SignalWatcher {
 public:
  // An error when the kernel has no file descriptors left.
  static absl::StatusOr<std::unique_ptr<SignalWatcher>> Start(std::function<void(int signal)> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  SignalWatcher(int signals, int end, std::function<void(int)> on_signal);
  void Watch();

  // A signalfd, and an eventfd that ends the thread.
  int signals_;
  int end_;
  std::function<void(int)> on_signal_;
  std::thread thread_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_SIGNAL_WATCHER_H_
