#include "server/store/access_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/api_token.h"

namespace skew {
namespace {

constexpr size_t kLongestName = 64;
constexpr absl::Duration kLongestLifetime = absl::Hours(24 * 3650);

bool IsUserName(absl::string_view name) {
  return !name.empty() && name.size() <= kLongestName && absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  absl::StrContains("._-@", absl::string_view(&c, 1));
         });
}

constexpr char kUserColumns[] = "SELECT name, role, disabled, create_time FROM users";

v1::User UserOf(const Statement& row) {
  v1::User user;
  user.set_name(row.Text(0));
  user.set_role(static_cast<v1::Role>(row.Int32(1)));
  user.set_disabled(row.Int(2) != 0);
  *user.mutable_create_time() = ToProto(row.Time(3));
  return user;
}

absl::StatusOr<std::optional<v1::User>> ReadUser(Database& db, absl::string_view name) {
  std::optional<v1::User> user;
  Statement row = db.Prepare(absl::StrCat(kUserColumns, " WHERE name = ?"));
  row.Bind(name);
  if (row.Step()) user = UserOf(row);
  SKEW_RETURN_IF_ERROR(row.status());
  return user;
}

absl::StatusOr<v1::User> MustReadUser(Database& db, absl::string_view name) {
  SKEW_ASSIGN_OR_RETURN(std::optional<v1::User> user, ReadUser(db, name));
  if (!user.has_value()) return absl::NotFoundError(absl::StrCat("there is no user '", name, "'"));
  return *std::move(user);
}

absl::Status InsertUser(WriteScope& scope, const v1::User& user) {
  return scope.db.Prepare("INSERT INTO users (name, role, create_time) VALUES (?, ?, ?)")
      .Bind(user.name())
      .Bind(user.role())
      .Bind(scope.now)
      .Run();
}

constexpr char kTokenColumns[] =
    "SELECT number, user, name, create_time, expire_time, last_use_time, revoke_time, parent, digest FROM tokens";

v1::Token TokenOf(const Statement& row) {
  v1::Token token;
  token.set_id(TokenId(row.Int(0)));
  token.set_user(row.Text(1));
  token.set_name(row.Text(2));
  *token.mutable_create_time() = ToProto(row.Time(3));
  *token.mutable_expire_time() = ToProto(row.Time(4));
  if (!row.IsNull(5)) *token.mutable_last_use_time() = ToProto(row.Time(5));
  if (!row.IsNull(6)) *token.mutable_revoke_time() = ToProto(row.Time(6));
  if (!row.IsNull(7)) token.set_parent_id(TokenId(row.Int(7)));
  return token;
}

absl::StatusOr<std::optional<StoredToken>> ReadToken(Database& db, int64_t number) {
  std::optional<StoredToken> stored;
  Statement row = db.Prepare(absl::StrCat(kTokenColumns, " WHERE number = ?"));
  row.Bind(number);
  if (row.Step()) stored = StoredToken{TokenOf(row), row.Text(8), {}};
  SKEW_RETURN_IF_ERROR(row.status());
  if (stored.has_value()) {
    SKEW_ASSIGN_OR_RETURN(stored->user, MustReadUser(db, stored->token.user()));
  }
  return stored;
}

// UNAUTHENTICATED when the token, if it is one, gives no access any more: that may have ended since the call was let
// in, and what is made with it now would not end with it.
absl::Status CheckStillGoesOn(WriteScope& scope, int64_t number) {
  if (number == 0) return absl::OkStatus();
  SKEW_ASSIGN_OR_RETURN(const std::optional<StoredToken> stored, ReadToken(scope.db, number));
  const std::string name = absl::StrCat("token ", TokenId(number));
  if (!stored.has_value()) return absl::UnauthenticatedError(absl::StrCat("there is no ", name));
  if (stored->token.has_revoke_time()) return absl::UnauthenticatedError(absl::StrCat(name, " was revoked"));
  if (FromProto(stored->token.expire_time()) <= scope.now) {
    return absl::UnauthenticatedError(absl::StrCat(name, " has expired"));
  }
  if (!stored->user.disabled()) return absl::OkStatus();
  return absl::UnauthenticatedError(absl::StrCat("user '", stored->user.name(), "' is disabled"));
}

