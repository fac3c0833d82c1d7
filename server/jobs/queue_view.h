// The queue as users see it: why something waits, when it should start and end.
#ifndef SKEW_SERVER_JOBS_QUEUE_VIEW_H_
#define SKEW_SERVER_JOBS_QUEUE_VIEW_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/ids.h"
#include "server/jobs/device_ledger.h"
#include "server/jobs/forecast.h"
#include "server/jobs/start_holds.h"
#include "server/store/disk_reserve.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/queue_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Plays the policy forward on what the store has. A forecast is used again for a second, unless what is asked for has
// changed since; one is made at a time, for all who wait for it. Thread-safe.
class QueueView {
 public:
  // Borrowed; they outlive this object. `aged_after` as in FairShareOptions.
  QueueView(QueueStore* queue, const DeviceLedger* devices, const DiskReserve* reserve, const StartHolds* holds,
            Clock* clock, absl::Duration aged_after)
      : queue_(queue), devices_(devices), reserve_(reserve), holds_(holds), clock_(clock), aged_after_(aged_after) {}

  // Fill in what is to be expected of a job, or of runs of one job, that have not ended.
  absl::Status Describe(v1::Job& job);
  absl::Status Describe(JobId job, int64_t revision, std::vector<v1::Run*> runs);

  // The same for a job that is not stored: as if it and those of the trainings whose classifiers are not there were
  // submitted now. Of a job with very many kinds of runs it is not known when it ends.
  absl::Status DescribeSubmission(const NewJob& job, const std::vector<NewJob>& trainings, v1::Job& preview);

  absl::StatusOr<v1::GetQueueResponse> Show(int max_waiting);

 private:
  // A forecast and what it rests on; users and batches of the three are in the same order.
  struct State {
    QueuePicture picture;
    FairShareSnapshot snapshot;
    Forecast forecast;
  };
  struct Place {
    size_t user = 0;
    size_t batch = 0;
  };

  // A forecast that knows of all changes up to `revision`.
  absl::StatusOr<std::shared_ptr<const State>> Get(int64_t revision);
  // Whether the newest one is such a one, and fresh.
  bool Answers(int64_t revision, absl::Time asked) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const State> Play(QueuePicture picture) const;
  static std::vector<Place> PlacesOf(const State& state, JobId job);
  static void DescribeJob(const State& state, JobId id, v1::Job& job);
  static v1::Outlook OutlookOf(const State& state, const Place& place, const RunForecast* run);
  // Has the rows of a job wait for the trainings that are not done; those of them that nobody has begun, as rows.
  absl::StatusOr<std::vector<QueueRow>> AddTrainings(const std::vector<NewJob>& trainings, absl::Time now,
                                                     std::vector<QueueRow>& rows);
  absl::StatusOr<v1::WaitingRuns> DescribeWaiting(const State& state, const Place& place);
  absl::StatusOr<v1::ActiveRun> DescribeActive(const State& state, size_t index);

  QueueStore* const queue_;
  const DeviceLedger* const devices_;
  const DiskReserve* const reserve_;
  const StartHolds* const holds_;
  Clock* const clock_;
  const absl::Duration aged_after_;
  absl::Mutex mutex_;  // not held across SQL
  std::shared_ptr<const State> newest_ ABSL_GUARDED_BY(mutex_);
  bool playing_ ABSL_GUARDED_BY(mutex_) = false;  // somebody makes a newer one
};

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_QUEUE_VIEW_H_
