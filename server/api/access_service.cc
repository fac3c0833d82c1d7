#include "server/api/access_service.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/api/local_peer.h"
#include "server/api/respond.h"
#include "server/store/api_token.h"

namespace skew {
namespace {

constexpr absl::Duration kDefaultLifetime = absl::Hours(24 * 90);

}  // namespace

grpc::Status AccessService::WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                                   v1::WhoAmIResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  response->set_user(caller->user);
  response->set_role(caller->role);
  response->set_credential(caller->credential);
  if (caller->expires != absl::InfiniteFuture()) *response->mutable_expire_time() = ToProto(caller->expires);
  return grpc::Status::OK;
}

grpc::Status AccessService::CreateUser(grpc::ServerContext* context, const v1::CreateUserRequest* request,
                                       v1::User* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(store_->CreateUser(*request, caller->AsActor()), *response);
}

grpc::Status AccessService::ListUsers(grpc::ServerContext* context, const v1::ListUsersRequest* request,
                                      v1::ListUsersResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<std::vector<v1::User>> users = store_->ListUsers();
  if (!users.ok()) return ToGrpc(users.status());
  response->mutable_users()->Assign(users->begin(), users->end());
  return grpc::Status::OK;
}

grpc::Status AccessService::UpdateUser(grpc::ServerContext* context, const v1::UpdateUserRequest* request,
                                       v1::User* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const bool demotes = request->disabled() || (request->role() != v1::ROLE_UNSPECIFIED && request->role() != v1::ADMIN);
  if (demotes && request->name() == LoginOf(geteuid())) {
    return ToGrpc(absl::FailedPreconditionError(
        absl::StrCat("user '", request->name(), "' runs the server and stays its admin; its tokens can be revoked")));
  }
  return Respond(store_->UpdateUser(*request, caller->AsActor()), *response);
}

grpc::Status AccessService::CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                                        v1::CreateTokenResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::Duration lifetime = request->has_lifetime() ? FromProto(request->lifetime()) : kDefaultLifetime;
  NewToken token{.user = request->user().empty() ? caller->user : request->user(),
                 .name = request->name(),
                 .expires = clock_->Now() + lifetime};
  if (token.user == caller->user && caller->token != 0) {
    token.parent = caller->token;
    token.expires = std::min(token.expires, caller->expires);
  }
  return Respond(store_->CreateToken(token, caller->AsActor()), *response);
}

grpc::Status AccessService::ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                                       v1::ListTokensResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<std::vector<v1::Token>> tokens =
      store_->ListTokens(request->user().empty() ? caller->user : request->user());
  if (!tokens.ok()) return ToGrpc(tokens.status());
  response->mutable_tokens()->Assign(tokens->begin(), tokens->end());
  return grpc::Status::OK;
}

grpc::Status AccessService::RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                                        v1::Token* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<int64_t> number = ParseTokenId(request->token_id());
  if (!number.ok()) return ToGrpc(number.status());
  return Respond(store_->RevokeToken(*number, caller->AsActor()), *response);
}

grpc::Status AccessService::ListAuditEvents(grpc::ServerContext* context, const v1::ListAuditEventsRequest* request,
                                            v1::ListAuditEventsResponse* response) {
  const absl::StatusOr<Caller> caller = gate_->Admit(*context, *request);
  if (!caller.ok()) return ToGrpc(caller.status());
  return Respond(store_->ListAuditEvents(*request), *response);
}

}  // namespace skew
