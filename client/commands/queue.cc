#include "client/render/queue.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<ExitCode> ShowQueue(Session& session, int32_t limit) {
  SKEW_ASSIGN_OR_RETURN(const v1::GetQueueResponse queue, session.client->GetQueue(limit));
  if (session.output == Output::kJson) {
    *session.out << ToJson(queue) << "\n";
  } else if (session.output == Output::kCsv) {
    Show(session, QueueTable(queue));
  } else {
    *session.out << QueueText(queue);
  }
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

// What became of a job or a run that was told something.
absl::StatusOr<ExitCode> ShowChanged(Session& session, absl::StatusOr<v1::Job> changed) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, std::move(changed));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Job>(session, job, &JobTable, [&] {
    return absl::StrCat(job.id(), " ", StateName(job.state()), job.paused() ? ", paused" : "", ", priority ",
                        job.priority(), ", ", job.runs().queued(), " queued, ", job.runs().active(), " active\n");
  }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> ShowChanged(Session& session, absl::StatusOr<v1::Run> changed) {
  SKEW_ASSIGN_OR_RETURN(const v1::Run run, std::move(changed));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Run>(session, run, &RunTable, [&] {
    return absl::StrCat(run.id(), " ", StateName(run.state()), run.paused() ? ", paused" : "", ", priority ",
                        run.priority(), "\n");
  }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> PauseById(Session& session, const std::string& id) {
  if (IsRunId(id)) return ShowChanged(session, session.client->PauseRun(id));
  return ShowChanged(session, session.client->PauseJob(id));
}

absl::StatusOr<ExitCode> ResumeById(Session& session, const std::string& id) {
  if (IsRunId(id)) return ShowChanged(session, session.client->ResumeRun(id));
  return ShowChanged(session, session.client->ResumeJob(id));
}

absl::StatusOr<ExitCode> RetryById(Session& session, const std::string& id) {
  if (IsRunId(id)) return ShowChanged(session, session.client->RetryRun(id));
  return ShowChanged(session, session.client->RetryJob(id));
}

void AddWithId(CLI::App& app, Command& chosen, const std::string& name, const std::string& what,
               absl::StatusOr<ExitCode> (*run)(Session&, const std::string&)) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("ID", *id, "A job or a run, e.g. j17 or j17.3")->required();
  command->callback([id, run, &chosen] { chosen.run = [id, run](Session& session) { return run(session, *id); }; });
}

void AddPriority(CLI::App& app, Command& chosen) {
  struct Flags {
    std::string id;
    int32_t priority = 0;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("priority", "Set the priority of a job, or of one of its runs");
  command->add_option("ID", flags->id, "e.g. j17 or j17.3")->required();
  command->add_option("PRIORITY", flags->priority, "Among your own, higher ones first: -1000 to 1000")
      ->required()
      ->check(WholeNumber(-1000, 1000));
  command->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) {
      if (IsRunId(flags->id)) {
        return ShowChanged(session, session.client->SetRunPriority(flags->id, flags->priority));
      }
      return ShowChanged(session, session.client->SetJobPriority(flags->id, flags->priority));
    };
  });
}

absl::StatusOr<ExitCode> ListShares(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const v1::ListSharesResponse response, session.client->ListShares());
  const std::vector<v1::Share> shares(response.shares().begin(), response.shares().end());
  SKEW_RETURN_IF_ERROR(ShowList(session, shares, &ShareTable));
  return ExitCode::kFine;
}

struct ShareFlags {
  std::string user;
  std::optional<double> weight;
  std::optional<int32_t> max_slots;
  std::optional<int32_t> max_queued;
  std::string max_artifacts;
};

