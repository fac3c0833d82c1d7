// Artifacts' content that is not what it was: named, put aside, and given to nobody.
//
// The row comes first, then the file is moved: from the row on nobody reads the content, whether its file has been
// moved or not. It comes out the other way round: the whole file is in its place before the row goes.
#ifndef SKEW_SERVER_STORE_QUARANTINE_H_
#define SKEW_SERVER_STORE_QUARANTINE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "server/store/connections.h"
#include "skew/v1/admin_service.pb.h"

namespace skew {

// Thread-safe.
class Quarantine {
 public:
  // `folder` exists and is on the file system of the artifacts.
  Quarantine(Connections* connections, Clock* clock, std::string folder)
      : connections_(connections), clock_(clock), folder_(std::move(folder)) {}

  // Notes the problem of the content with this digest and moves the file at `path`, if there is one, into the folder.
  // NOT_FOUND, and nothing was done, when no artifact has it (any more): then nothing is missing.
  absl::Status Take(const std::string& digest, const std::string& path, const std::string& problem);
  // For content that is in its place again.
  absl::Status Release(const std::string& digest);
  absl::StatusOr<bool> Has(const std::string& digest);

  // By digest, each with the artifacts that it is of.
  absl::StatusOr<v1::ListQuarantineResponse> List();

 private:
  Connections* const connections_;
  Clock* const clock_;
  const std::string folder_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_QUARANTINE_H_
