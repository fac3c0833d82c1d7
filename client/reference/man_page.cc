#include "client/reference/man_page.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace skew {
namespace {

// What mandoc's style check allows in a line.
constexpr size_t kLine = 78;

// Text in which nothing is left that roff would take for its own, save a point that begins a line.
std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"`", "\\(ga"}, {"~", "\\(ti"}, {"^", "\\(ha"}});
}

// Lines, with their ends, of escaped words.
std::string Fill(const std::vector<std::string>& words) {
  std::string text;
  size_t line = 0;
  for (const std::string& word : words) {
    const bool fits = line > 0 && line + 1 + word.size() <= kLine;
    if (!fits && line > 0) text += "\n";
    absl::StrAppend(&text, fits ? " " : absl::StartsWith(word, ".") ? "\\&" : "", word);
    line = fits ? line + 1 + word.size() : word.size();
  }
  return absl::StrCat(text, text.empty() ? "" : "\n");
}

std::string Paragraph(absl::string_view text) {
  return Fill(absl::StrSplit(Escape(text), absl::ByAnyChar(" \n"), absl::SkipEmpty()));
}

std::string Bold(absl::string_view text) { return absl::StrCat("\\fB", Escape(text), "\\fR"); }
std::string Italic(absl::string_view text) { return absl::StrCat("\\fI", Escape(text), "\\fR"); }

std::string Lowered(std::string text) {
  if (text.size() > 1 && absl::ascii_isupper(text[0]) && !absl::ascii_isupper(text[1])) {
    text[0] = absl::ascii_tolower(text[0]);
  }
  return text;
}

std::string ArgumentForm(const ArgumentDoc& argument) {
  const std::string name =
      argument.choices.empty() ? Italic(argument.name) : Bold(absl::StrJoin(argument.choices, "|"));
  const std::string form = argument.repeated ? absl::StrCat(name, " ...") : name;
  return argument.required ? form : absl::StrCat("[", form, "]");
}

// Lays out the page of one command.
class PageWriter {
 public:
  PageWriter(const std::vector<std::string>& path, const CommandDoc& command)
      : name_(absl::StrJoin(path, "-")), words_(absl::StrJoin(path, " ")), command_(command) {}

  ManPage Write(absl::string_view version, absl::Time date) {
    absl::StrAppend(&text_, ".TH ", Escape(absl::AsciiStrToUpper(name_)), " 1 ",
                    absl::FormatTime("%Y-%m-%d", date, absl::UTCTimeZone()), " \"Skew ", version, "\" \"Skew\"\n");
    Section("NAME");
    std::vector<std::string> words = {Escape(name_), "\\-"};
    for (const absl::string_view word : absl::StrSplit(Lowered(command_.text), ' ')) words.push_back(Escape(word));
    text_ += Fill(words);
    WriteSynopsis();
    Section("DESCRIPTION");
    text_ += Paragraph(absl::StrCat(command_.text, "."));
    WriteArguments();
    WriteCommands();
    WriteFlags();
    WriteEnvironment();
    WriteExitCodes();
    WriteSeeAlso();
    return {name_, text_};
  }

 private:
  bool IsProgram() const { return name_ == words_; }

  void Section(absl::string_view title) { absl::StrAppend(&text_, ".SH ", title, "\n"); }

  void Item(absl::string_view tag, absl::string_view text) {
    absl::StrAppend(&text_, ".TP\n", tag, "\n", text.empty() ? "\\&\n" : Paragraph(text));
  }

  void WriteSynopsis() {
    Section("SYNOPSIS");
    std::vector<std::string> words = {Bold(words_)};
    if (!command_.flags.empty()) words.push_back(absl::StrCat("[", Italic("option"), "] ..."));
    if (!command_.commands.empty()) words.push_back(absl::StrCat(Italic("command"), " ..."));
    for (const ArgumentDoc& argument : command_.arguments) words.push_back(ArgumentForm(argument));
    absl::StrAppend(&text_, absl::StrJoin(words, "\n"), "\n");
  }

  void WriteArguments() {
    if (command_.arguments.empty()) return;
    Section("ARGUMENTS");
    for (const ArgumentDoc& argument : command_.arguments) Item(Italic(argument.name), argument.text);
  }

  void WriteCommands() {
    if (command_.commands.empty()) return;
    Section("COMMANDS");
    for (const CommandDoc& one : command_.commands) {
      Item(absl::StrCat(Bold(absl::StrCat(name_, "-", one.name)), "(1)"), one.text);
    }
  }

  void WriteFlags() {
    Section("OPTIONS");
    for (const FlagDoc& flag : command_.flags) WriteFlag(flag);
    if (!IsProgram()) absl::StrAppend(&text_, ".PP\nThe options of\n.BR skewctl (1)\nwork here, too.\n");
  }

  void WriteFlag(const FlagDoc& flag) {
    std::vector<std::string> names;
    for (const std::string& name : flag.names) names.push_back(Bold(name));
    std::string tag = absl::StrJoin(names, ", ");
    if (!flag.value.empty()) {
      absl::StrAppend(&tag, " ", flag.choices.empty() ? Italic(flag.value) : Bold(absl::StrJoin(flag.choices, "|")));
    }
    std::string text = flag.text;
    if (!flag.default_value.empty()) absl::StrAppend(&text, ". Default: ", flag.default_value);
    if (!flag.environment.empty()) absl::StrAppend(&text, ". Environment: ", flag.environment);
    if (flag.repeated) absl::StrAppend(&text, ". May be given more than once");
    Item(tag, text);
  }

  void WriteEnvironment() {
    if (!IsProgram()) return;
    Section("ENVIRONMENT");
    Item(Bold("SKEW_SERVER"), "The server to talk to, when --server does not name one");
    Item(Bold("SKEW_TOKEN"), "The API token to send; it goes before that of the context");
    for (const FlagDoc& flag : command_.flags) {
      if (!flag.environment.empty()) Item(Bold(flag.environment), absl::StrCat("Stands in for ", flag.names.front()));
    }
    Item(Bold("NO_COLOR"), "When it is set, live views have no colour");
    Section("FILES");
    Item(Italic("~/.config/skew/config.yaml"), "The contexts that skewctl login stores");
  }

  void WriteExitCodes() {
    if (command_.exit_codes.empty()) return;
    Section("EXIT STATUS");
    text_ += Paragraph(command_.exit_codes);
  }

  void WriteSeeAlso() {
    if (IsProgram()) return;
    Section("SEE ALSO");
    absl::StrAppend(&text_, ".BR skewctl (1)\n");
  }

  const std::string name_;
  const std::string words_;
  const CommandDoc& command_;
  std::string text_;
};

void AddPages(const std::vector<std::string>& path, const CommandDoc& command, absl::string_view version,
              absl::Time date, std::vector<ManPage>& pages) {
  pages.push_back(PageWriter(path, command).Write(version, date));
  for (const CommandDoc& one : command.commands) {
    std::vector<std::string> longer = path;
    longer.push_back(one.name);
    AddPages(longer, one, version, date, pages);
  }
}

}  // namespace

std::vector<ManPage> ManPages(const CommandDoc& program, absl::string_view version, absl::Time date) {
  std::vector<ManPage> pages;
  AddPages({program.name}, program, version, date, pages);
  return pages;
}

}  // namespace skew
