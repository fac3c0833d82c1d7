// A real store in a temporary folder, without a daemon.
#ifndef SKEW_TESTS_TESTING_TEST_STORE_H_
#define SKEW_TESTS_TESTING_TEST_STORE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "server/store/access_store.h"
#include "server/store/artifact_store.h"
#include "server/store/connections.h"
#include "server/store/event_log.h"
#include "server/store/job_deletion.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "server/store/removals.h"
#include "server/store/reuse_store.h"
#include "server/store/run_store.h"
#include "tests/testing/temp_folder.h"

namespace skew {

class TestStore {
 public:
  // `prepare` may make the database that it opens: it gets the path.
  explicit TestStore(const std::function<void(const std::string&)>& prepare = nullptr);

  // A job of `runs` runs, whose judge is the classifier "key".
  static NewJob Study(int runs, const std::string& owner = "ada",
                      const std::map<std::string, std::string>& labels = {});
  // The training of that classifier.
  static NewJob Training(const std::string& owner = "ada");

  // Who makes the changes.
  static Actor Ada() { return {"ada", "login ada"}; }

  // Stores a study (and, before the first, the trainings of its classifiers); a failure fails the test.
  JobId MustSubmit(const NewJob& job);
  // Starts the first run that may start on cpu0; empty when none may. A failure fails the test.
  std::optional<Claim> ClaimNext(const std::string& token_digest);
  // Executes SQL in one write; a failure fails the test.
  void MustExecute(const std::string& sql);
  // The first column of the first row.
  int64_t MustRead(const std::string& sql);

  Connections& connections() { return *connections_; }
  JobStore& jobs() { return *jobs_; }
  RunStore& runs() { return *runs_; }
  QueueStore& queue() { return *queue_; }
  EventLog& events() { return *events_; }
  ArtifactStore& artifacts() { return *artifacts_; }
  Removals& removals() { return *removals_; }
  // Which keeps deleted jobs for a week.
  JobDeletion& deletion() { return *deletion_; }
  AccessStore& access() { return *access_; }
  ReuseStore& reuse() { return *reuse_; }
  std::string database() const { return folder_ + "/skew.db"; }
  const std::string& folder() const { return folder_; }

 private:
  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  RealClock clock_;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<JobStore> jobs_;
  std::unique_ptr<RunStore> runs_;
  std::unique_ptr<QueueStore> queue_;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<ArtifactStore> artifacts_;
  std::unique_ptr<Removals> removals_;
  std::unique_ptr<JobDeletion> deletion_;
  std::unique_ptr<AccessStore> access_;
  std::unique_ptr<ReuseStore> reuse_;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_TEST_STORE_H_
