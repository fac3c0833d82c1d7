// The commands of skewctl with their flags, as data: what help, manual pages and completion are made from.
#ifndef SKEW_CLIENT_REFERENCE_COMMAND_DOC_H_
#define SKEW_CLIENT_REFERENCE_COMMAND_DOC_H_

#include <string>
#include <vector>

namespace skew {

struct FlagDoc {
  // With their dashes, the long ones first.
  std::vector<std::string> names = {};
  std::string text = {};
  // Stands for its value: "TEXT", "FILE", "DURATION". Empty for a flag without one.
  std::string value = {};
  // All values that it takes, when there are only these.
  std::vector<std::string> choices = {};
  std::string default_value = {};
  // The variable that stands in for it.
  std::string environment = {};
  bool repeated = false;
};

struct ArgumentDoc {
  // "JOB", "RUN", "ID", "SPEC": says what completes it, too.
  std::string name;
  std::string text;
  std::vector<std::string> choices = {};
  bool required = false;
  bool repeated = false;
};

struct CommandDoc {
  // One word; of the whole program, its name.
  std::string name;
  std::string text;
  // What its exit codes mean, when that is more than what all commands share.
  std::string exit_codes = {};
  std::vector<FlagDoc> flags = {};
  std::vector<ArgumentDoc> arguments = {};
  // In the order of the help text.
  std::vector<CommandDoc> commands = {};
};

}  // namespace skew

#endif  // SKEW_CLIENT_REFERENCE_COMMAND_DOC_H_
