#include "server/store/audit_log.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace skew {

absl::Status AppendAuditEvent(WriteScope& scope, const Actor& actor, absl::string_view action, absl::string_view object,
                              absl::string_view detail) {
  return scope.db
      .Prepare("INSERT INTO audit_events (time, actor, credential, action, object, detail) VALUES (?, ?, ?, ?, ?, ?)")
      .Bind(scope.now)
      .Bind(actor.user)
      .Bind(actor.credential)
      .Bind(action)
      .Bind(object)
      .Bind(detail)
      .Run();
}

absl::StatusOr<v1::ListAuditEventsResponse> ReadAuditEvents(Database& db, const v1::ListAuditEventsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > 1000) {
    return InvalidField("page_size", absl::StrCat(request.page_size(), " is not in 1..1000"));
  }
  const int limit = request.page_size() == 0 ? 100 : request.page_size();
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &before)) {
    return InvalidField("page_token", absl::StrCat("'", request.page_token(), "' is not a page of this list"));
  }
  Statement row = db.Prepare(
      "SELECT number, time, actor, credential, action, object, detail FROM audit_events "
      "WHERE number < ?1 AND (?2 = '' OR actor = ?2) AND (?3 = '' OR object = ?3) ORDER BY number DESC");
  row.Bind(before).Bind(request.actor()).Bind(request.object());
  v1::ListAuditEventsResponse response;
  while (row.Step()) {
    if (response.events_size() == limit) {
      response.set_next_page_token(absl::StrCat(response.events().rbegin()->number()));
      return response;
    }
    v1::AuditEvent& event = *response.add_events();
    event.set_number(row.Int(0));
    *event.mutable_time() = ToProto(row.Time(1));
    event.set_actor(row.Text(2));
    event.set_credential(row.Text(3));
    event.set_action(row.Text(4));
    event.set_object(row.Text(5));
    event.set_detail(row.Text(6));
  }
  SKEW_RETURN_IF_ERROR(row.status());
  return response;
}

}  // namespace skew
