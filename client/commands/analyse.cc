#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/commands/command.h"
#include "client/render/findings_table.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {
namespace {

struct AnalyseFlags {
  std::vector<std::string> jobs;
  bool allow_different_judges = false;
  std::optional<int32_t> focus_class;
};

absl::StatusOr<ExitCode> Analyse(Session& session, const AnalyseFlags& flags) {
  v1::AnalyseJobsRequest request;
  request.mutable_job_ids()->Assign(flags.jobs.begin(), flags.jobs.end());
  request.set_allow_different_judges(flags.allow_different_judges);
  if (flags.focus_class.has_value()) request.set_focus_class(*flags.focus_class);
  SKEW_ASSIGN_OR_RETURN(const v1::AnalyseJobsResponse analysis, session.client->AnalyseJobs(request));
  if (session.output == Output::kJson) {
    *session.out << ToJson(analysis) << "\n";
  } else {
    Show(session, FindingsTable(analysis));
  }
  if (session.output == Output::kTable) *session.out << FindingsNotes(analysis);
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

}  // namespace

void AddAnalyseCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<AnalyseFlags>();
  CLI::App* command = app.add_subcommand("analyse", "Test the claims of a study over the finished runs of jobs");
  command->add_option("JOB", flags->jobs, "e.g. j17; several are analysed together")->required();
  command->add_flag("--allow-different-judges", flags->allow_different_judges,
                    "Compare runs although different classifiers judged them");
  command->add_option("--focus-class", flags->focus_class,
                      "The class of claim H4. Default: class 1, or the smallest when there is none");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Analyse(session, *flags); }; });
}

}  // namespace skew
