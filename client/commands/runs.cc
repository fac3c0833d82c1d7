#include <limits>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/details.h"
#include "client/render/listings.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<ExitCode> ListAll(Session& session, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const Client::RunList list, session.client->ListRuns(job_id));
  SKEW_RETURN_IF_ERROR(ShowList(session, list.runs, &RunTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> ShowRun(Session& session, const std::string& run_id) {
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, session.client->GetRun(run_id));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Run>(session, run, &RunTable, [&] { return RunDetails(run); }));
  return ExitCode::kFine;
}

struct LogFlags {
  std::string run_id;
  bool follow = false;
  int32_t attempt = 0;
};

absl::StatusOr<ExitCode> Logs(Session& session, const LogFlags& flags) {
  SKEW_RETURN_IF_ERROR(session.client->ReadLog(flags.run_id, flags.attempt, flags.follow, [&](absl::string_view data) {
    *session.out << data;
    return CheckWritten(session);
  }));
  return ExitCode::kFine;
}

void AddLogs(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<LogFlags>();
  CLI::App* command = app.add_subcommand("logs", "Print what a run's worker wrote");
  command->add_option("RUN", flags->run_id, "e.g. j17.3")->required();
  command->add_flag("--follow,-f", flags->follow, "Go on until the attempt has ended");
  command->add_option("--attempt", flags->attempt, "Default: the newest")
      ->check(WholeNumber(1, std::numeric_limits<int32_t>::max()));
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Logs(session, *flags); }; });
}

}  // namespace

void AddRunCommands(CLI::App& app, Command& chosen) {
  auto job_id = std::make_shared<std::string>();
  CLI::App* runs = app.add_subcommand("runs", "List a job's runs");
  runs->add_option("JOB", *job_id, "e.g. j17")->required();
  runs->callback([job_id, &chosen] { chosen.run = [job_id](Session& session) { return ListAll(session, *job_id); }; });

  auto run_id = std::make_shared<std::string>();
  CLI::App* run = app.add_subcommand("run", "Show a run and its attempts");
  run->add_option("RUN", *run_id, "e.g. j17.3")->required();
  run->callback([run_id, &chosen] { chosen.run = [run_id](Session& session) { return ShowRun(session, *run_id); }; });

  AddLogs(app, chosen);
}

}  // namespace skew
