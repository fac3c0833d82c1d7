// A job and its runs as the events of a watch leave them.
#ifndef SKEW_CLIENT_RENDER_WATCH_STATE_H_
#define SKEW_CLIENT_RENDER_WATCH_STATE_H_

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "skew/v1/event.pb.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Starts from what lists say and goes on with the events after them. Thread-compatible.
class WatchState {
 public:
  WatchState(v1::Job job, std::vector<v1::Run> runs);

  // Runs that are added become known; events of runs that are not are passed over.
  void Apply(const v1::Event& event);

  // Its state and counts follow the runs.
  const v1::Job& job() const { return job_; }
  // In the order they were given.
  const std::vector<v1::Run>& runs() const { return runs_; }
  // Null when there is none with this id.
  const v1::Run* FindRun(const std::string& run_id) const;
  // Runs with a histogram, that of the newest first; only the last few.
  std::vector<const v1::Run*> NewestHistograms() const;

 private:
  void AddRun(const v1::Run& run);
  void ApplyState(const v1::RunStateChanged& change, const google::protobuf::Timestamp& time, v1::Run& run);
  void NoteHistogram(size_t index);
  void Recount();

  v1::Job job_;
  std::vector<v1::Run> runs_;
  std::map<std::string, size_t> index_;
  std::deque<size_t> histograms_;
};

// The run an event is about; empty when it is about the job.
std::string RunIdOf(const v1::Event& event);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_WATCH_STATE_H_
