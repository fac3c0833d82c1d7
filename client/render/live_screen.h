// A picture on a terminal, drawn again in place.
#ifndef SKEW_CLIENT_RENDER_LIVE_SCREEN_H_
#define SKEW_CLIENT_RENDER_LIVE_SCREEN_H_

#include <signal.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/render/watch_frame.h"

namespace skew {

// What to write to replace `before`, whose last line the cursor stands below, by `after`.
std::string RedrawSequence(const std::vector<std::string>& before, const std::vector<std::string>& after);

// Draws on a terminal from a thread of its own, five times a second when the picture or the terminal's size has
// changed. The cursor is hidden while there is a picture, and comes back however the program ends: SIGINT, SIGTERM,
// SIGHUP and SIGTSTP are taken over for that and have their usual effect after it. SIGKILL alone leaves it hidden.
//
// Must be made before any other thread, which would get these signals. Start, Print and Stop are called by the maker's
// thread.
class LiveScreen {
 public:
  using Picture = std::function<std::vector<std::string>(FrameSize)>;

  // `fd` is an open terminal.
  explicit LiveScreen(int fd);
  // Stops.
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // Begins to draw. `picture` is called by the screen's thread until Stop returns. `farewell` is written when a signal
  // ends the program before that.
  void Start(Picture picture, std::string farewell) ABSL_LOCKS_EXCLUDED(mutex_);
  // Writes a line that stays, above the picture.
  void Print(const std::string& line) ABSL_LOCKS_EXCLUDED(mutex_);
  // Draws once more, leaves that picture where it is and shows the cursor again. Without a picture: nothing.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  void Handle(int signal) ABSL_LOCKS_EXCLUDED(mutex_);
  void Draw() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  FrameSize Size() const;
  void Write(const std::string& text) const;

  const int fd_;
  sigset_t signals_;
  int signal_fd_ = -1;
  int wake_fd_ = -1;

  absl::Mutex mutex_;
  Picture picture_ ABSL_GUARDED_BY(mutex_);
  std::string farewell_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> drawn_ ABSL_GUARDED_BY(mutex_);
  FrameSize drawn_size_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_LIVE_SCREEN_H_
