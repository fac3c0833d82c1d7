#include <memory>

#include "client/commands/command.h"
#include "client/commands/study_flags.h"
#include "client/render/findings_table.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<ExitCode> Analyse(Session& session, const StudyFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::AnalyseJobsResponse analysis, session.client->AnalyseJobs(flags.Request()));
  if (session.output == Output::kJson) {
    *session.out << ToJson(analysis) << "\n";
  } else {
    Show(session, FindingsTable(analysis));
  }
  if (session.output == Output::kTable) {
    *session.out << "\n" << ClaimsLegend(analysis) << "\nThe tests behind them, as judged (raw) and corrected:\n";
    Show(session, TestsTable(analysis));
    *session.out << "\n" << FindingsNotes(analysis);
  }
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

}  // namespace

void AddAnalyseCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<StudyFlags>();
  CLI::App* command = app.add_subcommand("analyse", "Test the claims of a study over the finished runs of jobs");
  AddStudyFlags(*command, *flags, "e.g. j17; several are analysed together");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Analyse(session, *flags); }; });
}

}  // namespace skew
