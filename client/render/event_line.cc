#include "client/render/event_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/format.h"
#include "client/render/watch_state.h"
#include "client/text.h"

namespace skew {
namespace {

std::string Percent(int32_t part, int32_t whole) {
  return whole > 0 ? absl::StrFormat("%.1f%%", 100.0 * part / whole) : "-";
}

std::string StateText(const v1::RunStateChanged& change) {
  std::string text = StateName(change.state());
  if (change.reason() != v1::REASON_UNSPECIFIED) absl::StrAppend(&text, " (", v1::Reason_Name(change.reason()), ")");
  if (!change.device().empty()) absl::StrAppend(&text, " on ", change.device());
  if (change.attempt() > 1) absl::StrAppend(&text, ", attempt ", change.attempt());
  if (!change.reused_from().empty()) absl::StrAppend(&text, ", reused from ", change.reused_from());
  if (!change.message().empty()) absl::StrAppend(&text, ": ", change.message());
  return text;
}

std::string ProgressText(const v1::Progress& progress) {
  return absl::StrFormat("step %d/%d, %.1f steps/s, %s", progress.step(), progress.total_steps(),
                         progress.steps_per_second(), MetricsText(progress.metrics()));
}

std::string HistogramText(const v1::ClassHistogram& histogram) {
  return absl::StrCat(histogram.final() ? "final histogram" : "histogram", " at step ", histogram.step(), ": ",
                      SharesText(histogram), ", rejected ", Percent(histogram.rejected(), histogram.images()),
                      ", off-support ", Percent(histogram.off_support(), histogram.images()));
}

std::string QueueChangeText(const v1::QueueChanged& change) {
  if (change.has_priority()) return absl::StrCat("priority ", change.priority());
  return change.paused() ? "paused" : "resumed";
}

std::string DeletionText(const v1::JobDeletion& deletion) {
  if (!deletion.has_delete_time()) return "undeleted";
  if (!deletion.has_purge_time()) return "deleted";
  return absl::StrCat("deleted, kept until ", ExactTime(deletion.purge_time()));
}

std::string ChangeName(const v1::Event& event) {
  const auto* field = v1::Event::descriptor()->FindFieldByNumber(event.change_case());
  return field == nullptr ? "" : field->name();
}

std::string ChangeText(const v1::Event& event) {
  switch (event.change_case()) {
    case v1::Event::kJobAccepted:
      return absl::StrCat("accepted, ", Counted(event.job_accepted().runs(), "run"));
    case v1::Event::kRunState:
      return StateText(event.run_state());
    case v1::Event::kProgress:
      return ProgressText(event.progress().progress());
    case v1::Event::kHistogram:
      return HistogramText(event.histogram());
    case v1::Event::kArtifact:
      return absl::StrCat("artifact ", event.artifact().name(), ", ", BytesText(event.artifact().size_bytes()));
    case v1::Event::kClassifier:
      return absl::StrFormat("classifier %s, test accuracy %.2f%%", event.classifier().digest().substr(0, 12),
                             100 * event.classifier().test_accuracy());
    case v1::Event::kQueue:
      return QueueChangeText(event.queue());
    case v1::Event::kRunAdded:
      return "added: its cell is not known well enough";
    case v1::Event::kDeletion:
      return DeletionText(event.deletion());
    case v1::Event::CHANGE_NOT_SET:
      break;
  }
  return "a change this skewctl does not know";
}

}  // namespace

std::string RunLabel(const v1::Run& run) {
  if (run.bias_point().counts().empty()) return run.model();
  return absl::StrCat(run.model(), " ", CountsText(run.bias_point().counts()), " #", run.iteration());
}

std::string EventLine(const v1::Event& event, const v1::Run* run) {
  const std::string run_id = RunIdOf(event);
  std::string line =
      absl::StrCat(ExactTime(event.time()), " ", event.revision(), " ", run_id.empty() ? event.job_id() : run_id);
  if (run != nullptr && !run->model().empty()) absl::StrAppend(&line, " ", RunLabel(*run));
  absl::StrAppend(&line, ": ", ChangeText(event));
  return Printable(line);
}

Table EventTable(const v1::Event& event, const v1::Run* run) {
  Table table({{"", "time"},
               {"", "revision"},
               {"", "sequence"},
               {"", "job"},
               {"", "run"},
               {"", "label"},
               {"", "change"},
               {"", "detail"}});
  table.AddRow({ExactTime(event.time()), absl::StrCat(event.revision()), absl::StrCat(event.sequence()), event.job_id(),
                RunIdOf(event), run == nullptr ? std::string() : RunLabel(*run), ChangeName(event), ChangeText(event)});
  return table;
}

}  // namespace skew
