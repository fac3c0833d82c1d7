// A screen that is drawn again and again while something goes on.
#ifndef SKEW_CLIENT_LIVE_TERMINAL_H_
#define SKEW_CLIENT_LIVE_TERMINAL_H_

#include <signal.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace skew {

// Draws on the terminal's alternate screen, where a change of its size cannot break lines drawn before, with the cursor
// hidden. However the process ends (other than by SIGKILL), the terminal is put back first: the object takes SIGINT,
// SIGTERM, SIGHUP, SIGQUIT and SIGTSTP over, restores the terminal, and then lets the signal do what it does by
// default.
//
// Construct it before any other thread is started, because threads inherit the blocked signals. Thread-safe.
class LiveTerminal {
 public:
  // At most `height` lines of at most `width` columns, without control characters other than colours. Called on the
  // terminal's thread.
  using Draw = std::function<std::vector<std::string>(int width, int height)>;

  // `descriptor` is a terminal. Nothing is drawn yet.
  explicit LiveTerminal(int descriptor);
  // Ends the drawing as Hide does.
  ~LiveTerminal();
  LiveTerminal(const LiveTerminal&) = delete;
  LiveTerminal& operator=(const LiveTerminal&) = delete;

  // Begins to draw: at once, every second, when the size changes, and soon after each Update.
  void Show(Draw draw);
  void Update();
  // Leaves the alternate screen and prints the last picture on the normal one, where it stays. Nothing happens unless
  // something is shown.
  void Hide();

 private:
  void Loop();
  void HandleSignals();
  void DieBy(int signal);
  void Stop();
  void Redraw() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Leave() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::string> Picture() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(const std::string& text) const;
  void Wake() const;

  const int terminal_;
  sigset_t old_mask_;
  int signals_ = -1;  // signalfd
  int wakeups_ = -1;  // eventfd
  absl::Mutex mutex_;
  Draw draw_ ABSL_GUARDED_BY(mutex_);  // null while nothing is shown
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_CLIENT_LIVE_TERMINAL_H_
