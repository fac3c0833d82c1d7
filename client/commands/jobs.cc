#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/commands/command.h"
#include "client/commands/label_flags.h"
#include "client/commands/study_flags.h"
#include "client/render/details.h"
#include "client/render/format.h"
#include "client/render/judges_table.h"
#include "client/render/listings.h"
#include "client/render/measures_table.h"
#include "client/scalar.h"
#include "client/text.h"
#include "common/nearest.h"
#include "common/run_state.h"
#include "common/status.h"

namespace skew {
namespace {

struct ListFlags {
  std::vector<std::string> states;
  std::string owner;
  std::vector<std::string> labels;
  std::string kind;
  int64_t limit = 100;
  bool deleted = false;
};

// The value of an enum by a user's name for it, which may leave out `prefix`.
template <typename Enum>
absl::StatusOr<Enum> ParseName(absl::string_view prefix, absl::string_view flag, absl::string_view text) {
  const google::protobuf::EnumDescriptor& type = *google::protobuf::GetEnumDescriptor<Enum>();
  const std::string name = absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text));
  std::vector<std::string> known;
  for (int i = 0; i < type.value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor& value = *type.value(i);
    if (value.number() == 0) continue;
    const std::string shown(absl::StripPrefix(value.name(), prefix));
    if (name == shown || name == value.name()) return static_cast<Enum>(value.number());
    known.push_back(absl::AsciiStrToLower(shown));
  }
  const std::string nearest = Nearest(text, known);
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", Quoted(text), " is not one of ",
                                                 absl::StrJoin(known, ", "),
                                                 nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?")));
}

absl::StatusOr<v1::JobFilter> FilterOf(const ListFlags& flags) {
  v1::JobFilter filter;
  for (const std::string& text : flags.states) {
    for (const absl::string_view name : absl::StrSplit(text, ',')) {
      SKEW_ASSIGN_OR_RETURN(const v1::JobState state, ParseName<v1::JobState>("JOB_", "--state", name));
      filter.add_states(state);
    }
  }
  if (!flags.kind.empty()) {
    SKEW_ASSIGN_OR_RETURN(const v1::JobKind kind, ParseName<v1::JobKind>("", "--kind", flags.kind));
    filter.set_kind(kind);
  }
  SKEW_RETURN_IF_ERROR(ReadLabels(flags.labels, filter));
  filter.set_owner(flags.owner);
  filter.set_deleted(flags.deleted);
  return filter;
}

absl::StatusOr<ExitCode> List(Session& session, const ListFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::JobFilter filter, FilterOf(flags));
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs,
                        session.client->ListJobs(filter, static_cast<size_t>(flags.limit)));
  SKEW_RETURN_IF_ERROR(ShowList(session, jobs, flags.deleted ? &DeletedJobTable : &JobTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> ShowJob(Session& session, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, session.client->GetJob(job_id));
  std::vector<v1::Run> runs;
  if (session.output == Output::kTable && (job.state() == v1::JOB_RUNNING || job.spec().has_stop())) {
    SKEW_ASSIGN_OR_RETURN(Client::RunList list, session.client->ListRuns(job_id));
    runs = std::move(list.runs);
  }
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Job>(session, job, &JobTable, [&] { return JobDetails(job, runs); }));
  return ExitCode::kFine;
}

struct ResultsFlags {
  std::string job;
  bool allow_different_judges = false;
  bool measures = false;
  bool judges = false;

  v1::GetResultsRequest Request() const {
    v1::GetResultsRequest request;
    request.set_job_id(job);
    request.set_allow_different_judges(allow_different_judges);
    return request;
  }
};

bool HasMeasures(const v1::GetResultsResponse& results) {
  return std::any_of(results.cells().begin(), results.cells().end(),
                     [](const v1::ResultCell& cell) { return !MeasureRowsOf(cell).empty(); });
}

// Why a table that people asked for has no rows; empty when it has some.
absl::StatusOr<std::string> WhyEmpty(Session& session, const ResultsFlags& flags,
                                     const v1::GetResultsResponse& results) {
  if (session.output != Output::kTable) return std::string();
  if (!results.cells().empty() && (!flags.measures || HasMeasures(results))) return std::string();
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, session.client->GetJob(flags.job));
  if (job.kind() == v1::CLASSIFIER_TRAINING) {
    return absl::StrCat(job.id(), " trains a judge and has no table: see skewctl classifiers\n");
  }
  if (!flags.measures) return std::string();
  const v1::EvaluationSpec& evaluation = job.spec().evaluation();
  if (evaluation.has_measure_images() && !evaluation.measure_images()) {
    return absl::StrCat("the images of ", job.id(),
                        " are not measured: evaluation.measure_images is false in its spec, as it "
                        "is by itself below 5,000\ngeneration.images. To have them measured, submit it with --set "
                        "evaluation.measure_images=true\n");
  }
  return absl::StrCat("no run of ", job.id(), " has measured images ",
                      IsTerminal(job.state()) ? "" : "yet; that comes last in a run", "\n");
}

