// The methods of Client about users, tokens and audit events.
#include <algorithm>

#include "client/client_stubs.h"

namespace skew {

using Access = v1::AccessService::Stub;

absl::StatusOr<v1::WhoAmIResponse> Client::WhoAmI() {
  return Call<Access, v1::WhoAmIResponse>(stubs_->access, &Access::WhoAmI, v1::WhoAmIRequest());
}

absl::StatusOr<v1::User> Client::CreateUser(const v1::CreateUserRequest& request) {
  return Call<Access, v1::User>(stubs_->access, &Access::CreateUser, request);
}

absl::StatusOr<std::vector<v1::User>> Client::ListUsers() {
  SKEW_ASSIGN_OR_RETURN(const auto response, (Call<Access, v1::ListUsersResponse>(stubs_->access, &Access::ListUsers,
                                                                                  v1::ListUsersRequest())));
  return std::vector<v1::User>(response.users().begin(), response.users().end());
}

absl::StatusOr<v1::User> Client::UpdateUser(const v1::UpdateUserRequest& request) {
  return Call<Access, v1::User>(stubs_->access, &Access::UpdateUser, request);
}

absl::StatusOr<v1::CreateTokenResponse> Client::CreateToken(const v1::CreateTokenRequest& request) {
  return Call<Access, v1::CreateTokenResponse>(stubs_->access, &Access::CreateToken, request);
}

absl::StatusOr<std::vector<v1::Token>> Client::ListTokens(const std::string& user) {
  v1::ListTokensRequest request;
  request.set_user(user);
  SKEW_ASSIGN_OR_RETURN(const auto response,
                        (Call<Access, v1::ListTokensResponse>(stubs_->access, &Access::ListTokens, request)));
  return std::vector<v1::Token>(response.tokens().begin(), response.tokens().end());
}

absl::StatusOr<v1::Token> Client::RevokeToken(const std::string& token_id) {
  v1::RevokeTokenRequest request;
  request.set_token_id(token_id);
  return Call<Access, v1::Token>(stubs_->access, &Access::RevokeToken, request);
}

absl::StatusOr<std::vector<v1::AuditEvent>> Client::ListAuditEvents(v1::ListAuditEventsRequest request, size_t limit) {
  constexpr size_t kPage = 1000;
  std::vector<v1::AuditEvent> events;
  request.clear_page_token();
  do {
    request.set_page_size(static_cast<int32_t>(std::min(limit - events.size(), kPage)));
    SKEW_ASSIGN_OR_RETURN(const auto page, (Call<Access, v1::ListAuditEventsResponse>(
                                               stubs_->access, &Access::ListAuditEvents, request)));
    events.insert(events.end(), page.events().begin(), page.events().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && events.size() < limit);
  return events;
}

}  // namespace skew
