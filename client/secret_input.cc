#include "client/secret_input.h"

#include <termios.h>
#include <unistd.h>

#include "absl/strings/ascii.h"

namespace skew {
namespace {

// The terminal shows nothing that is typed while this lives.
class NoEcho {
 public:
  NoEcho() {
    active_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!active_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() {
    if (active_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

  bool active() const { return active_; }

 private:
  bool active_;
  termios before_{};
};

}  // namespace

absl::StatusOr<std::string> ReadSecret(absl::string_view prompt, std::istream& in, std::ostream& err) {
  std::string line;
  {
    const NoEcho no_echo;
    if (no_echo.active()) err << prompt << std::flush;
    std::getline(in, line);
    if (no_echo.active()) err << std::endl;
  }
  absl::StripAsciiWhitespace(&line);
  if (line.empty()) return absl::InvalidArgumentError("no token on standard input");
  return line;
}

}  // namespace skew
