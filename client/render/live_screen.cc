#include "client/render/live_screen.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"

namespace skew {
namespace {

constexpr int kTickMilliseconds = 200;
constexpr char kHideCursor[] = "\x1b[?25l";
constexpr char kShowCursor[] = "\x1b[?25h";
// Terminals break lines anew when their width changes, so nobody knows where the old picture is.
constexpr char kClear[] = "\x1b[2J\x1b[H";

bool SameSize(FrameSize a, FrameSize b) { return a.width == b.width && a.height == b.height; }

}  // namespace

std::string RedrawSequence(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::string text = "\r";
  if (!before.empty()) absl::StrAppend(&text, "\x1b[", before.size(), "A");
  // Written over and cleared to the right, not cleared first: that would flicker.
  for (const std::string& line : after) absl::StrAppend(&text, line, "\x1b[K\n");
  absl::StrAppend(&text, "\x1b[J");
  return text;
}

LiveScreen::LiveScreen(int fd) : fd_(fd) {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal_fd_ = signalfd(-1, &signals_, SFD_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Loop(); });
}

LiveScreen::~LiveScreen() {
  Stop();
  const uint64_t one = 1;
  while (write(wake_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
  close(wake_fd_);
  close(signal_fd_);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
}

void LiveScreen::Start(Picture picture, std::string farewell) {
  absl::MutexLock lock(&mutex_);
  picture_ = std::move(picture);
  farewell_ = std::move(farewell);
  Write(kHideCursor);
  Draw();
}

void LiveScreen::Print(const std::string& line) {
  absl::MutexLock lock(&mutex_);
  Write(RedrawSequence(drawn_, {line}));
  drawn_.clear();
  if (picture_ != nullptr) Draw();
}

void LiveScreen::Stop() {
  absl::MutexLock lock(&mutex_);
  if (picture_ == nullptr) return;
  Draw();
  Write(kShowCursor);
  picture_ = nullptr;
  drawn_.clear();
}

void LiveScreen::Loop() {
  pollfd waits[] = {{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  while (true) {
    poll(waits, 2, kTickMilliseconds);
    if ((waits[1].revents & POLLIN) != 0) return;
    signalfd_siginfo info;
    if ((waits[0].revents & POLLIN) != 0 && read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      Handle(static_cast<int>(info.ssi_signo));
    }
    absl::MutexLock lock(&mutex_);
    if (picture_ != nullptr) Draw();
  }
}

void LiveScreen::Handle(int signal) {
  absl::MutexLock lock(&mutex_);
  const bool shown = picture_ != nullptr;
  if (shown) Write(kShowCursor);
  if (signal == SIGTSTP) {
    kill(getpid(), SIGSTOP);
    drawn_.clear();  // the shell has written below it
    if (shown) Write(kHideCursor);
    return;
  }
  if (shown) Write(farewell_);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  ::signal(signal, SIG_DFL);
  kill(getpid(), signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);  // ends the program here, by that signal
}

void LiveScreen::Draw() {
  const FrameSize size = Size();
  // The cursor needs the last line.
  std::vector<std::string> lines = picture_({size.width, size.height - 1});
  const bool resized = !drawn_.empty() && !SameSize(size, drawn_size_);
  if (resized) {
    Write(kClear);
    drawn_.clear();
  }
  if (lines != drawn_) Write(RedrawSequence(drawn_, lines));
  drawn_ = std::move(lines);
  drawn_size_ = size;
}

FrameSize LiveScreen::Size() const {
  winsize size = {};
  if (ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void LiveScreen::Write(const std::string& text) const {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(fd_, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal has gone; SIGHUP says so too
    written += static_cast<size_t>(count);
  }
}

}  // namespace skew
