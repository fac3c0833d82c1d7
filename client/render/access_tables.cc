#include "client/render/access_tables.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/render/cells.h"

namespace skew {
namespace {

std::string RoleName(v1::Role role) { return absl::AsciiStrToLower(v1::Role_Name(role)); }

}  // namespace

Table WhoAmITable(absl::Span<const v1::WhoAmIResponse> callers) {
  Table table({{"user", "user"}, {"role", "role"}, {"recognised by", "credential"}, {"expires (UTC)", "expires"}});
  for (const v1::WhoAmIResponse& caller : callers) {
    table.AddRow({caller.user(), RoleName(caller.role()), caller.credential(),
                  TimeCell(caller.has_expire_time(), caller.expire_time())});
  }
  return table;
}

Table UserTable(absl::Span<const v1::User> users) {
  Table table({{"user", "user"}, {"role", "role"}, {"disabled", "disabled"}, {"created (UTC)", "created"}});
  for (const v1::User& user : users) {
    table.AddRow({user.name(),
                  RoleName(user.role()),
                  {user.disabled() ? "yes" : "-", user.disabled() ? "true" : "false"},
                  TimeCell(user.has_create_time(), user.create_time())});
  }
  return table;
}

Table TokenTable(absl::Span<const v1::Token> tokens) {
  Table table({{"token", "token"},
               {"user", "user"},
               {"name", "name"},
               {"created (UTC)", "created"},
               {"expires (UTC)", "expires"},
               {"last use (UTC)", "last_use"},
               {"revoked (UTC)", "revoked"},
               {"made with", "parent"}});
  for (const v1::Token& token : tokens) {
    table.AddRow({token.id(), token.user(), OrDash(token.name()), TimeCell(true, token.create_time()),
                  TimeCell(true, token.expire_time()), TimeCell(token.has_last_use_time(), token.last_use_time()),
                  TimeCell(token.has_revoke_time(), token.revoke_time()), OrDash(token.parent_id())});
  }
  return table;
}

Table NewTokenTable(absl::Span<const v1::CreateTokenResponse> tokens) {
  Table table({{"token", "token"}, {"user", "user"}, {"secret", "secret"}, {"expires (UTC)", "expires"}});
  for (const v1::CreateTokenResponse& one : tokens) {
    table.AddRow({one.token().id(), one.token().user(), one.secret(), TimeCell(true, one.token().expire_time())});
  }
  return table;
}

Table AuditTable(absl::Span<const v1::AuditEvent> events) {
  Table table({{"", "number"},
               {"time (UTC)", "time"},
               {"actor", "actor"},
               {"recognised by", "credential"},
               {"action", "action"},
               {"object", "object"},
               {"detail", "detail"}});
  for (const v1::AuditEvent& event : events) {
    table.AddRow({absl::StrCat(event.number()), TimeCell(true, event.time()), event.actor(), event.credential(),
                  event.action(), event.object(), OrDash(event.detail())});
  }
  return table;
}

}  // namespace skew
