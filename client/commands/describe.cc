// From CLI11's definitions, which are the ones there are, to CommandDoc.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/commands/command.h"

namespace skew {
namespace {

bool IsHidden(const std::string& group) { return group.empty(); }

// "TEXT:{table,json,csv}" -> table, json, csv. None when it has another form.
std::vector<std::string> Choices(const std::string& type) {
  const size_t open = type.find('{');
  if (open == std::string::npos || !absl::EndsWith(type, "}")) return {};
  return absl::StrSplit(type.substr(open + 1, type.size() - open - 2), ',', absl::SkipEmpty());
}

// "TEXT:DURATION" -> "DURATION"; "INT:POSITIVE" and "TEXT:{table,json,csv}" -> what stands before the colon.
std::string ValueName(const std::string& type) {
  const std::vector<std::string> parts = absl::StrSplit(type, absl::MaxSplits(':', 1));
  if (parts.size() == 1 || parts[0] != "TEXT" || absl::StartsWith(parts[1], "{")) return parts[0];
  return parts[1];
}

FlagDoc DescribeFlag(const CLI::Option& option) {
  FlagDoc flag;
  flag.text = option.get_description();
  for (const std::string& name : option.get_lnames()) flag.names.push_back(absl::StrCat("--", name));
  for (const std::string& name : option.get_snames()) flag.names.push_back(absl::StrCat("-", name));
  if (option.get_items_expected_max() > 0) {
    flag.value = ValueName(option.get_type_name());
    flag.choices = Choices(option.get_type_name());
    flag.default_value = option.get_default_str();
    flag.repeated = option.get_items_expected_max() > 1;
  }
  flag.environment = option.get_envname();
  return flag;
}

ArgumentDoc DescribeArgument(const CLI::Option& option) {
  return {.name = option.get_name(/*positional=*/true),
          .text = option.get_description(),
          .choices = Choices(option.get_type_name()),
          .required = option.get_required(),
          .repeated = option.get_items_expected_max() > 1};
}

}  // namespace

CommandDoc Describe(const CLI::App& app) {
  CommandDoc doc{.name = app.get_name(), .text = app.get_description(), .exit_codes = app.get_footer()};
  for (const CLI::Option* option : app.get_options()) {
    if (IsHidden(option->get_group())) continue;
    if (option->get_positional()) {
      doc.arguments.push_back(DescribeArgument(*option));
    } else {
      doc.flags.push_back(DescribeFlag(*option));
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!IsHidden(command->get_group())) doc.commands.push_back(Describe(*command));
  }
  return doc;
}

}  // namespace skew
