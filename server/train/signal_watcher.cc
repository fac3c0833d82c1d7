#include "server/train/signal_watcher.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace skew::train {

absl::StatusOr<std::unique_ptr<SignalWatcher>> SignalWatcher::Start(std::function<void(int)> on_signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int signals = signalfd(-1, &set, SFD_CLOEXEC);
  if (signals < 0) return absl::ErrnoToStatus(errno, "signalfd");
  const int end = eventfd(0, EFD_CLOEXEC);
  if (end < 0) {
    const int error = errno;
    close(signals);
    return absl::ErrnoToStatus(error, "eventfd");
  }
  return std::unique_ptr<SignalWatcher>(new SignalWatcher(signals, end, std::move(on_signal)));
}

SignalWatcher::SignalWatcher(int signals, int end, std::function<void(int)> on_signal)
    : signals_(signals), end_(end), on_signal_(std::move(on_signal)), thread_([this] { Watch(); }) {}

SignalWatcher::~SignalWatcher() {
  eventfd_write(end_, 1);
  thread_.join();
  close(signals_);
  close(end_);
}

void SignalWatcher::Watch() {
  while (true) {
    pollfd events[] = {{signals_, POLLIN, 0}, {end_, POLLIN, 0}};
    if (poll(events, 2, -1) < 0 && errno != EINTR) return;
    if (events[1].revents != 0) return;
    signalfd_siginfo info;
    if (events[0].revents != 0 && read(signals_, &info, sizeof(info)) == sizeof(info)) {
      on_signal_(static_cast<int>(info.ssi_signo));
    }
  }
}

}  // namespace skew::train