absl::StatusOr<ExitCode> Results(Session& session, const ResultsFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::GetResultsResponse results, session.client->GetResults(flags.Request()));
  SKEW_ASSIGN_OR_RETURN(const std::string why_empty, WhyEmpty(session, flags, results));
  if (!why_empty.empty()) {
    *session.out << why_empty;
    SKEW_RETURN_IF_ERROR(CheckWritten(session));
    return ExitCode::kFine;
  }
  const bool csv = session.output == Output::kCsv;
  if (session.output == Output::kJson || !(flags.measures || flags.judges)) {
    SKEW_RETURN_IF_ERROR(ShowResults(session, results));
    return ExitCode::kFine;
  }
  if (flags.measures) {
    Show(session, csv ? AllMeasures(results) : MeasuresTable(results));
    if (!csv) *session.out << "\n" << kMeasuresLegend;
    for (const std::string& note : {MeasuresNotes(results), MeasuringText(results)}) {
      if (!csv && !note.empty()) *session.out << "\n" << note << "\n";
    }
  } else {
    Show(session, csv ? AllJudges(results) : JudgesTable(results));
    const std::string sentence = JudgesSentence(results);
    if (!csv) *session.out << "\n" << (sentence.empty() ? "One judge judged these runs." : Printable(sentence)) << "\n";
  }
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Cancel(Session& session, const std::string& id) {
  if (IsRunId(id)) {
    SKEW_ASSIGN_OR_RETURN(const v1::Run run, session.client->CancelRun(id));
    SKEW_RETURN_IF_ERROR(ShowOne<v1::Run>(session, run, &RunTable,
                                          [&] { return absl::StrCat(run.id(), " ", StateName(run.state()), "\n"); }));
  } else {
    SKEW_ASSIGN_OR_RETURN(const v1::Job job, session.client->CancelJob(id));
    SKEW_RETURN_IF_ERROR(ShowOne<v1::Job>(session, job, &JobTable, [&] {
      return absl::StrCat(job.id(), " ", StateName(job.state()), ", ", job.runs().cancelled(), " of ",
                          Counted(job.runs().total(), "run"), " cancelled, ", job.runs().active(), " stopping\n");
    }));
  }
  return ExitCode::kFine;
}

struct DeleteFlags {
  std::string job;
  bool purge = false;
};

absl::StatusOr<ExitCode> Delete(Session& session, const DeleteFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, session.client->DeleteJob(flags.job, flags.purge));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Job>(session, job, &DeletedJobTable, [&] {
    if (flags.purge) return absl::StrCat(job.id(), " is gone, with its results and files\n");
    return absl::StrCat(job.id(), " is deleted; ",
                        job.has_purge_time() ? absl::StrCat("until ", TimeText(job.purge_time()), " UTC, ") : "",
                        "'skewctl undelete ", job.id(), "' brings it back\n");
  }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Undelete(Session& session, const std::string& job_id) {
  SKEW_ASSIGN_OR_RETURN(const v1::Job job, session.client->UndeleteJob(job_id));
  SKEW_RETURN_IF_ERROR(
      ShowOne<v1::Job>(session, job, &JobTable, [&] { return absl::StrCat(job.id(), " is there again\n"); }));
  return ExitCode::kFine;
}

void AddDelete(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<DeleteFlags>();
  CLI::App* command =
      app.add_subcommand("delete", "Take a job that has ended out of lists; later the server removes it for good");
  command->add_option("JOB", flags->job, "e.g. j17")->required();
  command->add_flag("--purge", flags->purge, "Remove it now, with its results and files: nothing brings it back");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Delete(session, *flags); }; });
}

void AddList(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<ListFlags>();
  CLI::App* command = app.add_subcommand("jobs", "List jobs, newest first");
  command
      ->add_option("--state", flags->states,
                   "queued, running, succeeded, failed or cancelled; any of several: failed,cancelled")
      ->allow_extra_args(false);
  command->add_option("--owner", flags->owner, "Only this user's");
  AddLabelFlag(*command, flags->labels);
  command->add_option("--kind", flags->kind, "study or classifier_training");
  command->add_option("--limit", flags->limit, "At most so many")->check(WholeNumber(1))->capture_default_str();
  command->add_flag("--deleted", flags->deleted, "Instead: deleted jobs, and until when they can be undeleted");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return List(session, *flags); }; });
}

void AddResults(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<ResultsFlags>();
  CLI::App* command =
      app.add_subcommand("results", "Show what was trained and what was generated, per model and bias point");
  command->add_option("JOB", flags->job, "e.g. j17")->required();
  AddDifferentJudgesFlag(*command, flags->allow_different_judges);
  command->add_flag("--measures", flags->measures,
                    "Instead: how real and how varied the generated images are, whole and within classes");
  command->add_flag("--judges", flags->judges, "Instead: what each of several judges says, and how far they are apart")
      ->excludes("--measures");
  command->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Results(session, *flags); }; });
}

// A command whose only argument is an id.
void AddWithId(CLI::App& app, Command& chosen, const std::string& name, const std::string& what,
               const std::string& argument, absl::StatusOr<ExitCode> (*run)(Session&, const std::string&)) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(name, what);
  command->add_option(argument, *id, "e.g. j17")->required();
  command->callback([id, run, &chosen] { chosen.run = [id, run](Session& session) { return run(session, *id); }; });
}

}  // namespace

void AddJobCommands(CLI::App& app, Command& chosen) {
  AddList(app, chosen);
  AddWithId(app, chosen, "job", "Show a job: its spec, state, runs, and when it should end", "JOB", &ShowJob);
  AddResults(app, chosen);
  AddWithId(app, chosen, "cancel", "Cancel a job, or one of its runs", "ID", &Cancel);
  AddDelete(app, chosen);
  AddWithId(app, chosen, "undelete", "Bring a deleted job back; 'jobs --deleted' lists them", "JOB", &Undelete);
}

}  // namespace skew
