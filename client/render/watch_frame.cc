#include "client/render/watch_frame.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/render/estimate.h"
#include "client/render/event_line.h"
#include "client/render/format.h"
#include "client/text.h"
#include "common/proto_time.h"
#include "common/results.h"
#include "common/run_state.h"

namespace skew {
namespace {

constexpr char kBold[] = "1";
constexpr char kRed[] = "31";
constexpr char kGreen[] = "32";
constexpr char kYellow[] = "33";
constexpr char kCyan[] = "36";

// Narrower terminals see less of a run.
constexpr int kWide = 100;

class Painter {
 public:
  Painter(FrameSize size, bool colour) : size_(size), colour_(colour) {}

  std::string In(const char* code, absl::string_view text) const {
    return colour_ ? absl::StrCat("\x1b[", code, "m", text, "\x1b[0m") : std::string(text);
  }

  void Add(absl::string_view line) {
    if (room() > 0) lines_.push_back(Clip(line, size_.width));
  }

  int room() const { return size_.height - static_cast<int>(lines_.size()); }
  int width() const { return size_.width; }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  const FrameSize size_;
  const bool colour_;
  std::vector<std::string> lines_;
};

const char* ColourOf(v1::JobState state) {
  if (state == v1::JOB_SUCCEEDED) return kGreen;
  return state == v1::JOB_FAILED ? kRed : kYellow;
}

absl::Duration Elapsed(const v1::Job& job, absl::Time now) {
  if (!job.has_start_time()) return absl::ZeroDuration();
  const absl::Time end = IsTerminal(job.state()) && job.has_end_time() ? FromProto(job.end_time()) : now;
  return std::max(absl::ZeroDuration(), end - FromProto(job.start_time()));
}

void AddHead(const WatchState& state, absl::Time now, Painter& painter) {
  const v1::Job& job = state.job();
  const v1::RunCounts& runs = job.runs();
  const absl::Duration elapsed = Elapsed(job, now);
  const JobEstimate estimate = EstimateJob(state.runs(), elapsed);
  painter.Add(absl::StrCat(painter.In(kBold, job.id()), "  ", Printable(job.spec().name()), "  ",
                           painter.In(ColourOf(job.state()), StateName(job.state())), "  ", DurationText(elapsed)));
  const bool open = !IsTerminal(job.state()) && estimate.left < absl::InfiniteDuration();
  painter.Add(absl::StrCat(painter.In(kGreen, Bar(estimate.done, std::clamp(painter.width() / 4, 4, 30))),
                           absl::StrFormat(" %3.0f%%  ", 100 * estimate.done),
                           open ? absl::StrCat("ETA ", DurationText(estimate.left), "  ") : "", runs.succeeded(), "/",
                           runs.total(), " done, ", runs.active(), " active, ", runs.queued(), " queued, ",
                           runs.failed(), " failed, ", runs.cancelled(), " cancelled"));
  const bool waiting = job.state() == v1::JOB_QUEUED || job.state() == v1::JOB_FAILED;
  if (waiting && !job.message().empty()) painter.Add(painter.In(kYellow, Printable(job.message())));
}

// Columns that all active runs share.
struct Columns {
  int id = 0;
  int label = 0;
  int steps = 0;
};

Columns ColumnsOf(const std::vector<const v1::Run*>& runs, int width) {
  Columns columns;
  for (const v1::Run* run : runs) {
    columns.id = std::max(columns.id, DisplayWidth(run->id()));
    columns.label = std::max(columns.label, DisplayWidth(Printable(RunLabel(*run))));
    columns.steps = std::max(columns.steps, DisplayWidth(StepsText(run->progress())));
  }
  columns.label = std::min(columns.label, std::max(12, width * 2 / 5));
  return columns;
}

std::string RunLine(const v1::Run& run, const Columns& columns, const Painter& painter) {
  const std::string label = PadRight(Clip(Printable(RunLabel(run)), columns.label), columns.label);
  const std::string head = absl::StrCat(PadRight(run.id(), columns.id), "  ", label, "  ");
  const v1::Progress& progress = run.progress();
  if (progress.total_steps() == 0 || run.state() != v1::RUNNING) {
    return absl::StrCat(head, painter.In(kYellow, StateName(run.state())));
  }
  const int bar = painter.width() < kWide ? 8 : 16;
  std::string line = absl::StrCat(head, painter.In(kCyan, Bar(DoneFraction(run), bar)), " ",
                                  PadLeft(StepsText(progress), columns.steps));
  if (painter.width() >= kWide) absl::StrAppend(&line, absl::StrFormat("  %6.1f/s", progress.steps_per_second()));
  absl::StrAppend(&line, "  ", PadLeft(DurationText(TimeLeft(run)), 7), "  ", MetricsText(progress.metrics()));
  return line;
}

std::vector<const v1::Run*> ActiveRuns(const WatchState& state) {
  std::vector<const v1::Run*> active;
  for (const v1::Run& run : state.runs()) {
    if (IsActive(run.state())) active.push_back(&run);
  }
  return active;
}

// At most `most` lines, one of them for what has no room.
void AddActiveRuns(const std::vector<const v1::Run*>& active, int most, Painter& painter) {
  const auto count = static_cast<int>(active.size());
  const int shown = count <= most ? count : std::max(0, most - 1);
  const Columns columns = ColumnsOf(active, painter.width());
  for (int i = 0; i < shown; ++i) painter.Add(RunLine(*active[static_cast<size_t>(i)], columns, painter));
  if (shown < count) painter.Add(absl::StrCat("... and ", Counted(count - shown, "more active run")));
}

double Share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void AddHistogram(const v1::Run& run, Painter& painter) {
  const v1::ClassHistogram& histogram = run.histogram();
  painter.Add(absl::StrFormat("%s  %s  step %d%s, %d images, rejected %.1f%%, off-support %.1f%%", run.id(),
                              Printable(RunLabel(run)), histogram.step(), histogram.final() ? " (final)" : "",
                              histogram.images(), 100 * Share(histogram.rejected(), histogram.images()),
                              100 * Share(histogram.off_support(), histogram.images())));
  int64_t trained = 0;
  for (const auto& [label, count] : run.bias_point().counts()) trained += count;
  const int bar = std::clamp(painter.width() - 40, 4, 60);
  for (const auto& [label, count] : std::map<int32_t, int32_t>(histogram.counts().begin(), histogram.counts().end())) {
    const double share = GeneratedShare(histogram, label);
    const auto own = run.bias_point().counts().find(label);
    const int64_t images = own == run.bias_point().counts().end() ? 0 : own->second;
    // Without an accepted image there are no shares.
    const bool known = std::isfinite(share);
    const std::string shown = known ? painter.In(kCyan, Bar(share, bar)) : PadRight(Clip("none accepted", bar), bar);
    painter.Add(absl::StrFormat("  %3d %s %s  trained %5.1f%%", label, shown,
                                known ? absl::StrFormat("%5.1f%%", 100 * share) : "     -",
                                100 * Share(images, trained)));
  }
}

int HistogramHeight(const v1::Run& run) { return 1 + run.histogram().counts_size(); }

}  // namespace

std::vector<std::string> WatchFrame(const WatchState& state, FrameSize size, bool colour, absl::Time now) {
  Painter painter(size, colour);
  AddHead(state, now, painter);
  const std::vector<const v1::Run*> active = ActiveRuns(state);
  const std::vector<const v1::Run*> histograms = state.NewestHistograms();
  const int reserved = histograms.empty() ? 0 : HistogramHeight(*histograms[0]) + 1;
  if (!active.empty()) {
    painter.Add("");
    AddActiveRuns(active, std::max(std::min(painter.room(), 4), painter.room() - reserved), painter);
  }
  for (const v1::Run* run : histograms) {
    if (painter.room() <= HistogramHeight(*run)) break;
    painter.Add("");
    AddHistogram(*run, painter);
  }
  return painter.Take();
}

}  // namespace skew
