#include "client/commands/follow_job.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/render/format.h"
#include "client/render/live_frame.h"
#include "client/text.h"
#include "common/run_state.h"
#include "common/status.h"

namespace skew {
namespace {

// The end of a stream proves nothing: the job's state is read.
absl::StatusOr<v1::Job> ReadEnd(Client& client, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(v1::Job job, client.GetJob(job_id));
  if (!IsTerminal(job.state())) {
    return absl::InternalError(
        absl::StrCat("the server ended the watch of job ", job_id, ", which is ", StateText(job.state())));
  }
  return job;
}

// Shared by the thread that reads events and the one that draws.
class LiveWatch {
 public:
  LiveWatch(WatchState state, Style style) : style_(std::move(style)), state_(std::move(state)) {}

  void Apply(const v1::Event& event) {
    absl::MutexLock lock(&mutex_);
    state_.set_notice("");
    state_.Apply(event);
  }

  void Notice(absl::string_view notice) {
    absl::MutexLock lock(&mutex_);
    state_.set_notice(std::string(notice));
  }

  std::vector<std::string> Draw(int width, int height) {
    absl::MutexLock lock(&mutex_);
    return LiveFrame(state_, absl::Now(), width, height, style_);
  }

 private:
  const Style style_;
  absl::Mutex mutex_;
  WatchState state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<LiveTerminal> OpenLiveTerminal(const Session& session) {
  return session.live_terminal() < 0 ? nullptr : std::make_unique<LiveTerminal>(session.live_terminal());
}

absl::StatusOr<v1::Job> FollowInLines(Session& session, const std::string& job_id, std::optional<int64_t> from_revision,
                                      const OnEvent& on_event) {
  SKEW_ASSIGN_OR_RETURN(Client* const client, session.client());
  SKEW_ASSIGN_OR_RETURN(v1::Job job, client->GetJob(job_id));
  SKEW_ASSIGN_OR_RETURN(const Client::RunList list, client->ListRuns(job_id));
  WatchState state(std::move(job), list.runs);
  SKEW_RETURN_IF_ERROR(client->WatchJob(job_id, from_revision.value_or(0), [&](const v1::Event& event) {
    state.Apply(event);
    return on_event(event, state);
  }));
  return ReadEnd(*client, job_id);
}

absl::StatusOr<v1::Job> FollowLive(Session& session, const std::string& job_id, std::optional<int64_t> from_revision,
                                   LiveTerminal& terminal) {
  SKEW_ASSIGN_OR_RETURN(Client* const client, session.client());
  SKEW_ASSIGN_OR_RETURN(v1::Job job, client->GetJob(job_id));
  SKEW_ASSIGN_OR_RETURN(const Client::RunList list, client->ListRuns(job_id));
  LiveWatch watch(WatchState(std::move(job), list.runs), session.style());
  session.set_on_outage([&](absl::string_view notice) {
    watch.Notice(notice);
    terminal.Update();
  });
  terminal.Show([&watch](int width, int height) { return watch.Draw(width, height); });
  const absl::Status status =
      client->WatchJob(job_id, from_revision.value_or(list.revision), [&](const v1::Event& event) {
        watch.Apply(event);
        terminal.Update();
        return absl::OkStatus();
      });
  terminal.Hide();
  session.set_on_outage(nullptr);
  SKEW_RETURN_IF_ERROR(status);
  return ReadEnd(*client, job_id);
}

void NoteEnd(Session& session, const v1::Job& job) {
  session.Note(absl::StrCat(job.id(), " ", StateText(job.state()), ": ", job.runs().succeeded(), " of ",
                            job.runs().total(), " runs succeeded, took ", TimeTaken(job, absl::Now()),
                            job.message().empty() ? "" : ". ", Printable(job.message())));
}

}  // namespace skew
