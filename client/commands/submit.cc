#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "client/render/queue.h"
#include "client/scalar.h"
#include "client/spec_file.h"
#include "client/text.h"
#include "common/digest.h"
#include "common/status.h"

namespace skew {
namespace {

struct SubmitFlags {
  std::string spec;
  std::vector<std::string> overrides;
  std::string request_id;
  bool dry_run = false;
  bool watch = false;
  int32_t priority = 0;
  std::vector<std::string> after;
  bool paused = false;
  std::string memory;
  bool whole_device = false;
  bool no_reuse = false;
};

// The normalised spec, which can be submitted as it is printed.
absl::Status ShowDryRun(Session& session, const v1::Job& job) {
  return ShowOne<v1::Job>(session, job, &JobTable, [&] {
    std::string text = absl::StrCat("# ", Counted(job.runs().total(), "run"));
    if (job.runs().reused() > 0) absl::StrAppend(&text, ", ", job.runs().reused(), " of them done already");
    if (job.has_outlook()) absl::StrAppend(&text, "; ", Printable(OutlookText(job.outlook(), absl::Now())));
    return absl::StrCat(text, "\n", ToYaml(job.spec()));
  });
}

absl::StatusOr<ExitCode> WatchSubmitted(Session& session, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, FollowJob(session, job_id, kAllKept, Output::kTable, *session.err));
  if (job.state() != v1::JOB_SUCCEEDED) return EndWith(session, job);
  v1::GetResultsRequest request;
  request.set_job_id(job_id);
  const absl::StatusOr<v1::GetResultsResponse> results = session.client->GetResults(request);
  if (absl::IsFailedPrecondition(results.status())) {
    // Judged by several classifiers: the job has succeeded all the same.
    *session.err << "no table: " << results.status().message() << std::endl;
    return ExitCode::kFine;
  }
  SKEW_RETURN_IF_ERROR(results.status());
  // A job that trains a classifier has no table.
  if (!results->cells().empty()) SKEW_RETURN_IF_ERROR(ShowResults(session, *results));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Submit(Session& session, const SubmitFlags& flags) {
  v1::SubmitJobRequest request;
  SKEW_ASSIGN_OR_RETURN(*request.mutable_spec(), ReadSpec(flags.spec, flags.overrides, *session.in));
  // With an id of its own a submission can be sent again when its answer was lost.
  request.set_request_id(flags.request_id.empty() ? RandomHex(16) : flags.request_id);
  request.set_validate_only(flags.dry_run);
  request.set_priority(flags.priority);
  request.mutable_after()->Assign(flags.after.begin(), flags.after.end());
  request.set_paused(flags.paused);
  if (!flags.memory.empty()) {
    SKEW_ASSIGN_OR_RETURN(const int64_t bytes, ParseBytes("--memory", flags.memory));
    request.mutable_need()->set_memory_bytes(bytes);
  }
  if (flags.whole_device) request.mutable_need()->set_whole_device(true);
  request.set_no_reuse(flags.no_reuse);
  SKEW_ASSIGN_OR_RETURN(const v1::SubmitJobResponse response, session.client->SubmitJob(request));
  return ShowSubmitted(session, response, flags.dry_run, flags.watch);
}

}  // namespace

void ShowNotes(Session& session, const v1::SubmitJobResponse& response) {
  if (response.existing()) {
    *session.err << "note: this request id was used before; it names job " << response.job().id() << "\n";
  }
  for (const std::string& note : response.notes()) *session.err << "note: " << Printable(note) << "\n";
  session.err->flush();
}

absl::StatusOr<ExitCode> ShowSubmitted(Session& session, const v1::SubmitJobResponse& response, bool dry_run,
                                       bool watch) {
  ShowNotes(session, response);
  const v1::Job& job = response.job();
  if (dry_run) {
    SKEW_RETURN_IF_ERROR(ShowDryRun(session, job));
    return ExitCode::kFine;
  }
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Job>(session, job, &JobTable, [&] { return absl::StrCat(job.id(), "\n"); }));
  return watch ? WatchSubmitted(session, job.id()) : ExitCode::kFine;
}

void AddSubmitCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App* command = app.add_subcommand("submit", "Submit a job and print its id");
  command->add_option("SPEC", flags->spec, "YAML, JSON or (*.textproto, *.txtpb, *.pbtxt) text protobuf; - for stdin")
      ->required();
  command
      ->add_option("--set", flags->overrides,
                   "PATH=VALUE, e.g. training.epochs=3 or models[0].dcgan.width=32 or bias.varied.counts=[50,100]; "
                   "several times for several")
      ->allow_extra_args(false);
  command->add_option("--request-id", flags->request_id, "The same id again names the same job. Default: a random one");
  command
      ->add_option("--priority", flags->priority, "Among your own jobs, higher ones first: -1000 to 1000. Default: 0")
      ->check(WholeNumber(-1000, 1000));
  command->add_option("--after", flags->after, "Start when this job has succeeded, e.g. j17; several times for several")
      ->allow_extra_args(false);
  command->add_flag("--paused", flags->paused, "Do not start it until it is resumed");
  command->add_option("--memory", flags->memory, "What a run needs of a GPU, e.g. 3GiB. Default: as runs before it");
  command->add_flag("--whole-device", flags->whole_device, "Nothing else on the device of a run");
  command->add_flag("--no-reuse", flags->no_reuse, "Train every run, also those that were done already");
  command->add_flag("--dry-run", flags->dry_run,
                    "Check it and print it with all defaults, the number of runs, how many of them were done already, "
                    "and when it would start and end");
  command->add_flag("--watch", flags->watch, "Follow it until it has ended, then print its results");
  command->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) { return Submit(session, *flags); };
    chosen.live = flags->watch && !flags->dry_run;
    chosen.spec_source = flags->spec == "-" ? "standard input" : flags->spec;
  });
}

}  // namespace skew
