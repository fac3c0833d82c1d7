// What the commands of skewctl share.
#ifndef SKEW_CLIENT_COMMANDS_COMMAND_H_
#define SKEW_CLIENT_COMMANDS_COMMAND_H_

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <functional>
#include <istream>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/client.h"
#include "client/exit_code.h"
#include "client/reference/command_doc.h"
#include "client/reference/completion.h"
#include "client/render/live_screen.h"
#include "client/render/message_text.h"
#include "client/render/table.h"

namespace skew {

enum class Output { kTable, kJson, kCsv };

// What a command works with. Lent for the call.
struct Session {
  Client* client;
  // Of the client, for a command that makes one of its own.
  const Client::Options* options = nullptr;
  // Where contexts are stored; empty when there is no place.
  std::string config_path;
  Output output = Output::kTable;
  std::istream* in;
  // Results, and only those.
  std::ostream* out;
  // Progress, notes and errors.
  std::ostream* err;
  // Where a live view may be drawn; null when there is no place for one.
  LiveScreen* screen = nullptr;
  bool colour = false;
};

// A command with its flags, as chosen on the command line.
struct Command {
  // Returns how the program ends. Errors have not been shown yet.
  std::function<absl::StatusOr<ExitCode>(Session&)> run;
  // Whether it can draw a live view.
  bool live = false;
  // Without one, there are no client and no options.
  bool needs_server = true;
  // A stored token, or that of the environment, is not used.
  bool asks_for_token = false;
  // What field violations are about, in error messages: the file of the spec.
  std::string spec_source;
};

// Each adds commands to `app`; the one that the command line names, with its flags, ends up in `chosen`, which must
// outlive `app`.
void AddSubmitCommand(CLI::App& app, Command& chosen);   // submit
void AddWatchCommand(CLI::App& app, Command& chosen);    // watch
void AddJobCommands(CLI::App& app, Command& chosen);     // jobs, job, results, cancel, delete, undelete
void AddRunCommands(CLI::App& app, Command& chosen);     // runs, run, logs
void AddFileCommands(CLI::App& app, Command& chosen);    // artifacts, fetch
void AddServerCommands(CLI::App& app, Command& chosen);  // info, devices, datasets, classifiers
void AddAccessCommands(CLI::App& app, Command& chosen);  // whoami, user, token, audit
void AddAdminCommands(CLI::App& app, Command& chosen);   // admin, gc
void AddLoginCommands(CLI::App& app, Command& chosen);   // login, context
void AddReuseCommands(CLI::App& app, Command& chosen);   // extend, reproduce
void AddAnalyseCommand(CLI::App& app, Command& chosen);  // analyse
void AddReportCommands(CLI::App& app, Command& chosen);  // report, plot
void AddQueueCommands(CLI::App& app, Command& chosen);   // queue, pause, resume, retry, priority, share, drain, undrain
void AddWaitCommand(CLI::App& app, Command& chosen);     // wait
void AddDiffCommand(CLI::App& app, Command& chosen);     // diff
// help, completion, man. They tell of every command that `app` has when they run.
void AddReferenceCommands(CLI::App& app, Command& chosen);

// The commands with their flags, without those that are hidden.
CommandDoc Describe(const CLI::App& app);

// Writes what is known without a server, in the form of kCompleteCommand.
void ShowCompletion(const Completion& completion, std::ostream& out);
// Writes the ids that the completion asks for.
absl::StatusOr<ExitCode> CompleteIds(Session& session, const Completion& completion);

// Checks the value of a flag with ParseTimeout.
CLI::Validator DurationValidator();

// Checks a value that is one number, whole or not; the sentence for another one names what is allowed.
CLI::Validator WholeNumber(int64_t least, int64_t most = std::numeric_limits<int64_t>::max());
CLI::Validator Number(double least, double most);

// Whether an id names a run ("j17.3") and not a job ("j17").
bool IsRunId(absl::string_view id);

// OK, or an error when results could not be written.
absl::Status CheckWritten(Session& session);

// Writes the table in the session's form. In JSON, rows are objects of texts: for what is no message of the API.
void Show(Session& session, const Table& table);

// Writes the items, in JSON one a line.
template <typename Message>
absl::Status ShowList(Session& session, const std::vector<Message>& items, Table (*table)(absl::Span<const Message>)) {
  if (session.output == Output::kJson) {
    for (const Message& item : items) *session.out << ToJson(item) << "\n";
  } else {
    Show(session, table(items));
  }
  return CheckWritten(session);
}

// Writes one item: `details` for people, otherwise as a list of one.
template <typename Message>
absl::Status ShowOne(Session& session, const Message& item, Table (*table)(absl::Span<const Message>),
                     const std::function<std::string()>& details) {
  if (session.output != Output::kTable) return ShowList<Message>(session, {item}, table);
  *session.out << details();
  return CheckWritten(session);
}

// Shows results in the session's form.
absl::Status ShowResults(Session& session, const v1::GetResultsResponse& results);

// Shows a job that was submitted, or would be with `dry_run`; with `watch`, follows it to its end and shows its
// results.
absl::StatusOr<ExitCode> ShowSubmitted(Session& session, const v1::SubmitJobResponse& response, bool dry_run,
                                       bool watch);

// What the server or this program has to say beside the answer, on stderr.
void ShowNotes(Session& session, const v1::SubmitJobResponse& response);

// Events that a command follows: all that the server keeps.
inline constexpr int64_t kAllKept = -1;

// Follows a job until it has ended and returns it as the server then says it is. Draws the live view when the session
// has a screen; otherwise writes one line per event after `after_revision` (or kAllKept) to `lines`, in `form`.
absl::StatusOr<v1::Job> FollowJob(Session& session, const std::string& job_id, int64_t after_revision, Output form,
                                  std::ostream& lines);

// Says on stderr how a job ended that did not succeed, and returns the exit code.
ExitCode EndWith(Session& session, const v1::Job& job);

}  // namespace skew

#endif  // SKEW_CLIENT_COMMANDS_COMMAND_H_
