#include "server/jobs/queue_view.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "common/proto_time.h"
#include "common/run_state.h"
#include "common/status.h"
#include "server/jobs/queue_snapshot.h"
#include "server/store/run_shape.h"

namespace skew {
namespace {

constexpr absl::Duration kFresh = absl::Seconds(1);
// Of each user; what is beyond has a long time to wait, and no forecast.
constexpr size_t kForecastRowsPerUser = 500;
constexpr int32_t kMostStarts = 20'000;
// Numbers that no stored job has.
constexpr JobId kPreviewJob{std::numeric_limits<int64_t>::max()};
JobId PreviewTraining(size_t index) { return {kPreviewJob.number - 1 - static_cast<int64_t>(index)}; }

void SetTimes(absl::Time start, absl::Time end, v1::Outlook& outlook) {
  if (start != absl::InfiniteFuture()) *outlook.mutable_start_time() = ToProto(start);
  if (end != absl::InfiniteFuture()) *outlook.mutable_end_time() = ToProto(end);
}

// The rows that a new job would have in the queue, by their first runs.
std::vector<QueueRow> RowsOf(const NewJob& job, JobId id, absl::Time now) {
  RunShapes shapes(job.spec);
  std::map<int64_t, QueueRow> rows;
  int32_t number = 0;
  for (const v1::Run& run : job.runs) {
    QueueRow& row = rows[shapes.Of(run)];
    ++number;
    if (row.runs++ == 0) row.next_run = number;
  }
  std::vector<QueueRow> result;
  for (auto& [shape, row] : rows) {
    row.key = {id, shape, job.priority};
    row.paused = job.paused;
    row.waiting_since = now;
    row.need = job.need;
    result.push_back(std::move(row));
  }
  std::sort(result.begin(), result.end(), [](const QueueRow& a, const QueueRow& b) { return a.next_run < b.next_run; });
  return result;
}

QueueUser& UserIn(QueuePicture& picture, const std::string& name) {
  return *std::find_if(picture.users.begin(), picture.users.end(),
                       [&](const QueueUser& user) { return user.name == name; });
}

bool IsOpen(const QueuePicture& picture, JobId job) {
  const auto of_job = [job](const ActiveRow& run) { return run.run.job == job; };
  if (std::any_of(picture.active.begin(), picture.active.end(), of_job)) return true;
  return std::any_of(picture.users.begin(), picture.users.end(), [job](const QueueUser& user) {
    return std::any_of(user.rows.begin(), user.rows.end(), [job](const QueueRow& row) { return row.key.job == job; });
  });
}

void HoldJobs(const std::map<JobId, std::string>& held, FairShareSnapshot& snapshot) {
  for (FairShareUser& user : snapshot.users) {
    for (QueuedBatch& batch : user.batches) {
      if (const auto found = held.find(batch.job); found != held.end()) batch.held = found->second;
    }
  }
}

}  // namespace

std::shared_ptr<const QueueView::State> QueueView::Play(QueuePicture picture) const {
  auto state = std::make_shared<State>();
  const std::vector<DeviceSlots> devices = devices_->Slots();
  std::erase_if(picture.active, [&](const ActiveRow& run) {
    return std::none_of(devices.begin(), devices.end(), [&](const DeviceSlots& one) { return one.name == run.device; });
  });
  state->snapshot = SnapshotOf(picture, devices);
  if (const absl::Status room = reserve_->Check(); !room.ok()) {
    state->snapshot.disk_problem = std::string(room.message());
    // Nothing starts until somebody makes room, and nobody knows when.
    for (FairShareDevice& device : state->snapshot.devices) device.drained = true;
  }
  state->snapshot.start_problem = holds_->Why();
  HoldJobs(holds_->Jobs(), state->snapshot);
  state->forecast = PlayForward(state->snapshot, OptionsOf(picture, aged_after_), queue_->half_life(), kMostStarts);
  state->picture = std::move(picture);
  return state;
}

bool QueueView::Answers(int64_t revision, absl::Time asked) const {
  return newest_ != nullptr && newest_->picture.revision >= revision && asked - newest_->picture.time < kFresh;
}

absl::StatusOr<std::shared_ptr<const QueueView::State>> QueueView::Get(int64_t revision) {
  // Not what it is when a turn comes: however long a forecast takes, it is good for who has waited for it.
  const absl::Time asked = clock_->Now();
  {
    absl::MutexLock lock(&mutex_);
    const auto is_turn = [&] {
      mutex_.AssertHeld();
      return !playing_ || Answers(revision, asked);
    };
    mutex_.Await(absl::Condition(&is_turn));
    if (Answers(revision, asked)) return newest_;
    playing_ = true;
  }
  const absl::Cleanup end = [this] {
    absl::MutexLock lock(&mutex_);
    playing_ = false;
  };
  SKEW_ASSIGN_OR_RETURN(QueuePicture picture, queue_->ReadAll(static_cast<int>(kForecastRowsPerUser)));
  std::shared_ptr<const State> state = Play(std::move(picture));
  absl::MutexLock lock(&mutex_);
  newest_ = state;
  return state;
}

std::vector<QueueView::Place> QueueView::PlacesOf(const State& state, JobId job) {
  std::vector<Place> places;
  for (size_t user = 0; user < state.picture.users.size(); ++user) {
    const std::vector<QueueRow>& rows = state.picture.users[user].rows;
    for (size_t batch = 0; batch < rows.size(); ++batch) {
      if (rows[batch].key.job == job) places.push_back({user, batch});
    }
  }
  return places;
}

v1::Outlook QueueView::OutlookOf(const State& state, const Place& place, const RunForecast* run) {
  v1::Outlook outlook;
  const int32_t number = run == nullptr ? -1 : run->number;
  const WaitReason reason = ExplainWait(state.snapshot, state.forecast, place.user, place.batch, number);
  outlook.set_wait_cause(reason.cause);
  outlook.set_wait_reason(reason.text);
  if (run == nullptr) return outlook;
  outlook.set_runs_ahead(run->number);
  SetTimes(run->start, run->end, outlook);
  return outlook;
}

void QueueView::DescribeJob(const State& state, JobId id, v1::Job& job) {
  absl::Time end = absl::InfinitePast();
  bool active = false;
  for (size_t i = 0; i < state.picture.active.size(); ++i) {
    if (state.picture.active[i].run.job != id) continue;
    active = true;
    end = std::max(end, state.forecast.ends[i]);
  }
  std::optional<Place> first;
  const RunForecast* next = nullptr;
  for (const Place& place : PlacesOf(state, id)) {
    const std::vector<RunForecast>& runs = state.forecast.runs[place.user][place.batch];
    const bool complete = runs.size() == static_cast<size_t>(state.picture.users[place.user].rows[place.batch].runs);
    for (const RunForecast& run : runs) end = std::max(end, run.end);
    if (!complete) end = absl::InfiniteFuture();
    const bool earlier = !runs.empty() && (next == nullptr || runs.front().number < next->number);
    if (earlier) next = &runs.front();
    if (earlier || !first.has_value()) first = place;
  }
  if (!first.has_value() && !active) return;
  v1::Outlook outlook;
  if (first.has_value() && !active) outlook = OutlookOf(state, *first, next);
  outlook.clear_end_time();
  SetTimes(absl::InfiniteFuture(), end, outlook);
  *job.mutable_outlook() = std::move(outlook);
}

absl::Status QueueView::Describe(v1::Job& job) {
  if (IsTerminal(job.state())) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const JobId id, JobId::Parse(job.id()));
  SKEW_ASSIGN_OR_RETURN(const std::shared_ptr<const State> state, Get(job.revision()));
  DescribeJob(*state, id, job);
  return absl::OkStatus();
}

