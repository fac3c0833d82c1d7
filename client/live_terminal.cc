#include "client/live_terminal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace skew {
namespace {

// Alternate screen, no wrapping, no cursor; and back.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J";
constexpr char kLeave[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr int kRefreshMs = 1000;
// Events come in bursts; a picture this often is smooth enough.
constexpr int kShortestPauseMs = 80;

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, signal);
  return set;
}

winsize SizeOf(int terminal) {
  winsize size{};
  if (ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    size.ws_col = 80;
    size.ws_row = 24;
  }
  return size;
}

}  // namespace

LiveTerminal::LiveTerminal(int descriptor) : terminal_(descriptor) {
  const sigset_t handled = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &handled, &old_mask_);
  signals_ = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
  wakeups_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { Loop(); });
}

LiveTerminal::~LiveTerminal() {
  Hide();
  Stop();
  close(signals_);
  close(wakeups_);
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void LiveTerminal::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

void LiveTerminal::Show(Draw draw) {
  {
    absl::MutexLock lock(&mutex_);
    draw_ = std::move(draw);
    Enter();
  }
  Wake();
}

void LiveTerminal::Update() { Wake(); }

void LiveTerminal::Hide() {
  absl::MutexLock lock(&mutex_);
  if (draw_ == nullptr) return;
  const std::vector<std::string> last = Picture();
  Leave();
  Write(absl::StrCat(absl::StrJoin(last, "\r\n"), "\r\n"));
  draw_ = nullptr;
}

void LiveTerminal::Loop() {
  while (true) {
    pollfd waits[] = {{signals_, POLLIN, 0}, {wakeups_, POLLIN, 0}};
    poll(waits, 2, kRefreshMs);
    uint64_t count = 0;
    (void)!read(wakeups_, &count, sizeof(count));
    HandleSignals();
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      if (draw_ != nullptr) Redraw();
    }
    poll(waits, 1, kShortestPauseMs);
  }
}

void LiveTerminal::HandleSignals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGWINCH) DieBy(signal);  // comes back from SIGTSTP only
  }
}

// With the terminal restored, the signal does what it would have done.
void LiveTerminal::DieBy(int signal) {
  absl::MutexLock lock(&mutex_);
  if (draw_ != nullptr) Leave();
  if (signal == SIGTSTP) {
    raise(SIGSTOP);
  } else {
    ::signal(signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    raise(signal);
  }
  if (draw_ != nullptr) Enter();
}

void LiveTerminal::Enter() { Write(kEnter); }

void LiveTerminal::Leave() { Write(kLeave); }

std::vector<std::string> LiveTerminal::Picture() {
  const winsize size = SizeOf(terminal_);
  return draw_(size.ws_col, size.ws_row);
}

void LiveTerminal::Redraw() {
  const std::vector<std::string> lines = Picture();
  // Cleared before it is written: the cursor of a full line stands on its last column. No line end after the last line,
  // where it would scroll.
  std::string text = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) absl::StrAppend(&text, i > 0 ? "\r\n" : "", "\x1b[2K", lines[i]);
  if (lines.size() < SizeOf(terminal_).ws_row) absl::StrAppend(&text, lines.empty() ? "" : "\r\n", "\x1b[J");
  Write(text);
}

void LiveTerminal::Write(const std::string& text) const {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(terminal_, text.data() + written, text.size() - written);
    if (count < 0 && errno != EINTR) return;
    written += static_cast<size_t>(std::max<ssize_t>(0, count));
  }
}

void LiveTerminal::Wake() const {
  const uint64_t one = 1;
  (void)!write(wakeups_, &one, sizeof(one));
}

}  // namespace skew
