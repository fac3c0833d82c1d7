#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/duration.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "common/run_state.h"
#include "common/status.h"

namespace skew {
namespace {

struct WaitFlags {
  std::vector<std::string> jobs;
  std::string timeout;
};

// The session's, but with one deadline for everything. Until then no outage is too long.
Client::Options OptionsUntil(absl::Time deadline, const Client::Options& session) {
  Client::Options options = session;
  if (deadline == absl::InfiniteFuture()) return options;
  options.deadline = deadline;
  options.patience = absl::InfiniteDuration();
  options.stream_patience = absl::InfiniteDuration();
  return options;
}

// Brings `jobs` up to date, one after the other, until all have ended.
absl::Status AwaitEnds(Client& client, std::vector<v1::Job>& jobs) {
  for (v1::Job& job : jobs) {
    SKEW_ASSIGN_OR_RETURN(job, client.GetJob(job.id()));  // NOT_FOUND comes before any waiting
  }
  for (v1::Job& job : jobs) {
    absl::Status watched = absl::OutOfRangeError("not watched yet");
    // What happened and is not kept any more shows in the job.
    while (!IsTerminal(job.state()) && absl::IsOutOfRange(watched)) {
      watched = client.WatchJob(job.id(), job.revision(), [](const v1::Event&) { return absl::OkStatus(); });
      if (!watched.ok() && !absl::IsOutOfRange(watched)) return watched;
      SKEW_ASSIGN_OR_RETURN(job, client.GetJob(job.id()));
    }
  }
  return absl::OkStatus();
}

absl::Status TimedOut(const WaitFlags& flags, const std::vector<v1::Job>& jobs, const absl::Status& status) {
  std::vector<std::string> open;
  for (const v1::Job& job : jobs) {
    if (IsTerminal(job.state())) continue;
    const bool known = job.state() != v1::JOB_STATE_UNSPECIFIED;
    open.push_back(known ? absl::StrCat(job.id(), " (", StateName(job.state()), ")") : job.id());
  }
  // gRPC's own words say nothing more; those on a server that is not available do.
  const bool told = status.message().empty() || status.message() == "Deadline Exceeded";
  return absl::DeadlineExceededError(absl::StrCat("not ended within ", flags.timeout, ": ", absl::StrJoin(open, ", "),
                                                  told ? "" : "\n", told ? "" : status.message()));
}

// The worst: failed, then cancelled.
ExitCode EndWithAll(Session& session, const std::vector<v1::Job>& jobs) {
  ExitCode worst = ExitCode::kFine;
  for (const v1::Job& job : jobs) {
    const ExitCode code = EndWith(session, job);
    if (worst != ExitCode::kFailed && code != ExitCode::kFine) worst = code;
  }
  return worst;
}

absl::StatusOr<ExitCode> Wait(Session& session, const WaitFlags& flags) {
  absl::Duration timeout = absl::InfiniteDuration();
  if (!flags.timeout.empty()) {
    SKEW_ASSIGN_OR_RETURN(timeout, ParseTimeout(flags.timeout));
  }
  Client client(OptionsUntil(absl::Now() + timeout, *session.options));
  std::vector<v1::Job> jobs;
  for (const std::string& id : flags.jobs) {
    const bool named = std::any_of(jobs.begin(), jobs.end(), [&id](const v1::Job& job) { return job.id() == id; });
    if (!named) jobs.emplace_back().set_id(id);
  }
  const absl::Status status = AwaitEnds(client, jobs);
  if (absl::IsDeadlineExceeded(status) && !flags.timeout.empty()) return TimedOut(flags, jobs, status);
  SKEW_RETURN_IF_ERROR(status);
  SKEW_RETURN_IF_ERROR(ShowList(session, jobs, &JobTable));
  return EndWithAll(session, jobs);
}

}  // namespace

void AddWaitCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<WaitFlags>();
  CLI::App* command = app.add_subcommand(
      "wait", "Wait until jobs have ended, through restarts of the server, and list them; exits by their states");
  command->add_option("JOB", flags->jobs, "e.g. j17; several are waited for together")->required();
  command
      ->add_option("--timeout", flags->timeout,
                   "How long at most, a server that is not available included. Default: as long as it takes, but for a "
                   "server that has not been available for two minutes")
      ->check(DurationValidator());
  command->footer(
      "Exit codes: 0 all have succeeded; 1 one has failed; 4 none has failed, one was cancelled; 5 timed out; 7 a job\n"
      "is not known.");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Wait(session, *flags); }; });
}

}  // namespace skew