// The token and those that were made with it, and with those. How many of them were not revoked before.
absl::StatusOr<int64_t> RevokeTree(WriteScope& scope, int64_t number) {
  Statement update = scope.db.Prepare(
      "WITH RECURSIVE made (number) AS (VALUES (?1) UNION "
      "SELECT tokens.number FROM tokens JOIN made ON tokens.parent = made.number) "
      "UPDATE tokens SET revoke_time = ?2 WHERE revoke_time IS NULL AND number IN (SELECT number FROM made) "
      "RETURNING number");
  update.Bind(number).Bind(scope.now);
  int64_t revoked = 0;
  while (update.Step()) ++revoked;
  SKEW_RETURN_IF_ERROR(update.status());
  return revoked;
}

absl::Status CheckNewToken(const NewToken& token, absl::Time now) {
  if (token.name.size() > kLongestName) {
    return InvalidField("name", absl::StrCat(token.name.size(), " bytes; at most ", kLongestName, " are accepted"));
  }
  if (token.expires <= now || token.expires > now + kLongestLifetime) {
    return InvalidField("lifetime", absl::StrCat("it would end in ", absl::FormatDuration(token.expires - now),
                                                 "; above 0 and at most 3650 days (87600h) are accepted"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AccessStore::EnsureAdmin(const std::string& name) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const std::optional<v1::User> user, ReadUser(scope.db, name));
    if (user.has_value()) return absl::OkStatus();
    v1::User admin;
    admin.set_name(name);
    admin.set_role(v1::ADMIN);
    SKEW_RETURN_IF_ERROR(InsertUser(scope, admin));
    return AppendAuditEvent(scope, {"skewd", "first start"}, "CreateUser", absl::StrCat("user ", name), "role ADMIN");
  });
}

absl::StatusOr<v1::User> AccessStore::CreateUser(const v1::CreateUserRequest& request, const Actor& actor) {
  if (!IsUserName(request.name())) {
    return InvalidField("name",
                        absl::StrCat("'", request.name(), "' is not 1 to 64 letters, digits and . _ - @, of which ",
                                     "the first is a letter or digit"));
  }
  v1::User user;
  user.set_name(request.name());
  user.set_role(request.role() == v1::ROLE_UNSPECIFIED ? v1::MEMBER : request.role());
  if (!v1::Role_IsValid(user.role())) return InvalidField("role", absl::StrCat(user.role(), " is not a role"));
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(CheckStillGoesOn(scope, actor.token));
    SKEW_ASSIGN_OR_RETURN(const std::optional<v1::User> existing, ReadUser(scope.db, user.name()));
    if (existing.has_value()) return absl::AlreadyExistsError(absl::StrCat("user '", user.name(), "' exists already"));
    SKEW_RETURN_IF_ERROR(InsertUser(scope, user));
    *user.mutable_create_time() = ToProto(scope.now);
    return AppendAuditEvent(scope, actor, "CreateUser", absl::StrCat("user ", user.name()),
                            absl::StrCat("role ", v1::Role_Name(user.role())));
  }));
  return user;
}

absl::StatusOr<v1::User> AccessStore::UpdateUser(const v1::UpdateUserRequest& request, const Actor& actor) {
  if (!v1::Role_IsValid(request.role())) return InvalidField("role", absl::StrCat(request.role(), " is not a role"));
  if (request.role() == v1::ROLE_UNSPECIFIED && !request.has_disabled()) {
    return InvalidField("role", "neither role nor disabled is given: there is nothing to change");
  }
  v1::User user;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_RETURN_IF_ERROR(CheckStillGoesOn(scope, actor.token));
    SKEW_ASSIGN_OR_RETURN(user, MustReadUser(scope.db, request.name()));
    std::vector<std::string> changes;
    if (request.role() != v1::ROLE_UNSPECIFIED) {
      user.set_role(request.role());
      changes.push_back(absl::StrCat("role ", v1::Role_Name(user.role())));
    }
    if (request.has_disabled()) {
      user.set_disabled(request.disabled());
      changes.emplace_back(user.disabled() ? "disabled" : "enabled");
    }
    SKEW_RETURN_IF_ERROR(scope.db.Prepare("UPDATE users SET role = ?, disabled = ? WHERE name = ?")
                             .Bind(user.role())
                             .Bind(int64_t{user.disabled()})
                             .Bind(user.name())
                             .Run());
    return AppendAuditEvent(scope, actor, "UpdateUser", absl::StrCat("user ", user.name()),
                            absl::StrJoin(changes, ", "));
  }));
  if (listener_) listener_();
  return user;
}

