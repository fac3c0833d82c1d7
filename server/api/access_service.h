// skew.v1.AccessService; semantics in access_service.proto.
#ifndef SKEW_SERVER_API_ACCESS_SERVICE_H_
#define SKEW_SERVER_API_ACCESS_SERVICE_H_

#include "common/clock.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/store/access_store.h"
#include "skew/v1/access_service.grpc.pb.h"

namespace skew {

// Thread-safe.
class AccessService final : public v1::AccessService::Service {
 public:
  // Borrowed; they outlive the server.
  AccessService(AccessGate* gate, AccessStore* store, Clock* clock) : gate_(gate), store_(store), clock_(clock) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                      v1::WhoAmIResponse* response) override;
  grpc::Status CreateUser(grpc::ServerContext* context, const v1::CreateUserRequest* request,
                          v1::User* response) override;
  grpc::Status ListUsers(grpc::ServerContext* context, const v1::ListUsersRequest* request,
                         v1::ListUsersResponse* response) override;
  grpc::Status UpdateUser(grpc::ServerContext* context, const v1::UpdateUserRequest* request,
                          v1::User* response) override;
  grpc::Status CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                           v1::CreateTokenResponse* response) override;
  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensResponse* response) override;
  grpc::Status RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                           v1::Token* response) override;
  grpc::Status ListAuditEvents(grpc::ServerContext* context, const v1::ListAuditEventsRequest* request,
                               v1::ListAuditEventsResponse* response) override;

 private:
  AccessGate* const gate_;
  AccessStore* const store_;
  Clock* const clock_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_ACCESS_SERVICE_H_
