#include "client/render/live_screen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RedrawSequenceTest, WritesOverThePictureBefore) {
  EXPECT_EQ(RedrawSequence({}, {"a", "b"}), "\ra\x1b[K\nb\x1b[K\n\x1b[J");
  EXPECT_EQ(RedrawSequence({"a", "b"}, {"c"}), "\r\x1b[2Ac\x1b[K\n\x1b[J");
}

// The master side of a new terminal of 40 x 10, and its name.
class PseudoTerminal {
 public:
  PseudoTerminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    grantpt(master_);
    unlockpt(master_);
    terminal_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    const winsize size = {10, 40, 0, 0};
    ioctl(terminal_, TIOCSWINSZ, &size);
  }
  ~PseudoTerminal() {
    close(terminal_);
    close(master_);
  }

  int fd() const { return terminal_; }
  // What was written up to and with `last`.
  std::string ReadUntil(const std::string& last) const {
    std::string text;
    char bytes[4096];
    while (text.find(last) == std::string::npos) {
      const ssize_t count = read(master_, bytes, sizeof(bytes));
      if (count <= 0) break;
      text.append(bytes, static_cast<size_t>(count));
    }
    return text;
  }

 private:
  const int master_;
  int terminal_ = -1;
};

TEST(LiveScreenTest, LeavesTheLastPictureAndShowsTheCursorAgain) {
  PseudoTerminal terminal;
  std::atomic<int> width = 0;
  std::atomic<int> height = 0;
  {
    LiveScreen screen(terminal.fd());
    screen.Start(
        [&](FrameSize size) {
          width = size.width;
          height = size.height;
          return std::vector<std::string>{"hello"};
        },
        "bye\n");
  }
  const std::string text = terminal.ReadUntil("\x1b[?25h");
  EXPECT_THAT(text, StartsWith("\x1b[?25l"));
  EXPECT_THAT(text, HasSubstr("hello"));
  EXPECT_THAT(text, EndsWith("\x1b[?25h"));
  EXPECT_EQ(width, 40);
  EXPECT_EQ(height, 9);
}

TEST(LiveScreenTest, PrintedLinesStayAboveThePicture) {
  PseudoTerminal terminal;
  {
    LiveScreen screen(terminal.fd());
    screen.Start([](FrameSize) { return std::vector<std::string>{"hello", "world"}; }, "");
    screen.Print("a note");
  }
  EXPECT_THAT(terminal.ReadUntil("\x1b[?25h"),
              HasSubstr("\x1b[2Aa note\x1b[K\r\n\x1b[J\rhello\x1b[K\r\nworld\x1b[K\r\n"));
}

TEST(LiveScreenDeathTest, ASignalShowsTheCursorAndThenEndsTheProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        LiveScreen screen(STDERR_FILENO);
        screen.Start([](FrameSize) { return std::vector<std::string>{"hello"}; }, "bye\n");
        kill(getpid(), SIGTERM);
        pause();
      },
      ::testing::KilledBySignal(SIGTERM), "hello(.|\n)*25hbye");
}

}  // namespace
}  // namespace skew
