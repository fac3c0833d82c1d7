// The handler of a call that changes one job or one run.
#ifndef SKEW_SERVER_API_CHANGED_H_
#define SKEW_SERVER_API_CHANGED_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_gate.h"
#include "server/api/respond.h"
#include "server/jobs/scheduler.h"

namespace skew {

// Lets the caller in, changes what `id` names with `change(Id, Actor)`, answers with what that returns and lets the
// scheduler see to it.
template <typename Id, typename Record, typename Change>
grpc::Status RespondChanged(AccessGate& gate, Scheduler& scheduler, const grpc::ServerContextBase& context,
                            const google::protobuf::Message& request, const std::string& id, Record& response,
                            Change change) {
  const absl::StatusOr<Caller> caller = gate.Admit(context, request);
  if (!caller.ok()) return ToGrpc(caller.status());
  const absl::StatusOr<Id> parsed = Id::Parse(id);
  if (!parsed.ok()) return ToGrpc(parsed.status());
  absl::StatusOr<Record> changed = change(*parsed, caller->AsActor());
  // What is changed in portions may be so in part.
  if (changed.ok() || MayPass(changed.status())) scheduler.Wake();
  return Respond(std::move(changed), response);
}

}  // namespace skew

#endif  // SKEW_SERVER_API_CHANGED_H_