absl::StatusOr<std::vector<v1::User>> AccessStore::ListUsers() {
  std::vector<v1::User> users;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare(absl::StrCat(kUserColumns, " ORDER BY name"));
    while (row.Step()) users.push_back(UserOf(row));
    return row.status();
  }));
  return users;
}

absl::StatusOr<std::optional<v1::User>> AccessStore::FindUser(absl::string_view name) {
  std::optional<v1::User> user;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(user, ReadUser(db, name));
    return absl::OkStatus();
  }));
  return user;
}

absl::StatusOr<v1::CreateTokenResponse> AccessStore::CreateToken(const NewToken& token, const Actor& actor) {
  const absl::Time now = clock_->Now();
  SKEW_RETURN_IF_ERROR(CheckNewToken(token, now));
  ApiToken issued{0, RandomHex(32)};
  v1::CreateTokenResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Write(now, [&](WriteScope& scope) -> absl::Status {
    for (const int64_t made_with : {actor.token, token.parent}) {
      SKEW_RETURN_IF_ERROR(CheckStillGoesOn(scope, made_with));
    }
    SKEW_RETURN_IF_ERROR(MustReadUser(scope.db, token.user).status());
    Statement insert = scope.db.Prepare(
        "INSERT INTO tokens (user, name, digest, create_time, expire_time, parent) VALUES (?, ?, ?, ?, ?, ?)");
    insert.Bind(token.user).Bind(token.name).Bind(Sha256Hex(issued.secret)).Bind(scope.now).Bind(token.expires);
    token.parent == 0 ? insert.BindNull() : insert.Bind(token.parent);
    SKEW_RETURN_IF_ERROR(insert.Run());
    issued.number = scope.db.LastInsertedId();
    SKEW_ASSIGN_OR_RETURN(const std::optional<StoredToken> stored, ReadToken(scope.db, issued.number));
    *response.mutable_token() = stored->token;
    return AppendAuditEvent(scope, actor, "CreateToken", absl::StrCat("token ", TokenId(issued.number)),
                            absl::StrCat("of ", token.user));
  }));
  response.set_secret(issued.ToString());
  return response;
}

absl::StatusOr<std::vector<v1::Token>> AccessStore::ListTokens(absl::string_view user) {
  std::vector<v1::Token> tokens;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_RETURN_IF_ERROR(MustReadUser(db, user).status());
    Statement row = db.Prepare(absl::StrCat(kTokenColumns, " WHERE user = ? ORDER BY number DESC"));
    row.Bind(user);
    while (row.Step()) tokens.push_back(TokenOf(row));
    return row.status();
  }));
  return tokens;
}

absl::StatusOr<v1::Token> AccessStore::RevokeToken(int64_t number, const Actor& actor) {
  v1::Token token;
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(std::optional<StoredToken> stored, ReadToken(scope.db, number));
    if (!stored.has_value()) return absl::NotFoundError(absl::StrCat("there is no token ", TokenId(number)));
    SKEW_ASSIGN_OR_RETURN(const int64_t revoked, RevokeTree(scope, number));
    if (revoked == 0) {
      return absl::FailedPreconditionError(absl::StrCat("token ", TokenId(number), " was revoked before"));
    }
    token = std::move(stored->token);
    if (!token.has_revoke_time()) *token.mutable_revoke_time() = ToProto(scope.now);
    return AppendAuditEvent(scope, actor, "RevokeToken", absl::StrCat("token ", TokenId(number)),
                            absl::StrCat("of ", token.user()));
  }));
  if (listener_) listener_();
  return token;
}

absl::StatusOr<std::optional<StoredToken>> AccessStore::FindToken(int64_t number) {
  std::optional<StoredToken> stored;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(stored, ReadToken(db, number));
    return absl::OkStatus();
  }));
  return stored;
}

absl::Status AccessStore::RecordUses(const std::map<int64_t, absl::Time>& uses) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    for (const auto& [number, time] : uses) {
      SKEW_RETURN_IF_ERROR(
          scope.db.Prepare("UPDATE tokens SET last_use_time = ? WHERE number = ?").Bind(time).Bind(number).Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<v1::ListAuditEventsResponse> AccessStore::ListAuditEvents(const v1::ListAuditEventsRequest& request) {
  v1::ListAuditEventsResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(response, ReadAuditEvents(db, request));
    return absl::OkStatus();
  }));
  return response;
}

}  // namespace skew
