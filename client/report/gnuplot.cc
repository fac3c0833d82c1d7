#include "client/report/gnuplot.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "client/report/html.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {
namespace {

// What every figure is drawn with; pages put their own fonts in its place.
constexpr char kFont[] = "DejaVu Sans";
constexpr char kPageFonts[] = "system-ui,Helvetica,Arial,sans-serif";
constexpr int kFontSize = 15;

// A file that exists in memory only. A program's output of any size fits without somebody reading it meanwhile.
class MemoryFile {
 public:
  static absl::StatusOr<MemoryFile> Make(const std::string& content = "") {
    MemoryFile file(memfd_create("gnuplot", MFD_CLOEXEC));
    if (file.fd_ < 0) return absl::ErrnoToStatus(errno, "cannot make a file in memory");
    size_t written = 0;
    while (written < content.size()) {
      const ssize_t n = write(file.fd_, content.data() + written, content.size() - written);
      if (n < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "cannot write a file in memory");
      if (n > 0) written += static_cast<size_t>(n);
    }
    lseek(file.fd_, 0, SEEK_SET);
    return file;
  }
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }
  MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  MemoryFile& operator=(MemoryFile&&) = delete;

  int fd() const { return fd_; }

  std::string Content() const {
    std::string content;
    std::array<char, 65536> buffer{};
    lseek(fd_, 0, SEEK_SET);
    ssize_t n = 0;
    while ((n = read(fd_, buffer.data(), buffer.size())) > 0) content.append(buffer.data(), static_cast<size_t>(n));
    return content;
  }

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}

  int fd_;
};

// Starts the program; a token in the environment is none of its business.
int Spawn(const std::string& program, int in, int out, int err, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  std::vector<char*> environment;
  for (char** one = environ; *one != nullptr; ++one) {
    if (!absl::StartsWith(*one, "SKEW_TOKEN=")) environment.push_back(*one);
  }
  environment.push_back(nullptr);
  std::string name = program;
  std::string defaults = "-d";  // no start-up file of the user's
  std::array<char*, 3> argv{name.data(), defaults.data(), nullptr};
  const int error = posix_spawnp(&pid, name.c_str(), &files, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  return error;
}

// From one place to another, all of them.
void ReplaceBetween(const std::string& open, const std::string& close, const std::string& with, std::string& text) {
  size_t begin = 0;
  while ((begin = text.find(open, begin)) != std::string::npos) {
    const size_t end = text.find(close, begin + open.size());
    if (end == std::string::npos) return;
    text.replace(begin, end + close.size() - begin, with);
    begin += with.size();
  }
}

}  // namespace

std::string GnuplotText(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(Printable(text), {{"'", "''"}}), "'");
}

std::string GnuplotTerminal(ImageFormat format, int width, int height) {
  // SVG's fonts are measured in pixels, the others' in points.
  switch (format) {
    case ImageFormat::kSvg:
      return absl::StrFormat("set terminal svg size %d,%d font '%s,%d' noenhanced background '#ffffff'\n", width,
                             height, kFont, kFontSize);
    case ImageFormat::kPng:
      return absl::StrFormat(
          "set terminal pngcairo size %d,%d font '%s,%d' fontscale 1.5 linewidth 2 pointscale 2.6 noenhanced\n",
          2 * width, 2 * height, kFont, kFontSize);
    case ImageFormat::kPdf:
      break;
  }
  // Three quarters of a point are a pixel, and pdfcairo makes texts a third larger than it is told.
  return absl::StrFormat(
      "set terminal pdfcairo size %.3fin,%.3fin font '%s,%d' fontscale 0.5625 pointscale 1.2 noenhanced\n",
      width / 96.0, height / 96.0, kFont, kFontSize);
}

absl::StatusOr<std::string> RunGnuplot(const std::string& script, const std::string& program) {
  SKEW_ASSIGN_OR_RETURN(const MemoryFile in, MemoryFile::Make(script));
  SKEW_ASSIGN_OR_RETURN(const MemoryFile out, MemoryFile::Make());
  SKEW_ASSIGN_OR_RETURN(const MemoryFile err, MemoryFile::Make());
  pid_t pid = 0;
  const int error = Spawn(program, in.fd(), out.fd(), err.fd(), pid);
  if (error == ENOENT) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no program ", program, ", which draws the figures; install the package gnuplot-nox"));
  }
  if (error != 0) return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", program));
  int state = 0;
  while (waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  std::string image = out.Content();
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0 && !image.empty()) return image;
  const std::string said = err.Content();
  return absl::InternalError(
      absl::StrCat(program, " did not draw a figure: ", Printable(absl::StripAsciiWhitespace(said))));
}

std::string InlineSvg(absl::string_view svg, absl::string_view prefix, absl::string_view title) {
  const size_t begin = svg.find("<svg");
  if (begin == absl::string_view::npos) return "";
  std::string text(absl::StripAsciiWhitespace(svg.substr(begin)));
  ReplaceBetween("<title>", "</title>", "", text);
  ReplaceBetween("<desc>", "</desc>", "", text);
  ReplaceBetween(" xmlns=\"", "\"", "", text);
  ReplaceBetween(" xmlns:xlink=\"", "\"", "", text);
  // The size of the first element only; viewBox keeps the proportions.
  const size_t end_of_tag = text.find('>');
  std::string tag = text.substr(0, end_of_tag);
  ReplaceBetween(" width=\"", "\"", "", tag);
  ReplaceBetween(" height=\"", "\"", "", tag);
  text.replace(0, end_of_tag, absl::StrCat(tag, " role=\"img\" aria-label=\"", HtmlText(title), "\""));
  return absl::StrReplaceAll(
      text, {{absl::StrCat("font-family=\"", kFont, "\""), absl::StrCat("font-family=\"", kPageFonts, "\"")},
             {" id=\"", absl::StrCat(" id=\"", prefix)},
             {" id='", absl::StrCat(" id='", prefix)},
             {"url(#", absl::StrCat("url(#", prefix)},
             {"url('#", absl::StrCat("url('#", prefix)},
             {"xlink:href='#", absl::StrCat("href='#", prefix)},
             {"xlink:href=\"#", absl::StrCat("href=\"#", prefix)}});
}

}  // namespace skew
