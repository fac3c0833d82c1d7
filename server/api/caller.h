// Who called.
#ifndef SKEW_SERVER_API_CALLER_H_
#define SKEW_SERVER_API_CALLER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/api/open_streams.h"
#include "server/store/audit_log.h"
#include "skew/v1/access_service.pb.h"

namespace skew {

// A user that was authenticated. Only an AccessGate makes one.
struct Caller {
  std::string user;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::string credential;    // what the user was recognised by, e.g. "token t3 (laptop)"
  int64_t token = 0;         // number of the token; 0: another credential
  bool runs_server = false;  // the login that runs the server, or root: an admin whatever the table says
  absl::Time expires = absl::InfiniteFuture();  // of the credential
  int64_t version = 0;                          // of the access tables when this was found out
  std::shared_ptr<const OpenStreams::Place> place =
      nullptr;  // among the calls at work, while this is there; none of streams

  Actor AsActor() const { return {user, credential, token}; }
};

}  // namespace skew

#endif  // SKEW_SERVER_API_CALLER_H_
