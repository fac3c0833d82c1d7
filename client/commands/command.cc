#include "client/commands/command.h"

#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/duration.h"
#include "client/render/format.h"
#include "client/render/results_notes.h"
#include "client/render/results_table.h"
#include "client/scalar.h"
#include "client/text.h"
#include "common/run_state.h"

namespace skew {

bool IsRunId(absl::string_view id) { return id.find('.') != absl::string_view::npos; }

CLI::Validator DurationValidator() {
  const auto check = [](const std::string& text) { return std::string(ParseTimeout(text).status().message()); };
  return {check, "DURATION"};
}

CLI::Validator WholeNumber(int64_t least, int64_t most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= least && number <= most) return "";
    const bool open = most == std::numeric_limits<int64_t>::max();
    return absl::StrCat(Quoted(text), " is not a whole number ",
                        open ? absl::StrCat("of at least ", least) : absl::StrCat("from ", least, " to ", most));
  };
  return {check, ""};
}

CLI::Validator Number(double least, double most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    double number = 0;
    if (absl::SimpleAtod(text, &number) && number >= least && number <= most) return "";
    return absl::StrCat(Quoted(text), " is not a number from ", least, " to ", most);
  };
  return {check, ""};
}

absl::Status CheckWritten(Session& session) {
  session.out->flush();
  if (session.out->good()) return absl::OkStatus();
  return absl::UnknownError("standard output cannot be written");
}

void Show(Session& session, const Table& table) {
  switch (session.output) {
    case Output::kTable:
      *session.out << table.ToText();
      break;
    case Output::kJson:
      *session.out << table.ToJson();
      break;
    case Output::kCsv:
      *session.out << table.ToCsv();
      break;
  }
}

absl::Status ShowResults(Session& session, const v1::GetResultsResponse& results) {
  if (session.output == Output::kJson) {
    *session.out << ToJson(results) << "\n";
  } else {
    Show(session, ResultsTable(results));
    if (session.output == Output::kTable && results.cells_size() > 0) {
      *session.out << "\nCorrected for the judge's errors on real images, and what follows from it:\n";
      Show(session, CorrectedTable(results));
      *session.out << "\n" << kResultsLegend;
    }
    if (session.output == Output::kTable) *session.out << ResultsNotes(results);
  }
  return CheckWritten(session);
}

ExitCode EndWith(Session& session, const v1::Job& job) {
  if (job.state() != v1::JOB_SUCCEEDED) {
    *session.err << "skewctl: job " << job.id() << " has ended " << StateName(job.state());
    if (!job.message().empty()) *session.err << ": " << Printable(job.message());
    *session.err << std::endl;
  }
  return ExitCodeOf(job.state());
}

}  // namespace skew
