#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/exit_code.h"
#include "client/render/comparison.h"
#include "common/digest.h"
#include "common/status.h"

namespace skew {
namespace {

struct ExtendFlags {
  std::string job_id;
  int32_t iterations = 0;
  std::string request_id;
  bool dry_run = false;
  bool watch = false;
};

absl::StatusOr<ExitCode> Extend(Session& session, const ExtendFlags& flags) {
  v1::ExtendJobRequest request;
  request.set_job_id(flags.job_id);
  request.set_iterations(flags.iterations);
  request.set_request_id(flags.request_id.empty() ? RandomHex(16) : flags.request_id);
  request.set_validate_only(flags.dry_run);
  SKEW_ASSIGN_OR_RETURN(const v1::SubmitJobResponse response, session.client->ExtendJob(request));
  return ShowSubmitted(session, response, flags.dry_run, flags.watch);
}

struct ReproduceFlags {
  std::string run_id;
  std::string request_id;
};

absl::StatusOr<ExitCode> Reproduce(Session& session, const ReproduceFlags& flags) {
  v1::ReproduceRunRequest request;
  request.set_run_id(flags.run_id);
  request.set_request_id(flags.request_id.empty() ? RandomHex(16) : flags.request_id);
  SKEW_ASSIGN_OR_RETURN(const v1::SubmitJobResponse response, session.client->ReproduceRun(request));
  ShowNotes(session, response);
  SKEW_ASSIGN_OR_RETURN(const v1::Job job,
                        FollowJob(session, response.job().id(), kAllKept, Output::kTable, *session.err));
  if (job.state() != v1::JOB_SUCCEEDED) return EndWith(session, job);
  v1::CompareRunsRequest compare;
  compare.set_run_id(flags.run_id);
  compare.set_other_run_id(absl::StrCat(job.id(), ".1"));
  SKEW_ASSIGN_OR_RETURN(const v1::CompareRunsResponse comparison, session.client->CompareRuns(compare));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::CompareRunsResponse>(session, comparison, &ComparisonTable,
                                                        [&] { return ComparisonText(comparison); }));
  return ExitCodeOf(comparison.verdict());
}

void AddExtend(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<ExtendFlags>();
  CLI::App* command =
      app.add_subcommand("extend", "Submit a study with more iterations, of which only the new ones are trained");
  command->add_option("JOB", flags->job_id, "e.g. j17")->required();
  command->add_option("--iterations", flags->iterations, "In total, those that the job has included")
      ->required()
      ->check(WholeNumber(1, 1000));
  command->add_option("--request-id", flags->request_id, "The same id again names the same job. Default: a random one");
  command->add_flag("--dry-run", flags->dry_run, "Print the new job and how many of its runs were done already");
  command->add_flag("--watch", flags->watch, "Follow it until it has ended, then print its results");
  command->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) { return Extend(session, *flags); };
    chosen.live = flags->watch && !flags->dry_run;
  });
}

void AddReproduce(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<ReproduceFlags>();
  CLI::App* command = app.add_subcommand(
      "reproduce",
      "Run a run again and say whether it came out bit-equal, statistically equal (exit code 0) or drifted "
      "(1)");
  command->add_option("RUN", flags->run_id, "e.g. j17.3")->required();
  command->add_option("--request-id", flags->request_id, "The same id again names the same job. Default: a random one");
  command->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) { return Reproduce(session, *flags); };
    chosen.live = true;
  });
}

}  // namespace

void AddReuseCommands(CLI::App& app, Command& chosen) {
  AddExtend(app, chosen);
  AddReproduce(app, chosen);
}

}  // namespace skew
