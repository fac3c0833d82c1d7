// Help, and what is wrong with a command line.
#ifndef SKEW_CLIENT_COMMANDS_USAGE_H_
#define SKEW_CLIENT_COMMANDS_USAGE_H_

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

namespace skew {

// Help texts of commands end with where their other options are.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_footer(const CLI::App* app) const override;
};

// The help text of the command that `words` name, e.g. {"share", "set"}; of the program without words.
// Throws CLI::ValidationError when they name none.
std::string HelpText(const CLI::App& program, const std::vector<std::string>& words);

// One line, without its end, that says what is wrong with the command line on which `program` has thrown `error`.
std::string UsageErrorText(const CLI::App& program, const CLI::ParseError& error);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_USAGE_H_
