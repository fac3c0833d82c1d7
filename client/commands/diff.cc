#include <memory>
#include <string>
#include <vector>

#include "client/commands/command.h"
#include "client/render/spec_diff.h"
#include "common/status.h"

namespace skew {
namespace {

struct DiffFlags {
  std::string left;
  std::string right;
};

absl::StatusOr<ExitCode> Diff(Session& session, const DiffFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job left, session.client->GetJob(flags.left));
  SKEW_ASSIGN_OR_RETURN(const v1::Job right, session.client->GetJob(flags.right));
  const std::vector<FieldDifference> differences = Differences(left.spec(), right.spec());
  if (!differences.empty() || session.output == Output::kCsv) Show(session, DifferenceTable(differences));
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return differences.empty() ? ExitCode::kFine : ExitCode::kFailed;
}

}  // namespace

void AddDiffCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<DiffFlags>();
  CLI::App* command = app.add_subcommand("diff", "Show the fields in which the specs of two jobs differ");
  command->add_option("LEFT_JOB", flags->left, "e.g. j17")->required();
  command->add_option("RIGHT_JOB", flags->right, "e.g. j18")->required();
  command->footer(
      "Exit codes: 0 the specs are equal, 1 they differ, as diff(1) has it; 2 and above as for every command.");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Diff(session, *flags); }; });
}

}  // namespace skew
