#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/commands/usage.h"
#include "client/local_file.h"
#include "client/reference/completion.h"
#include "client/reference/man_page.h"
#include "client/render/format.h"
#include "client/text.h"
#include "common/status.h"
#include "common/version.h"

namespace skew {
namespace {

// As many as anybody would look through.
constexpr size_t kMostIds = 100;

absl::StatusOr<ExitCode> PrintCompletion(Session& session, const std::string& shell) {
  SKEW_ASSIGN_OR_RETURN(const std::string script, CompletionScript(shell));
  *session.out << script;
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

// Now, or what a reproducible build says it is.
absl::Time BuildDate() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  int64_t seconds = 0;
  return epoch != nullptr && absl::SimpleAtoi(epoch, &seconds) ? absl::FromUnixSeconds(seconds) : absl::Now();
}

absl::Status WritePages(const std::vector<ManPage>& pages, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // the file below says why, if it fails
  for (const ManPage& page : pages) {
    SKEW_RETURN_IF_ERROR(WriteOutputFile(absl::StrCat(folder, "/", page.name, ".1"), page.text));
  }
  return absl::OkStatus();
}

struct ManFlags {
  std::string page;
  std::string out;
};

absl::StatusOr<ExitCode> Man(Session& session, const CommandDoc& program, const ManFlags& flags) {
  const std::vector<ManPage> pages = ManPages(program, Version(), BuildDate());
  if (!flags.out.empty()) {
    SKEW_RETURN_IF_ERROR(WritePages(pages, flags.out));
    return ExitCode::kFine;
  }
  const std::string wanted = flags.page.empty() ? program.name : flags.page;
  for (const ManPage& page : pages) {
    if (page.name != wanted && page.name != absl::StrCat(program.name, "-", wanted)) continue;
    *session.out << page.text;
    SKEW_RETURN_IF_ERROR(CheckWritten(session));
    return ExitCode::kFine;
  }
  return absl::InvalidArgumentError(absl::StrCat("there is no page '", wanted, "'; one is skewctl-submit"));
}

absl::StatusOr<std::vector<Candidate>> JobIds(Client& client, absl::string_view end) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs, client.ListJobs({}, kMostIds));
  std::vector<Candidate> ids;
  ids.reserve(jobs.size());
  for (const v1::Job& job : jobs) {
    ids.push_back({absl::StrCat(job.id(), end), absl::StrCat(job.spec().name(), ", ", StateName(job.state()))});
  }
  return ids;
}

absl::StatusOr<std::vector<Candidate>> RunIds(Client& client, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const Client::RunList list, client.ListRuns(job_id));
  std::vector<Candidate> ids;
  ids.reserve(list.runs.size());
  for (const v1::Run& run : list.runs) {
    ids.push_back({run.id(), absl::StrCat(run.model(), ", ", StateName(run.state()))});
  }
  return ids;
}

// Runs are named after their job: without a job, its id and a dot begin one.
absl::StatusOr<std::vector<Candidate>> Ids(Client& client, const Completion& completion) {
  const bool names_job = IsRunId(completion.prefix);
  if (completion.values == Values::kJobs || !names_job) {
    return JobIds(client, completion.values == Values::kRuns ? "." : "");
  }
  return RunIds(client, completion.prefix.substr(0, completion.prefix.find('.')));
}

}  // namespace

void ShowCompletion(const Completion& completion, std::ostream& out) {
  for (const Candidate& one : completion.candidates) out << one.word << "\t" << one.text << "\n";
  if (completion.values == Values::kFiles) out << ":files\n";
}

absl::StatusOr<ExitCode> CompleteIds(Session& session, const Completion& completion) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<Candidate> ids, Ids(*session.client, completion));
  for (const Candidate& one : ids) {
    if (absl::StartsWith(one.word, completion.prefix)) {
      *session.out << completion.head << one.word << "\t" << Printable(one.text) << "\n";
    }
  }
  return ExitCode::kFine;
}

void AddReferenceCommands(CLI::App& app, Command& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      app.add_subcommand("completion", "Print what makes a shell complete commands, flags and ids of jobs and runs");
  completion->add_option("SHELL", *shell, "e.g. in ~/.bashrc: source <(skewctl completion bash)")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([shell, &chosen] {
    chosen.run = [shell](Session& session) { return PrintCompletion(session, *shell); };
    chosen.needs_server = false;
  });

  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* help = app.add_subcommand("help", "Show the help text of a command, as COMMAND --help does");
  help->add_option("COMMAND", *words, "e.g. submit, or share set; without one, of skewctl");
  help->callback([words, &app, &chosen] {
    const std::string text = HelpText(app, *words);
    chosen.run = [text](Session& session) -> absl::StatusOr<ExitCode> {
      *session.out << text;
      SKEW_RETURN_IF_ERROR(CheckWritten(session));
      return ExitCode::kFine;
    };
    chosen.needs_server = false;
  });

  auto flags = std::make_shared<ManFlags>();
  CLI::App* man = app.add_subcommand("man", "Print the manual page of skewctl or of a command");
  man->add_option("PAGE", flags->page, "e.g. skewctl-token-create; try: skewctl man skewctl-submit | man -l -");
  man->add_option("--out", flags->out, "Write all pages into this folder instead")->type_name("FOLDER");
  man->callback([flags, &app, &chosen] {
    chosen.run = [flags, &app](Session& session) { return Man(session, Describe(app), *flags); };
    chosen.needs_server = false;
  });
}

}  // namespace skew
