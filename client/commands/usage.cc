#include "client/commands/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/text.h"
#include "common/nearest.h"

namespace skew {
namespace {

// "skewctl share set"
std::string WordsOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : absl::StrCat(WordsOf(*parent), " ", command.get_name());
}

// As people write it after the program's name: "share set"; empty for the program.
std::string ShortWordsOf(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  if (parent == nullptr) return "";
  const std::string before = ShortWordsOf(*parent);
  return absl::StrCat(before, before.empty() ? "" : " ", command.get_name());
}

// The command that the line names, as far as it names one.
const CLI::App& Deepest(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

std::vector<std::string> NamesOfCommands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (!one->get_group().empty()) names.push_back(one->get_name());
  }
  return names;
}

// Of the command and of those above it, whose flags it takes, too.
std::vector<std::string> NamesOfFlags(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* one = &command; one != nullptr; one = one->get_parent()) {
    for (const CLI::Option* option : one->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back(absl::StrCat("--", name));
    }
  }
  return names;
}

std::string NoCommand(const CLI::App& above, const std::string& word) {
  const std::vector<std::string> names = NamesOfCommands(above);
  const std::string before = ShortWordsOf(above);
  const std::string start = absl::StrCat(before, before.empty() ? "" : " ");
  const std::string nearest = Nearest(word, names);
  const std::string hint = !nearest.empty() ? absl::StrCat("did you mean '", start, nearest, "'?")
                           : before.empty() ? "'skewctl --help' lists the commands"
                                            : absl::StrCat("there are ", absl::StrJoin(names, ", "));
  return absl::StrCat("there is no command '", start, Printable(word), "'; ", hint);
}

std::string NoFlag(const CLI::App& command, const std::string& word) {
  const std::string flag = word.substr(0, word.find('='));
  const std::string nearest = Nearest(flag, NamesOfFlags(command));
  return absl::StrCat("there is no option ", Printable(flag),
                      nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?"));
}

std::string SeeHelp(const CLI::App& command) { return absl::StrCat(" (see ", WordsOf(command), " --help)"); }

}  // namespace

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  std::string footer = CLI::Formatter::make_footer(app);
  if (app->get_parent() == nullptr) return footer;
  return absl::StrCat(footer, "The options of skewctl (--server, --output, ...) work here, too: skewctl --help\n");
}

std::string HelpText(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* command = &program;
  for (const std::string& word : words) {
    const std::vector<std::string> names = NamesOfCommands(*command);
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      throw CLI::ValidationError(NoCommand(*command, word));
    }
    command = command->get_subcommand(word);
  }
  return program.get_formatter()->make_help(command, WordsOf(*command), CLI::AppFormatMode::Normal);
}

std::string UsageErrorText(const CLI::App& program, const CLI::ParseError& error) {
  const CLI::App& command = Deepest(program);
  std::string what = Printable(error.what());
  const bool value = dynamic_cast<const CLI::ValidationError*>(&error) != nullptr ||
                     dynamic_cast<const CLI::ConversionError*>(&error) != nullptr;
  if (value) return what;
  if (const size_t colon = what.find(": 1 required "); colon != std::string::npos && absl::EndsWith(what, " missing")) {
    return absl::StrCat(what.substr(0, colon), " needs a value", SeeHelp(command));
  }
  const std::vector<std::string> extras = program.remaining(/*recurse=*/true);
  if (extras.empty()) {
    const std::vector<std::string> names = NamesOfCommands(command);
    const bool required = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (names.empty() || !required) return absl::StrCat(what, SeeHelp(command));
    return absl::StrCat("'", ShortWordsOf(command), "' needs one of its commands: ", absl::StrJoin(names, ", "));
  }
  const auto flag =
      std::find_if(extras.begin(), extras.end(), [](const std::string& word) { return absl::StartsWith(word, "-"); });
  if (flag != extras.end()) return absl::StrCat(NoFlag(command, *flag), SeeHelp(command));
  if (!NamesOfCommands(command).empty()) return NoCommand(command, extras.front());
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return absl::StrCat(what, SeeHelp(command));
  return absl::StrCat("'", Printable(extras.front()), "' is an argument too many", SeeHelp(command));
}

}  // namespace skew
