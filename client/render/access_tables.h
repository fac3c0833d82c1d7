// What the commands about users, tokens and audit events show.
#ifndef SKEW_CLIENT_RENDER_ACCESS_TABLES_H_
#define SKEW_CLIENT_RENDER_ACCESS_TABLES_H_

#include "absl/types/span.h"
#include "client/render/table.h"
#include "skew/v1/access_service.pb.h"

namespace skew {

Table WhoAmITable(absl::Span<const v1::WhoAmIResponse> callers);
Table UserTable(absl::Span<const v1::User> users);
Table TokenTable(absl::Span<const v1::Token> tokens);
// With the secrets: they are shown this once.
Table NewTokenTable(absl::Span<const v1::CreateTokenResponse> tokens);
Table AuditTable(absl::Span<const v1::AuditEvent> events);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_ACCESS_TABLES_H_