absl::Status QueueView::Describe(JobId job, int64_t revision, std::vector<v1::Run*> runs) {
  std::erase_if(runs, [](const v1::Run* run) { return IsTerminal(run->state()); });
  if (runs.empty()) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::shared_ptr<const State> state, Get(revision));
  for (size_t i = 0; i < state->picture.active.size(); ++i) {
    const std::string id = state->picture.active[i].run.ToString();
    for (v1::Run* run : runs) {
      if (run->id() == id) SetTimes(absl::InfiniteFuture(), state->forecast.ends[i], *run->mutable_outlook());
    }
  }
  SKEW_ASSIGN_OR_RETURN(const std::vector<QueuedRun> queued, queue_->ReadQueuedRuns(job));
  const std::vector<Place> places = PlacesOf(*state, job);
  std::map<std::string, v1::Run*> by_id;
  for (v1::Run* run : runs) by_id[run->id()] = run;
  std::vector<size_t> seen(places.size(), 0);  // runs of each place so far
  for (const QueuedRun& one : queued) {
    const auto place = std::find_if(places.begin(), places.end(), [&](const Place& candidate) {
      const QueueRow& row = state->picture.users[candidate.user].rows[candidate.batch];
      return row.key == one.key && row.paused == one.paused;
    });
    if (place == places.end()) continue;
    const size_t ordinal = seen[static_cast<size_t>(place - places.begin())]++;
    const auto run = by_id.find(RunId{job, one.number}.ToString());
    if (run == by_id.end()) continue;
    const std::vector<RunForecast>& forecast = state->forecast.runs[place->user][place->batch];
    *run->second->mutable_outlook() =
        OutlookOf(*state, *place, ordinal < forecast.size() ? &forecast[ordinal] : nullptr);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<QueueRow>> QueueView::AddTrainings(const std::vector<NewJob>& trainings, absl::Time now,
                                                              std::vector<QueueRow>& rows) {
  std::vector<QueueRow> more;
  for (size_t i = 0; i < trainings.size(); ++i) {
    SKEW_ASSIGN_OR_RETURN(const ClassifierState state, queue_->ReadClassifierState(trainings[i].classifier_key));
    if (state.trained) continue;
    for (QueueRow& row : rows) row.trainings.push_back(state.training.value_or(PreviewTraining(i)));
    if (state.training.has_value()) continue;
    for (QueueRow& row : RowsOf(trainings[i], PreviewTraining(i), now)) {
      row.awaited = true;
      more.push_back(std::move(row));
    }
  }
  return more;
}

absl::Status QueueView::DescribeSubmission(const NewJob& job, const std::vector<NewJob>& trainings, v1::Job& preview) {
  SKEW_ASSIGN_OR_RETURN(QueuePicture picture, queue_->ReadAll(static_cast<int>(kForecastRowsPerUser), job.owner));
  std::vector<QueueRow> rows = RowsOf(job, kPreviewJob, picture.time);
  const bool complete = rows.size() <= kForecastRowsPerUser;
  if (!complete) rows.resize(kForecastRowsPerUser);
  SKEW_ASSIGN_OR_RETURN(std::vector<QueueRow> more, AddTrainings(trainings, picture.time, rows));
  for (const JobId after : job.after) {
    if (!IsOpen(picture, after)) continue;
    for (QueueRow& row : rows) row.after.push_back(after);
  }
  more.insert(more.end(), rows.begin(), rows.end());
  QueueUser& owner = UserIn(picture, job.owner);
  owner.rows.insert(owner.rows.end(), more.begin(), more.end());
  SKEW_RETURN_IF_ERROR(queue_->AddLengths(more, picture));
  const std::shared_ptr<const State> state = Play(std::move(picture));
  DescribeJob(*state, kPreviewJob, preview);
  if (!complete) preview.mutable_outlook()->clear_end_time();
  if (preview.outlook().wait_cause() == v1::AFTER_CLASSIFIER) {
    preview.mutable_outlook()->set_wait_reason(job.more_judge_keys.empty() ? "its classifier is trained first"
                                                                           : "its judges are trained first");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::WaitingRuns> QueueView::DescribeWaiting(const State& state, const Place& place) {
  const QueueUser& user = state.picture.users[place.user];
  const QueueRow& row = user.rows[place.batch];
  const std::vector<RunForecast>& runs = state.forecast.runs[place.user][place.batch];
  v1::WaitingRuns waiting;
  const RunId next{row.key.job, row.next_run};
  SKEW_ASSIGN_OR_RETURN(const QueueStore::Names names, queue_->ReadNames(next));
  waiting.set_job_id(row.key.job.ToString());
  waiting.set_owner(user.name);
  waiting.set_job_name(names.job);
  waiting.set_run_id(next.ToString());
  waiting.set_model(names.model);
  waiting.set_priority(row.key.priority);
  waiting.set_runs(row.runs);
  *waiting.mutable_outlook() = OutlookOf(state, place, runs.empty() ? nullptr : &runs.front());
  waiting.mutable_outlook()->clear_end_time();
  if (runs.size() == static_cast<size_t>(row.runs)) {
    SetTimes(absl::InfiniteFuture(), runs.back().end, *waiting.mutable_outlook());
  }
  return waiting;
}

absl::StatusOr<v1::ActiveRun> QueueView::DescribeActive(const State& state, size_t index) {
  const ActiveRow& row = state.picture.active[index];
  SKEW_ASSIGN_OR_RETURN(const QueueStore::Names names, queue_->ReadNames(row.run));
  v1::ActiveRun run;
  run.set_run_id(row.run.ToString());
  run.set_owner(row.owner);
  run.set_job_name(names.job);
  run.set_model(names.model);
  run.set_state(row.state);
  run.set_device(row.device);
  *run.mutable_progress() = row.progress;
  *run.mutable_start_time() = ToProto(row.start_time);
  SetTimes(absl::InfiniteFuture(), state.forecast.ends[index], *run.mutable_outlook());
  return run;
}

absl::StatusOr<v1::GetQueueResponse> QueueView::Show(int max_waiting) {
  SKEW_ASSIGN_OR_RETURN(const int64_t revision, queue_->NewestRevision());
  SKEW_ASSIGN_OR_RETURN(const std::shared_ptr<const State> state, Get(revision));
  v1::GetQueueResponse response;
  *response.mutable_time() = ToProto(state->picture.time);
  for (v1::Device& device : devices_->List()) *response.add_devices() = std::move(device);
  for (size_t i = 0; i < state->picture.active.size(); ++i) {
    SKEW_ASSIGN_OR_RETURN(*response.add_active(), DescribeActive(*state, i));
  }
  std::sort(response.mutable_active()->begin(), response.mutable_active()->end(),
            [](const v1::ActiveRun& a, const v1::ActiveRun& b) { return a.device() < b.device(); });
  std::vector<std::pair<int32_t, Place>> order;
  for (size_t user = 0; user < state->picture.users.size(); ++user) {
    for (size_t batch = 0; batch < state->picture.users[user].rows.size(); ++batch) {
      const std::vector<RunForecast>& runs = state->forecast.runs[user][batch];
      order.push_back({runs.empty() ? std::numeric_limits<int32_t>::max() : runs.front().number, {user, batch}});
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (order.size() > static_cast<size_t>(max_waiting)) order.resize(static_cast<size_t>(max_waiting));
  for (const auto& [number, place] : order) {
    SKEW_ASSIGN_OR_RETURN(*response.add_waiting(), DescribeWaiting(*state, place));
  }
  SKEW_ASSIGN_OR_RETURN(const v1::ListSharesResponse shares, queue_->ListShares());
  for (const v1::Share& share : shares.shares()) {
    response.set_queued_runs(response.queued_runs() + share.queued_runs());
    if (share.queued_runs() + share.active_runs() > 0) *response.add_shares() = share;
  }
  return response;
}

}  // namespace skew
