#include "client/render/watch_state.h"

#include <algorithm>
#include <utility>

#include "common/run_state.h"

namespace skew {
namespace {

// More than any terminal has room for.
constexpr size_t kMostHistograms = 32;

}  // namespace

WatchState::WatchState(v1::Job job, std::vector<v1::Run> runs) : job_(std::move(job)), runs_(std::move(runs)) {
  for (size_t i = 0; i < runs_.size(); ++i) {
    index_[runs_[i].id()] = i;
    if (runs_[i].has_histogram()) NoteHistogram(i);
  }
  Recount();
}

void WatchState::AddRun(const v1::Run& run) {
  if (!index_.emplace(run.id(), runs_.size()).second) return;
  runs_.push_back(run);
  Recount();
  if (!IsTerminal(job_.state())) job_.clear_end_time();
}

void WatchState::Apply(const v1::Event& event) {
  if (event.has_run_added()) return AddRun(event.run_added());
  const auto found = index_.find(RunIdOf(event));
  if (found == index_.end()) return;
  v1::Run& run = runs_[found->second];
  switch (event.change_case()) {
    case v1::Event::kRunState:
      ApplyState(event.run_state(), event.time(), run);
      break;
    case v1::Event::kProgress:
      *run.mutable_progress() = event.progress().progress();
      break;
    case v1::Event::kHistogram:
      *run.mutable_histogram() = event.histogram();
      NoteHistogram(found->second);
      break;
    default:
      break;
  }
}

void WatchState::ApplyState(const v1::RunStateChanged& change, const google::protobuf::Timestamp& time, v1::Run& run) {
  run.set_state(change.state());
  run.set_reason(change.reason());
  run.set_message(change.message());
  run.set_reused_from(change.reused_from());
  if (!change.device().empty()) run.set_device(change.device());
  if (IsActive(change.state()) && !job_.has_start_time()) *job_.mutable_start_time() = time;
  Recount();
  if (IsTerminal(job_.state())) *job_.mutable_end_time() = time;
}

void WatchState::NoteHistogram(size_t index) {
  histograms_.erase(std::remove(histograms_.begin(), histograms_.end(), index), histograms_.end());
  histograms_.push_front(index);
  if (histograms_.size() > kMostHistograms) histograms_.pop_back();
}

void WatchState::Recount() {
  if (runs_.empty()) return;
  v1::RunCounts counts;
  for (const v1::Run& run : runs_) {
    AddRuns(run.state(), 1, counts);
    if (!run.reused_from().empty()) counts.set_reused(counts.reused() + 1);
  }
  *job_.mutable_runs() = counts;
  job_.set_state(JobStateOf(counts));
}

const v1::Run* WatchState::FindRun(const std::string& run_id) const {
  const auto found = index_.find(run_id);
  return found == index_.end() ? nullptr : &runs_[found->second];
}

std::vector<const v1::Run*> WatchState::NewestHistograms() const {
  std::vector<const v1::Run*> newest;
  for (const size_t index : histograms_) newest.push_back(&runs_[index]);
  return newest;
}

std::string RunIdOf(const v1::Event& event) {
  switch (event.change_case()) {
    case v1::Event::kRunState:
      return event.run_state().run_id();
    case v1::Event::kProgress:
      return event.progress().run_id();
    case v1::Event::kHistogram:
      return event.histogram().run_id();
    case v1::Event::kArtifact:
      return event.artifact().run_id();
    case v1::Event::kQueue:
      return event.queue().run_id();
    case v1::Event::kRunAdded:
      return event.run_added().id();
    default:
      return "";
  }
}

}  // namespace skew
