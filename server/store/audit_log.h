// The audit log: who changed what.
#ifndef SKEW_SERVER_STORE_AUDIT_LOG_H_
#define SKEW_SERVER_STORE_AUDIT_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/connections.h"
#include "skew/v1/access_service.pb.h"

namespace skew {

// Who makes a change, and what that user was recognised by ("token t3 (laptop)").
struct Actor {
  std::string user;
  std::string credential;
  int64_t token = 0;  // its number; 0: another credential
};

// Adds an event to the transaction of the change itself: both are on disk, or neither.
absl::Status AppendAuditEvent(WriteScope& scope, const Actor& actor, absl::string_view action, absl::string_view object,
                              absl::string_view detail = "");

// See AccessService.ListAuditEvents. INVALID_ARGUMENT for a page size out of 1..1000 or a page token that is none.
absl::StatusOr<v1::ListAuditEventsResponse> ReadAuditEvents(Database& db, const v1::ListAuditEventsRequest& request);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_AUDIT_LOG_H_
