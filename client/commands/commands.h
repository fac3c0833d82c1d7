// skewctl's commands.
//
// Each function adds some to the command line; when one of them is what the user called, `chosen` becomes that command
// with its options.
#ifndef SKEW_CLIENT_COMMANDS_COMMANDS_H_
#define SKEW_CLIENT_COMMANDS_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/session.h"

namespace skew {

void AddSubmitCommand(CLI::App& app, Command& chosen);
// jobs, job, runs, results, cancel
void AddJobCommands(CLI::App& app, Command& chosen);
void AddWatchCommand(CLI::App& app, Command& chosen);
// logs, artifacts, fetch
void AddFileCommands(CLI::App& app, Command& chosen);
// devices, datasets, classifiers, info
void AddServerCommands(CLI::App& app, Command& chosen);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_COMMANDS_H_
