// Reading the queue, on an open snapshot.
#ifndef SKEW_SERVER_STORE_QUEUE_PICTURE_H_
#define SKEW_SERVER_STORE_QUEUE_PICTURE_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/queue_store.h"
#include "server/store/sqlite.h"

namespace skew {

absl::StatusOr<QueuePicture> ReadQueuePicture(Database& db, absl::Time now, absl::Duration half_life,
                                              const QueueRowsWanted& wanted);

// See QueueStore::AddLengths.
absl::Status ReadLengths(Database& db, const std::set<int64_t>& shapes, QueuePicture& picture);

// Shares, use and numbers of runs of the users of a picture and of everybody who has a row of his own, by name.
absl::StatusOr<std::vector<v1::Share>> ReadShares(Database& db, absl::Time now, absl::Duration half_life);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_QUEUE_PICTURE_H_
