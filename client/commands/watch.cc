#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/commands/label_flags.h"
#include "client/render/event_line.h"
#include "client/render/watch_frame.h"
#include "client/render/watch_state.h"
#include "common/run_state.h"
#include "common/status.h"

namespace skew {
namespace {

std::string FormOf(const v1::Event& event, const v1::Run* run, Output form) {
  if (form == Output::kJson) return absl::StrCat(ToJson(event), "\n");
  if (form == Output::kCsv) return EventTable(event, run).ToCsv(/*heading=*/false);
  return absl::StrCat(EventLine(event, run), "\n");
}

absl::Status FollowWithLines(Session& session, const v1::Job& job, int64_t after_revision, Output form,
                             std::ostream& lines) {
  if (after_revision == kAllKept) {
    after_revision = job.compacted_revision();
    if (after_revision > 0) {
      *session.err << "note: events up to revision " << after_revision << " are not kept any more" << std::endl;
    }
  }
  SKEW_ASSIGN_OR_RETURN(Client::RunList list, session.client->ListRuns(job.id()));
  WatchState known(v1::Job(), std::move(list.runs));
  if (form == Output::kCsv) lines << EventTable(v1::Event(), nullptr).ToCsvHeading();
  return session.client->WatchJob(job.id(), after_revision, [&](const v1::Event& event) {
    if (event.has_run_added()) known.Apply(event);
    lines << FormOf(event, known.FindRun(RunIdOf(event)), form) << std::flush;
    return lines.good() ? absl::OkStatus() : absl::UnknownError("output cannot be written");
  });
}

absl::Status FollowOnScreen(Session& session, const v1::Job& job) {
  SKEW_ASSIGN_OR_RETURN(Client::RunList list, session.client->ListRuns(job.id()));
  absl::Mutex mutex;  // guards state
  WatchState state(job, std::move(list.runs));
  session.screen->Start(
      [&](FrameSize size) {
        absl::MutexLock lock(&mutex);
        return WatchFrame(state, size, session.colour, absl::Now());
      },
      absl::StrCat("job ", job.id(), " goes on; 'skewctl watch ", job.id(), "' follows it again\n"));
  const auto watch = [&] {
    return session.client->WatchJob(job.id(), list.revision, [&](const v1::Event& event) {
      absl::MutexLock lock(&mutex);
      state.Apply(event);
      return absl::OkStatus();
    });
  };
  absl::Status status = watch();
  while (absl::IsOutOfRange(status)) {
    // What it missed shows in how things stand.
    absl::StatusOr<Client::RunList> now = session.client->ListRuns(job.id());
    status = now.status();
    if (!now.ok()) break;
    list.revision = now->revision;
    {
      absl::MutexLock lock(&mutex);
      state = WatchState(job, std::move(now->runs));
    }
    status = watch();
  }
  session.screen->Stop();
  return status;
}

struct WatchFlags {
  std::string job_id;
  int64_t from_revision = kAllKept;
  std::string owner;
  std::vector<std::string> labels;
};

// Until somebody stops it, or the server is gone for too long.
absl::StatusOr<ExitCode> WatchAll(Session& session, const WatchFlags& flags) {
  v1::JobFilter filter;
  filter.set_owner(flags.owner);
  SKEW_RETURN_IF_ERROR(ReadLabels(flags.labels, filter));
  int64_t revision = flags.from_revision;
  if (revision == kAllKept) {
    SKEW_ASSIGN_OR_RETURN(const v1::ServerInfo server, session.client->GetServerInfo());
    revision = server.revision();
  }
  if (session.output == Output::kCsv) *session.out << EventTable(v1::Event(), nullptr).ToCsvHeading() << std::flush;
  SKEW_RETURN_IF_ERROR(session.client->WatchJobs(filter, revision, [&](const v1::Event& event) {
    *session.out << FormOf(event, nullptr, session.output) << std::flush;
    return session.out->good() ? absl::OkStatus() : absl::UnknownError("output cannot be written");
  }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Watch(Session& session, const WatchFlags& flags) {
  if (flags.job_id.empty()) return WatchAll(session, flags);
  if (!flags.owner.empty() || !flags.labels.empty()) {
    return absl::InvalidArgumentError("--owner and --label choose among all jobs: leave out JOB");
  }
  // Whoever names a revision wants the events.
  if (flags.from_revision >= 0) session.screen = nullptr;
  SKEW_ASSIGN_OR_RETURN(const v1::Job job,
                        FollowJob(session, flags.job_id, flags.from_revision, session.output, *session.out));
  return EndWith(session, job);
}

}  // namespace

absl::StatusOr<v1::Job> FollowJob(Session& session, const std::string& job_id, int64_t after_revision, Output form,
                                  std::ostream& lines) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job begun, session.client->GetJob(job_id));
  SKEW_RETURN_IF_ERROR(session.screen != nullptr ? FollowOnScreen(session, begun)
                                                 : FollowWithLines(session, begun, after_revision, form, lines));
  SKEW_ASSIGN_OR_RETURN(v1::Job ended, session.client->GetJob(job_id));
  if (!IsTerminal(ended.state())) {
    return absl::InternalError(
        absl::StrCat("the watch of job ", job_id, " has ended, but the job is ", v1::JobState_Name(ended.state())));
  }
  return ended;
}

void AddWatchCommand(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<WatchFlags>();
  CLI::App* command = app.add_subcommand(
      "watch", "Follow a job until it has ended; exits by its final state. Without JOB: all jobs, line by line");
  command->add_option("JOB", flags->job_id, "e.g. j17");
  command
      ->add_option(
          "--from-revision", flags->from_revision,
          "Only events after this one, as lines. Default: all of the job that the server keeps; of all jobs, what "
          "happens from now on")
      ->check(WholeNumber(0));
  command->add_option("--owner", flags->owner, "Of all jobs, only this user's");
  AddLabelFlag(*command, flags->labels);
  command->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) { return Watch(session, *flags); };
    chosen.live = flags->from_revision < 0 && !flags->job_id.empty();
  });
}

}  // namespace skew
