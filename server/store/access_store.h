// Users and API tokens.
#ifndef SKEW_SERVER_STORE_ACCESS_STORE_H_
#define SKEW_SERVER_STORE_ACCESS_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "skew/v1/access_service.pb.h"

namespace skew {

struct NewToken {
  std::string user;
  std::string name;
  absl::Time expires;
  int64_t parent = 0;  // number of the token it is made with; 0: none
};

// A token with what it takes to verify it.
struct StoredToken {
  v1::Token token;
  std::string digest;  // SHA-256 of the secret
  v1::User user;
};

// Every change is stored with its audit event, in one transaction. Those that give access are UNAUTHENTICATED when the
// actor's token, or the one that a token is made with, gives none any more. Thread-safe.
class AccessStore {
 public:
  AccessStore(Connections* connections, Clock* clock) : connections_(connections), clock_(clock) {}

  // Told after every change that may end somebody's access. Must be set before the first one.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }

  // Makes `name` an admin unless there is such a user.
  absl::Status EnsureAdmin(const std::string& name);

  // INVALID_ARGUMENT: no name for a user; ALREADY_EXISTS.
  absl::StatusOr<v1::User> CreateUser(const v1::CreateUserRequest& request, const Actor& actor);
  // NOT_FOUND; INVALID_ARGUMENT when nothing is to be changed.
  absl::StatusOr<v1::User> UpdateUser(const v1::UpdateUserRequest& request, const Actor& actor);
  absl::StatusOr<std::vector<v1::User>> ListUsers();
  // Absent when there is none.
  absl::StatusOr<std::optional<v1::User>> FindUser(absl::string_view name);

  // The answer's secret is nowhere else. NOT_FOUND: no such user. INVALID_ARGUMENT: a name that is too long, or a
  // lifetime out of range.
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const NewToken& token, const Actor& actor);
  absl::StatusOr<std::vector<v1::Token>> ListTokens(absl::string_view user);
  // See AccessService.RevokeToken. NOT_FOUND, FAILED_PRECONDITION.
  absl::StatusOr<v1::Token> RevokeToken(int64_t number, const Actor& actor);
  // Absent when there is none.
  absl::StatusOr<std::optional<StoredToken>> FindToken(int64_t number);

  // Token number -> when it was last used.
  absl::Status RecordUses(const std::map<int64_t, absl::Time>& uses);

  absl::StatusOr<v1::ListAuditEventsResponse> ListAuditEvents(const v1::ListAuditEventsRequest& request);

 private:
  Connections* const connections_;
  Clock* const clock_;
  std::function<void()> listener_;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_ACCESS_STORE_H_
