// What each method of the API asks of its caller: the one table of permissions.
#ifndef SKEW_SERVER_API_ACCESS_RULES_H_
#define SKEW_SERVER_API_ACCESS_RULES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace skew {

enum class Need {
  kViewer,    // any user
  kSelf,      // any user about that user: the request's `user` or the owner of its `token_id`; admins about anybody
  kMember,    // members and admins
  kJobOwner,  // members whose job it is: the job of the request's `job_id` or `run_id`; admins for every job
  kAdmin,
};

struct AccessRule {
  absl::string_view method;  // full name, e.g. "skew.v1.JobService.GetJob"
  Need need;
  bool changes;  // an audit event is stored when it succeeds
};

absl::Span<const AccessRule> AccessRules();

}  // namespace skew

#endif  // SKEW_SERVER_API_ACCESS_RULES_H_
