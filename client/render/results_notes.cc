#include "client/render/results_notes.h"

#include "absl/strings/str_cat.h"
#include "client/render/format.h"
#include "client/render/judges_table.h"
#include "client/text.h"
#include "common/null_arm.h"
#include "common/proto_time.h"

namespace skew {

std::string SparedText(const v1::SavedRuns& saved) {
  if (saved.runs() == 0) return "";
  return absl::StrCat(Counted(saved.runs(), "run"), ", about ", DurationText(FromProto(saved.time())), " of a slot");
}

std::string StoppedEarlyText(const v1::SavedRuns& saved) {
  if (saved.runs() == 0) return "";
  return "Where it stopped early, plain 95% intervals, as shown here, cover somewhat less than 95% (about 90% in a"
         " simulation); the rule itself goes by Student's 98% interval, which makes up for looking after every run and"
         " covers in about 95% of all cells.";
}

std::string UncountedText(const v1::ResultCell& cell) {
  if (!cell.has_runs_counted() || cell.runs_counted() == cell.runs_succeeded()) return "";
  return absl::StrCat(cell.runs_counted(), " of ", cell.runs_succeeded(),
                      " counted: ", cell.runs_succeeded() - cell.runs_counted(), " without an accepted image");
}

std::string ResultsNotes(const v1::GetResultsResponse& results) {
  std::string text;
  for (const v1::ResultCell& cell : results.cells()) {
    const std::string uncounted = UncountedText(cell);
    if (uncounted.empty()) continue;
    const std::string name = absl::StrCat(cell.model(), " ", CountsText(cell.bias_point().counts()));
    absl::StrAppend(&text, text.empty() ? "\n" : "", "* ", Printable(name), ": ", uncounted, "\n");
  }
  if (const std::string null_arm = NullArmText(results); !null_arm.empty()) {
    absl::StrAppend(&text, "\n", Printable(null_arm), "\n");
  }
  if (const std::string judges = JudgesSentence(results); !judges.empty()) {
    absl::StrAppend(&text, "\n", Printable(judges), " --judges shows each.\n");
  }
  if (const std::string spared = SparedText(results.saved()); !spared.empty()) {
    absl::StrAppend(&text, "\nThe stop rule has spared ", spared, ".\n", StoppedEarlyText(results.saved()), "\n");
  }
  return text;
}

}  // namespace skew
