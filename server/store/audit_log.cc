#include "server/store/audit_log.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/page_size.h"

namespace skew {
namespace {

constexpr char kEvents[] = "SELECT number, time, actor, credential, action, object, detail FROM audit_events";
constexpr char kNewestFirst[] = " ORDER BY number DESC";

// Newest first. Each filter goes through its own index.
Statement EventsBefore(Database& db, int64_t number, const v1::ListAuditEventsRequest& filter) {
  if (!filter.object().empty()) {
    Statement rows = db.Prepare(
        absl::StrCat(kEvents, " WHERE object = ?1 AND number < ?2 AND (?3 = '' OR actor = ?3)", kNewestFirst));
    rows.Bind(filter.object()).Bind(number).Bind(filter.actor());
    return rows;
  }
  if (!filter.actor().empty()) {
    Statement rows = db.Prepare(absl::StrCat(kEvents, " WHERE actor = ? AND number < ?", kNewestFirst));
    rows.Bind(filter.actor()).Bind(number);
    return rows;
  }
  Statement rows = db.Prepare(absl::StrCat(kEvents, " WHERE number < ?", kNewestFirst));
  rows.Bind(number);
  return rows;
}

}  // namespace

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
  SKEW_ASSIGN_OR_RETURN(const int limit, PageSize(request.page_size(), 100));
  int64_t before = std::numeric_limits<int64_t>::max();
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &before)) {
    return InvalidField("page_token", absl::StrCat("'", request.page_token(), "' is not a page of this list"));
  }
  Statement row = EventsBefore(db, before, request);
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
