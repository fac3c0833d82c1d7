// A state directory opened as skewd opens it, without a daemon, and what must hold of one at any time.
#ifndef SKEW_TESTS_TESTING_OPENED_STORE_H_
#define SKEW_TESTS_TESTING_OPENED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/artifact_store.h"
#include "server/store/backup.h"
#include "server/store/connections.h"
#include "server/store/disk_reserve.h"
#include "server/store/job_deletion.h"
#include "server/store/job_store.h"
#include "server/store/queue_store.h"
#include "server/store/removals.h"
#include "server/store/run_store.h"
#include "server/store/state_dir.h"
#include "tests/testing/fake_clock.h"

namespace skew {

struct OpenedStore {
  // Creates what is not there.
  static absl::StatusOr<std::unique_ptr<OpenedStore>> Open(const std::string& root);

  OpenedStore(StateDir folder, std::unique_ptr<Connections> opened)
      : state(std::move(folder)), connections(std::move(opened)) {}

  FakeClock clock;
  StateDir state;
  std::unique_ptr<Connections> connections;
  DiskReserve reserve{"/", 0};
  JobStore jobs{connections.get(), &clock};
  RunStore runs{connections.get(), &clock};
  QueueStore queue{connections.get(), &clock, absl::Hours(24)};
  ArtifactStore artifacts{connections.get(), &clock, state.Artifacts(), state.Quarantine()};
  Removals removals{connections.get(), &clock, state.root()};
  JobDeletion deletion{
      connections.get(), &removals, &clock, absl::Hours(24), {2, 1}};  // also of small jobs in portions
  Backups backups{connections.get(), &artifacts, &removals, &clock, &reserve, state.Backups()};
};

// What is wrong with a store: the database's own checks, whatever the rows say of each other twice, and artifacts whose
// file is missing or not whole. Empty for a store that a daemon could have left.
std::vector<std::string> ProblemsOf(OpenedStore& store);

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_OPENED_STORE_H_
