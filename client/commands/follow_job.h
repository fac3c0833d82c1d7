// Watching a job until it ends.
#ifndef SKEW_CLIENT_COMMANDS_FOLLOW_JOB_H_
#define SKEW_CLIENT_COMMANDS_FOLLOW_JOB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/live_terminal.h"
#include "client/render/watch_state.h"
#include "client/session.h"
#include "skew/v1/event.pb.h"
#include "skew/v1/job.pb.h"

namespace skew {

// Takes every event, after it was applied to `state`.
using OnEvent = std::function<absl::Status(const v1::Event& event, const WatchState& state)>;

// The terminal for a live view; null when the session has none. Must be made before session.client() is called.
std::unique_ptr<LiveTerminal> OpenLiveTerminal(const Session& session);

// Gives `on_event` the job's events after `from_revision` (without one: all of them) until the job ends, and returns
// the job as the server has it then.
absl::StatusOr<v1::Job> FollowInLines(Session& session, const std::string& job_id, std::optional<int64_t> from_revision,
                                      const OnEvent& on_event);

// The same as a live view, which stays on the screen in its last state. Without `from_revision` it begins with the
// job's present state and does not replay how it came about.
absl::StatusOr<v1::Job> FollowLive(Session& session, const std::string& job_id, std::optional<int64_t> from_revision,
                                   LiveTerminal& terminal);

// Says on standard error how the job ended.
void NoteEnd(Session& session, const v1::Job& job);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_FOLLOW_JOB_H_
