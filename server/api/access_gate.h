// The one door into the API: every handler goes through it first.
#ifndef SKEW_SERVER_API_ACCESS_GATE_H_
#define SKEW_SERVER_API_ACCESS_GATE_H_

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"
#include "server/api/access_rules.h"
#include "server/api/caller.h"
#include "server/api/listener.h"
#include "server/api/open_streams.h"
#include "server/api/request_rate.h"
#include "server/store/access_store.h"
#include "server/store/job_store.h"

namespace skew {

// Finds out who calls (see access_service.proto), whether that user may, and when a stream's right to go on ends.
// Thread-safe.
class AccessGate {
 public:
  // Borrowed; they outlive the gate. `uid` is the login that runs the server. `on_end` is told when callers' access may
  // have ended, so that streams ask Recheck; it is called on the thread of the change, or the gate's own.
  AccessGate(AccessStore* store, JobStore* jobs, const Listener* listener, RequestRate* rate, OpenStreams* calls,
             Clock* clock, uid_t uid, std::function<void()> on_end);
  // Writes down when tokens were last used.
  ~AccessGate();
  AccessGate(const AccessGate&) = delete;
  AccessGate& operator=(const AccessGate&) = delete;

  // The caller, if the rule of the method with this type of request lets the call in. UNAUTHENTICATED,
  // PERMISSION_DENIED; RESOURCE_EXHAUSTED, with when to try again, for a user (or a peer that is not authenticated) who
  // calls too often (see RequestRate) or has too many calls at work (see OpenStreams; streams are counted by whoever
  // opens them); NOT_FOUND and INVALID_ARGUMENT when the rule asks for the owner of a job or token that is not there or
  // an id that is none; INTERNAL when there is no rule: nobody gets in.
  absl::StatusOr<Caller> Admit(const grpc::ServerContextBase& context, const google::protobuf::Message& request);

  // Whether a caller that was let in may go on: UNAUTHENTICATED when the credential has expired or was revoked, or the
  // user was disabled. Quick unless something changed. `on_end` will be called when the credential expires.
  absl::Status Recheck(Caller& caller);

 private:
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context);
  // What peers that are no users are told apart by.
  std::string DescribePeer(const grpc::ServerContextBase& context) const;
  absl::StatusOr<Caller> AuthenticateToken(absl::string_view authorization);
  absl::StatusOr<Caller> AuthenticateLogin(const LocalPeer& peer);
  absl::StatusOr<Caller> AuthenticateCertificate(const grpc::AuthContext& peer);
  absl::Status Authorize(const AccessRule& rule, const Caller& caller, const google::protobuf::Message& request);
  absl::StatusOr<std::string> SubjectOf(const google::protobuf::Message& request);
  absl::Status CheckTimes(const v1::Token& token);
  absl::Status CheckExpiry(const Caller& caller) const;
  void NoteUse(const Caller& caller);

  void Loop();
  absl::Time NextWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return std::min(next_expiry_, next_flush_); }
  bool MustWake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || NextWork() < awaited_; }
  void FlushUses();

  AccessStore* const store_;
  JobStore* const jobs_;
  const Listener* const listener_;
  RequestRate* const rate_;
  OpenStreams* const calls_;
  Clock* const clock_;
  const uid_t uid_;
  const std::function<void()> on_end_;
  struct Method {
    const AccessRule* rule;
    bool is_stream;
  };
  std::unordered_map<const google::protobuf::Descriptor*, Method> methods_;  // by type of request

  std::atomic<int64_t> version_ = 1;  // of the access tables

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time next_expiry_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();  // of those that were rechecked
  absl::Time next_flush_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  absl::Time awaited_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();  // what the thread sleeps for
  std::map<int64_t, absl::Time> uses_ ABSL_GUARDED_BY(mutex_);           // token -> last use that is not stored yet
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_SERVER_API_ACCESS_GATE_H_
