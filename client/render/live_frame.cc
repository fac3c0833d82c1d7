#include "client/render/live_frame.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/bar.h"
#include "client/render/event_line.h"
#include "client/render/format.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/run_state.h"

namespace skew {
namespace {

constexpr int kShortestBar = 12;
constexpr int kLongestBar = 42;

double ShareOf(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

int64_t SumOf(const google::protobuf::Map<int32_t, int32_t>& counts) {
  int64_t sum = 0;
  for (const auto& [label, count] : counts) sum += count;
  return sum;
}

std::string HeadLine(const WatchState& state, const v1::RunCounts& counts, absl::Time now, const Style& style) {
  const std::string status = StateText(JobStateOf(counts));
  std::string line = absl::StrCat(Painted(state.job().id(), "1", style), "  ", Printable(state.job().spec().name()),
                                  "  ", Painted(status, StateColor(status), style));
  const std::string took = TimeTaken(state.job(), now);
  if (took != "-") absl::StrAppend(&line, "  ", took);
  return line;
}

std::string CountsLine(const v1::RunCounts& counts, const Style& style) {
  std::string line = absl::StrCat(counts.succeeded(), " of ", counts.total(), " runs done, ", counts.active(),
                                  " active, ", counts.queued(), " queued");
  if (counts.failed() > 0) absl::StrAppend(&line, ", ", Painted(absl::StrCat(counts.failed(), " failed"), "31", style));
  if (counts.cancelled() > 0) absl::StrAppend(&line, ", ", counts.cancelled(), " cancelled");
  return line;
}

// Ended runs and the finished parts of active ones, of all runs.
double DoneShare(const WatchState& state, const v1::RunCounts& counts) {
  double done = counts.succeeded() + counts.failed() + counts.cancelled();
  for (const v1::Run* run : state.ActiveRuns()) {
    done += std::clamp(ShareOf(run->progress().step(), run->progress().total_steps()), 0.0, 1.0);
  }
  return counts.total() > 0 ? done / counts.total() : 0.0;
}

// Counted from the report of the progress.
std::optional<absl::Duration> TimeLeft(const v1::Run& run, absl::Time reported, absl::Time now) {
  const v1::Progress& progress = run.progress();
  if (progress.steps_per_second() <= 0 || progress.total_steps() <= progress.step()) return std::nullopt;
  const absl::Duration left = absl::Seconds((progress.total_steps() - progress.step()) / progress.steps_per_second());
  return reported == absl::InfinitePast() ? left : std::max(absl::ZeroDuration(), left - (now - reported));
}

// What is said of a run beside its bar, the most important first.
std::vector<std::string> RunDetails(const v1::Run& run, absl::Time reported, absl::Time now) {
  const v1::Progress& progress = run.progress();
  if (progress.total_steps() <= 0) return {StateText(run.state())};
  std::vector<std::string> details = {
      absl::StrFormat("%3.0f%%", 100 * ShareOf(progress.step(), progress.total_steps())),
      absl::StrCat(progress.step(), "/", progress.total_steps())};
  if (run.state() != v1::RUNNING) details.push_back(StateText(run.state()));
  if (const auto left = TimeLeft(run, reported, now)) details.push_back(absl::StrCat("ETA ", SpanText(*left)));
  if (progress.steps_per_second() > 0) details.push_back(absl::StrFormat("%.1f steps/s", progress.steps_per_second()));
  if (const std::string metrics = MetricsText(progress); !metrics.empty()) details.push_back(metrics);
  return details;
}

// The cell, a bar, and as many details as leave the bar its room.
std::string RunLine(const v1::Run& run, const std::string& cell, absl::Time reported, absl::Time now, int width,
                    const Style& style) {
  std::string tail;
  const int room = width - DisplayWidth(cell) - 2 - kShortestBar;
  for (const std::string& detail : RunDetails(run, reported, now)) {
    if (DisplayWidth(tail) + 2 + DisplayWidth(detail) > room) break;
    absl::StrAppend(&tail, "  ", detail);
  }
  const int bar = std::min(kLongestBar, width - DisplayWidth(cell) - 2 - DisplayWidth(tail));
  const double share = ShareOf(run.progress().step(), run.progress().total_steps());
  return absl::StrCat(cell, "  ", Painted(ProgressBar(share, std::max(3, bar), style), "36", style), tail);
}

std::vector<std::string> RunLines(const WatchState& state, absl::Time now, int width, size_t most, const Style& style) {
  const std::vector<const v1::Run*> active = state.ActiveRuns();
  const size_t shown = active.size() <= most ? active.size() : most - 1;
  std::vector<std::string> cells;
  int widest = 0;
  for (size_t i = 0; i < shown; ++i) {
    cells.push_back(absl::StrCat(active[i]->id(), "  ", CellText(*active[i])));
    widest = std::max(widest, DisplayWidth(cells.back()));
  }
  std::vector<std::string> lines;
  for (size_t i = 0; i < shown; ++i) {
    const v1::Run& run = *active[i];
    lines.push_back(RunLine(run, PadRight(cells[i], widest), state.ProgressTime(run.id()), now, width, style));
  }
  if (shown < active.size()) lines.push_back(absl::StrCat("... and ", active.size() - shown, " more"));
  return lines;
}

std::string ShareLine(const std::string& label, double share, const std::string& remark, int width,
                      const Style& style) {
  const int bar = std::clamp(width - 30, 10, 60);
  return absl::StrCat("  ", PadLeft(label, 3), " ", Painted(PadRight(ShareBar(share, bar, style), bar), "34", style),
                      " ", PadLeft(PercentText(share, 1), 5), "%", remark);
}

std::vector<std::string> HistogramLines(const v1::Run& run, int width, const Style& style) {
  const v1::ClassHistogram& histogram = run.histogram();
  std::vector<std::string> lines = {
      absl::StrCat(Painted(run.id(), "1", style), "  ", CellText(run), ", ", histogram.final() ? "final, " : "",
                   "step ", histogram.step(), ", ", histogram.images(), " images, rejected ",
                   PercentText(ShareOf(histogram.rejected(), histogram.images()), 1), "%, off-support ",
                   PercentText(ShareOf(histogram.off_support(), histogram.images()), 1), "%")};
  const std::map<int32_t, int32_t> counts(histogram.counts().begin(), histogram.counts().end());
  const auto& trained = run.bias_point().counts();
  for (const auto& [label, count] : counts) {
    const auto found = trained.find(label);
    const std::string remark =
        found == trained.end()
            ? ""
            : absl::StrCat("  trained ", PadLeft(PercentText(ShareOf(found->second, SumOf(trained)), 1), 5), "%");
    lines.push_back(ShareLine(absl::StrCat(label), ShareOf(count, SumOf(histogram.counts())), remark, width, style));
  }
  return lines;
}

}  // namespace

std::vector<std::string> LiveFrame(const WatchState& state, absl::Time now, int width, int height, const Style& style) {
  const v1::RunCounts counts = state.Counts();
  std::vector<std::string> lines = {
      HeadLine(state, counts, now, style), CountsLine(counts, style),
      absl::StrCat(ProgressBar(DoneShare(state, counts), std::clamp(width - 6, 3, 72), style), " ",
                   PercentText(DoneShare(state, counts), 0), "%")};
  if (!state.job().message().empty()) lines.push_back(Printable(state.job().message()));
  if (!state.notice().empty()) lines.push_back(Painted(Printable(state.notice()), "33", style));
  lines.emplace_back();
  const size_t most = static_cast<size_t>(std::max(2, height / 2 - static_cast<int>(lines.size())));
  for (std::string& line : RunLines(state, now, width, most, style)) lines.push_back(std::move(line));
  const auto room = static_cast<size_t>(std::max(0, height));
  for (const std::string& run_id : state.newest_histograms()) {
    const std::vector<std::string> histogram = HistogramLines(*state.FindRun(run_id), width, style);
    if (lines.size() + 1 + histogram.size() > room) break;
    if (!lines.back().empty()) lines.emplace_back();
    lines.insert(lines.end(), histogram.begin(), histogram.end());
  }
  if (lines.size() > room) lines.resize(room);
  for (std::string& line : lines) line = Clip(line, width);
  return lines;
}

}  // namespace skew
