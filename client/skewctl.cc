#include "client/skewctl.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/commands/commands.h"
#include "common/version.h"

namespace skew {
namespace {

void ParseTimeout(const std::string& text, GlobalFlags& flags) {
  double seconds = 0;
  absl::Duration timeout;
  if (absl::SimpleAtod(text, &seconds)) {
    timeout = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &timeout)) {
    throw CLI::ValidationError("--timeout", absl::StrCat("'", text, "' is not a duration like 10s or 2m"));
  }
  if (timeout < absl::ZeroDuration()) throw CLI::ValidationError("--timeout", "is below zero");
  flags.timeout = timeout;
}

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  app.set_version_flag("--version", absl::StrCat("skewctl ", Version(), " (", BuildDescription(), ")"));
  app.add_option("--server", flags.server,
                 "host:port or unix:PATH. Default: SKEW_SERVER, else the current context in "
                 "~/.config/skew/config.yaml, else 127.0.0.1:7433");
  const std::map<std::string, Output> outputs = {
      {"table", Output::kTable}, {"json", Output::kJson}, {"csv", Output::kCsv}};
  app.add_option_function<std::string>(
         "--output,-o", [&flags, outputs](const std::string& name) { flags.output = outputs.at(name); },
         "table, json (one object a line) or csv. Default: table")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  app.add_option_function<std::string>(
      "--timeout", [&flags](const std::string& text) { ParseTimeout(text, flags); },
      "How long an unavailable server is tried, e.g. 30s. Default: 10s, for interrupted streams 2m");
}

// Errors may have several lines; each is one of ours.
void Report(const absl::Status& status, Session& session) {
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n', absl::SkipEmpty())) session.Note(line);
  if (status.message().empty()) session.Note(absl::StatusCodeToString(status.code()));
}

int Run(const Command& command, const Surroundings& surroundings, const GlobalFlags& flags) {
  Session session(surroundings, flags);
  const absl::StatusOr<ExitCode> result = command(session);
  if (result.ok()) return static_cast<int>(*result);
  Report(result.status(), session);
  return static_cast<int>(ExitCodeOf(result.status().code()));
}

}  // namespace

int RunSkewctl(std::vector<std::string> arguments, const Surroundings& surroundings) {
  GlobalFlags flags;
  Command command;
  CLI::App app("The client of Skew, which measures how class imbalance in training data shows in generated images.",
               "skewctl");
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobalFlags(app, flags);
  AddSubmitCommand(app, command);
  AddJobCommands(app, command);
  AddWatchCommand(app, command);
  AddFileCommands(app, command);
  AddServerCommands(app, command);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    const bool fine = app.exit(error, *surroundings.out, *surroundings.err) == 0;
    return static_cast<int>(fine ? ExitCode::kFine : ExitCode::kRejected);
  }
  return Run(command, surroundings, flags);
}

}  // namespace skew
