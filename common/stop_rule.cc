#include "common/stop_rule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/expansion.h"
#include "common/proto_time.h"
#include "common/results.h"
#include "common/stats/sequential.h"

namespace skew {
namespace {

bool AllHaveResults(absl::Span<const v1::Run> cell) { return std::all_of(cell.begin(), cell.end(), HasResult); }

// One more than the newest.
int32_t IterationsOf(absl::Span<const v1::Run> cell) {
  int32_t iterations = 0;
  for (const v1::Run& run : cell) iterations = std::max(iterations, run.iteration() + 1);
  return iterations;
}

bool IsKnown(const v1::StopRule& rule, absl::Span<const v1::Run> cell) {
  std::vector<double> shares;
  int64_t images = std::numeric_limits<int64_t>::max();
  for (const v1::Run& run : cell) {
    const double share = GeneratedShare(run.histogram(), rule.class_());
    if (std::isnan(share)) continue;
    shares.push_back(share);
    images = std::min(images, AcceptedImages(run.histogram()));
  }
  return !shares.empty() && stats::LookAtRuns(shares, static_cast<double>(images), rule.half_width()).stop;
}

}  // namespace

std::optional<v1::Run> NextIteration(const v1::JobSpec& spec, absl::Span<const v1::Run> cell) {
  const int32_t iteration = IterationsOf(cell);
  if (!spec.has_stop() || iteration >= spec.iterations()) return std::nullopt;
  if (!AllHaveResults(cell) || IsKnown(spec.stop(), cell)) return std::nullopt;
  v1::Run run;
  run.set_model_index(cell.front().model_index());
  run.set_model(cell.front().model());
  *run.mutable_bias_point() = cell.front().bias_point();
  run.set_iteration(iteration);
  run.set_seed(RunSeed(spec.seed(), run));
  return run;
}

v1::SavedRuns SavedByStopping(const v1::JobSpec& spec, absl::Span<const v1::Run> runs) {
  v1::SavedRuns saved;
  if (!spec.has_stop()) return saved;
  std::map<CellKey, std::vector<v1::Run>> cells;
  for (const v1::Run& run : runs) cells[CellOf(run)].push_back(run);
  absl::Duration time;
  for (const auto& [key, cell] : cells) {
    if (!AllHaveResults(cell) || !IsKnown(spec.stop(), cell)) continue;
    const int32_t not_needed = std::max(0, spec.iterations() - IterationsOf(cell));
    absl::Duration taken;
    int64_t timed = 0;  // those that were answered from the store took no time
    for (const v1::Run& run : cell) {
      if (!run.has_start_time()) continue;
      taken += FromProto(run.end_time()) - FromProto(run.start_time());
      ++timed;
    }
    saved.set_runs(saved.runs() + not_needed);
    if (timed > 0) time += taken / timed * not_needed;
  }
  *saved.mutable_time() = ToProto(time);
  return saved;
}

}  // namespace skew