absl::StatusOr<ExitCode> SetShare(Session& session, const ShareFlags& flags) {
  v1::SetShareRequest request;
  request.set_user(flags.user);
  if (flags.weight.has_value()) request.set_weight(*flags.weight);
  if (flags.max_slots.has_value()) request.set_max_slots(*flags.max_slots);
  if (flags.max_queued.has_value()) request.set_max_queued(*flags.max_queued);
  if (!flags.max_artifacts.empty()) {
    SKEW_ASSIGN_OR_RETURN(const int64_t bytes, ParseBytes("--max-artifacts", flags.max_artifacts));
    request.set_max_artifact_bytes(bytes);
  }
  if (!flags.weight.has_value() && !flags.max_slots.has_value() && !flags.max_queued.has_value() &&
      flags.max_artifacts.empty()) {
    return absl::InvalidArgumentError("nothing to set: --weight, --max-slots, --max-queued or --max-artifacts");
  }
  if (flags.user != "*") {
    SKEW_ASSIGN_OR_RETURN(const std::vector<v1::User> users, session.client->ListUsers());
    const bool known =
        std::any_of(users.begin(), users.end(), [&](const v1::User& user) { return user.name() == flags.user; });
    if (!known) *session.err << "note: there is no user '" << Printable(flags.user) << "' yet" << std::endl;
  }
  SKEW_ASSIGN_OR_RETURN(const v1::Share share, session.client->SetShare(request));
  SKEW_RETURN_IF_ERROR(ShowList<v1::Share>(session, {share}, &ShareTable));
  return ExitCode::kFine;
}

void AddShare(CLI::App& app, Command& chosen) {
  CLI::App* share = app.add_subcommand("share", "Show and set users' shares of the box, and their limits");
  share->require_subcommand(1);
  share->add_subcommand("list", "List shares, use and limits")->callback([&chosen] { chosen.run = &ListShares; });
  auto flags = std::make_shared<ShareFlags>();
  CLI::App* set = share->add_subcommand("set", "Set what is given and leave the rest");
  set->add_option("USER", flags->user, "* for all that have no settings of their own")->required();
  set->add_option("--weight", flags->weight, "Part of the slot time in proportion to others': 0.001 to 1000")
      ->check(Number(0.001, 1000));
  set->add_option("--max-slots", flags->max_slots, "Runs at the same time; 0: no limit")
      ->check(WholeNumber(0, std::numeric_limits<int32_t>::max()));
  set->add_option("--max-queued", flags->max_queued, "Runs that wait; 0: no limit")
      ->check(WholeNumber(0, std::numeric_limits<int32_t>::max()));
  set->add_option("--max-artifacts", flags->max_artifacts, "Stored artifacts, e.g. 20GiB; 0: no limit");
  set->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return SetShare(session, *flags); }; });
}

void AddDrain(CLI::App& app, Command& chosen, const std::string& name, const std::string& what,
              absl::StatusOr<std::vector<v1::Device>> (Client::*change)(const std::string&)) {
  auto device = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option("DEVICE", *device, "e.g. cuda0. Default: all of them");
  command->callback([device, change, &chosen] {
    chosen.run = [device, change](Session& session) -> absl::StatusOr<ExitCode> {
      SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Device> devices, (session.client->*change)(*device));
      SKEW_RETURN_IF_ERROR(ShowList(session, devices, &DeviceTable));
      return ExitCode::kFine;
    };
  });
}

}  // namespace

void AddQueueCommands(CLI::App& app, Command& chosen) {
  auto limit = std::make_shared<int32_t>(100);
  CLI::App* queue = app.add_subcommand("queue", "Show the box at a glance: who runs what, who waits for what");
  queue->add_option("--limit", *limit, "At most so many waiting rows")
      ->check(WholeNumber(1, 1000))
      ->capture_default_str();
  queue->callback([limit, &chosen] { chosen.run = [limit](Session& session) { return ShowQueue(session, *limit); }; });
  AddWithId(app, chosen, "pause", "Hold a job, or one of its runs, back; what runs checkpoints and stops", &PauseById);
  AddWithId(app, chosen, "resume", "Let a paused job, or one of its runs, go on", &ResumeById);
  AddWithId(app, chosen, "retry", "Queue failed and cancelled runs again", &RetryById);
  AddPriority(app, chosen);
  AddShare(app, chosen);
  AddDrain(app, chosen, "drain", "Start nothing more on a device; what runs there goes on", &Client::DrainDevice);
  AddDrain(app, chosen, "undrain", "Use a drained device again", &Client::UndrainDevice);
}

}  // namespace skew
