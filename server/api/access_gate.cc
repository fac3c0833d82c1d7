#include "server/api/access_gate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/digest.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "grpc/grpc_security_constants.h"
#include "server/api/tls.h"
#include "server/store/api_token.h"
#include "spdlog/spdlog.h"

namespace skew {
namespace {

using google::protobuf::Message;

constexpr absl::Duration kUsesAreKept = absl::Minutes(1);
constexpr char kWrongToken[] = "the token is not valid";

// A text field of the request; empty when it has none of this name.
std::string TextField(const Message& request, const char* name) {
  const google::protobuf::FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) return "";
  return request.GetReflection()->GetString(request, field);
}

// The job that the request's job_id or run_id names.
absl::StatusOr<JobId> JobOf(const Message& request) {
  if (request.GetDescriptor()->FindFieldByName("run_id") == nullptr) return JobId::Parse(TextField(request, "job_id"));
  SKEW_ASSIGN_OR_RETURN(const RunId run, RunId::Parse(TextField(request, "run_id")));
  return run.job;
}

absl::Status CheckEnabled(const v1::User& user) {
  if (!user.disabled()) return absl::OkStatus();
  return absl::UnauthenticatedError(absl::StrCat("user '", user.name(), "' is disabled"));
}

std::string Describe(const v1::Token& token) {
  return token.name().empty() ? absl::StrCat("token ", token.id())
                              : absl::StrCat("token ", token.id(), " (", token.name(), ")");
}

absl::Status Denied(const Caller& caller, absl::string_view what) {
  return absl::PermissionDeniedError(
      absl::StrCat("user '", caller.user, "' is a ", absl::AsciiStrToLower(v1::Role_Name(caller.role)), "; ", what));
}

}  // namespace

AccessGate::AccessGate(AccessStore* store, JobStore* jobs, const Listener* listener, RequestRate* rate,
                       OpenStreams* calls, Clock* clock, uid_t uid, std::function<void()> on_end)
    : store_(store),
      jobs_(jobs),
      listener_(listener),
      rate_(rate),
      calls_(calls),
      clock_(clock),
      uid_(uid),
      on_end_(std::move(on_end)) {
  for (const AccessRule& rule : AccessRules()) {
    const google::protobuf::MethodDescriptor* method =
        google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(rule.method));
    if (method != nullptr) methods_.emplace(method->input_type(), Method{&rule, method->server_streaming()});
  }
  store_->SetListener([this] {
    version_.fetch_add(1);
    on_end_();
  });
  thread_ = std::thread([this] { Loop(); });
}

AccessGate::~AccessGate() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
  FlushUses();
}

absl::StatusOr<Caller> AccessGate::Admit(const grpc::ServerContextBase& context, const Message& request) {
  // Before it is read who may what: a change in between is noticed by the first recheck.
  const int64_t version = version_.load();
  absl::StatusOr<Caller> found = Authenticate(context);
  SKEW_RETURN_IF_ERROR(rate_->Take(found.ok() ? absl::StrCat("user '", found->user, "'") : DescribePeer(context)));
  SKEW_ASSIGN_OR_RETURN(Caller caller, std::move(found));
  caller.version = version;
  NoteUse(caller);
  const auto method = methods_.find(request.GetDescriptor());
  if (method == methods_.end()) {
    return absl::InternalError(absl::StrCat("there is no access rule for ", request.GetTypeName()));
  }
  if (!method->second.is_stream) {
    SKEW_ASSIGN_OR_RETURN(OpenStreams::Place place, calls_->Open(OpenStreams::Kind::kCall, caller.user));
    caller.place = std::make_shared<const OpenStreams::Place>(std::move(place));
  }
  SKEW_RETURN_IF_ERROR(Authorize(*method->second.rule, caller, request));
  return caller;
}

absl::StatusOr<Caller> AccessGate::Authenticate(const grpc::ServerContextBase& context) {
  const auto [begin, end] = context.client_metadata().equal_range("authorization");
  if (begin != end) {
    if (std::next(begin) != end) return absl::UnauthenticatedError("there is more than one authorization header");
    return AuthenticateToken(absl::string_view(begin->second.data(), begin->second.size()));
  }
  if (const std::optional<LocalPeer> peer = listener_->PeerOf(context.peer()); peer.has_value()) {
    return AuthenticateLogin(*peer);
  }
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer != nullptr && peer->IsPeerAuthenticated()) return AuthenticateCertificate(*peer);
  return absl::UnauthenticatedError("the call carries no credential; 'skewctl login' stores a token for this server");
}

std::string AccessGate::DescribePeer(const grpc::ServerContextBase& context) const {
  const std::string peer = context.peer();
  if (const std::optional<LocalPeer> local = listener_->PeerOf(peer); local.has_value()) {
    return absl::StrCat("login '", local->login, "'");
  }
  return absl::StrCat("peer ", peer.substr(0, peer.rfind(':')));  // without its port
}

absl::StatusOr<Caller> AccessGate::AuthenticateToken(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return absl::UnauthenticatedError("the authorization header is not 'Bearer TOKEN'");
  }
  const absl::StatusOr<ApiToken> given =
      ApiToken::Parse(absl::StripAsciiWhitespace(authorization.substr(kScheme.size())));
  if (!given.ok()) return absl::UnauthenticatedError(kWrongToken);
  SKEW_ASSIGN_OR_RETURN(const std::optional<StoredToken> stored, store_->FindToken(given->number));
  const std::string digest = Sha256Hex(given->secret);
  if (!SecretsEqual(digest, stored.has_value() ? stored->digest : std::string(digest.size(), '-'))) {
    return absl::UnauthenticatedError(kWrongToken);
  }
  // From here on the caller has shown the secret and may be told what is wrong.
  SKEW_RETURN_IF_ERROR(CheckTimes(stored->token));
  SKEW_RETURN_IF_ERROR(CheckEnabled(stored->user));
  return Caller{.user = stored->user.name(),
                .role = stored->user.role(),
                .credential = Describe(stored->token),
                .token = given->number,
                .expires = FromProto(stored->token.expire_time())};
}

absl::Status AccessGate::CheckTimes(const v1::Token& token) {
  if (token.has_revoke_time()) return absl::UnauthenticatedError(absl::StrCat(Describe(token), " was revoked"));
  if (clock_->Now() >= FromProto(token.expire_time())) {
    return absl::UnauthenticatedError(absl::StrCat(Describe(token), " has expired"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Caller> AccessGate::AuthenticateLogin(const LocalPeer& peer) {
  Caller caller{.user = peer.login, .credential = absl::StrCat("login ", peer.login)};
  if (peer.uid == uid_ || peer.uid == 0) {
    caller.role = v1::ADMIN;
    caller.runs_server = true;
    return caller;
  }
  SKEW_ASSIGN_OR_RETURN(const std::optional<v1::User> user, store_->FindUser(peer.login));
  if (!user.has_value()) {
    return absl::UnauthenticatedError(absl::StrCat("login '", peer.login, "' (uid ", peer.uid,
                                                   ") is not a user of this server; an admin can add it with 'skewctl "
                                                   "user add ",
                                                   peer.login, "'"));
  }
  SKEW_RETURN_IF_ERROR(CheckEnabled(*user));
  caller.role = user->role();
  return caller;
}

absl::StatusOr<Caller> AccessGate::AuthenticateCertificate(const grpc::AuthContext& peer) {
  std::set<std::string> names;
  for (const grpc::string_ref& name : peer.GetPeerIdentity()) names.emplace(name.data(), name.size());
  std::optional<v1::User> user;
  for (const std::string& name : names) {
    SKEW_ASSIGN_OR_RETURN(std::optional<v1::User> found, store_->FindUser(name));
    if (found.has_value() && user.has_value()) {
      return absl::UnauthenticatedError("the client certificate names several users");
    }
    if (found.has_value()) user = std::move(found);
  }
  if (!user.has_value()) return absl::UnauthenticatedError("the client certificate names no user of this server");
  SKEW_RETURN_IF_ERROR(CheckEnabled(*user));
  // TLS looked at the time when the connection began; calls may come much later.
  const std::vector<grpc::string_ref> pem = peer.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) return absl::UnauthenticatedError("the client certificate cannot be read");
  SKEW_ASSIGN_OR_RETURN(const absl::Time expires,
                        CertificateExpiry(absl::string_view(pem.front().data(), pem.front().size())));
  Caller caller{.user = user->name(),
                .role = user->role(),
                .credential = absl::StrCat("certificate of ", user->name()),
                .expires = expires};
  SKEW_RETURN_IF_ERROR(CheckExpiry(caller));
  return caller;
}

absl::Status AccessGate::CheckExpiry(const Caller& caller) const {
  if (clock_->Now() < caller.expires) return absl::OkStatus();
  return absl::UnauthenticatedError(absl::StrCat(caller.credential, " has expired"));
}

absl::Status AccessGate::Authorize(const AccessRule& rule, const Caller& caller, const Message& request) {
  if (caller.role == v1::ADMIN) return absl::OkStatus();
  switch (rule.need) {
    case Need::kViewer:
      return absl::OkStatus();
    case Need::kSelf: {
      SKEW_ASSIGN_OR_RETURN(const std::string subject, SubjectOf(request));
      if (subject.empty() || subject == caller.user) return absl::OkStatus();
      return Denied(caller, "only admins may do this for other users");
    }
    case Need::kMember:
      return caller.role == v1::MEMBER ? absl::OkStatus() : Denied(caller, "viewers may only read");
    case Need::kJobOwner: {
      if (caller.role != v1::MEMBER) return Denied(caller, "viewers may only read");
      SKEW_ASSIGN_OR_RETURN(const JobId job, JobOf(request));
      SKEW_ASSIGN_OR_RETURN(const std::string owner, jobs_->Owner(job));
      if (owner == caller.user) return absl::OkStatus();
      return Denied(caller, absl::StrCat("job ", job.ToString(), " is of '", owner, "'"));
    }
    case Need::kAdmin:
      break;
  }
  return Denied(caller, "only admins may do this");
}

// Whom a request is about: its user, or the user of its token; empty: the caller. Other people's tokens are not told
// from tokens that are not there.
absl::StatusOr<std::string> AccessGate::SubjectOf(const Message& request) {
  if (request.GetDescriptor()->FindFieldByName("token_id") == nullptr) return TextField(request, "user");
  SKEW_ASSIGN_OR_RETURN(const int64_t number, ParseTokenId(TextField(request, "token_id")));
  SKEW_ASSIGN_OR_RETURN(const std::optional<StoredToken> stored, store_->FindToken(number));
  return stored.has_value() ? stored->user.name() : "nobody's";
}

absl::Status AccessGate::Recheck(Caller& caller) {
  const int64_t version = version_.load();
  SKEW_RETURN_IF_ERROR(CheckExpiry(caller));
  if (caller.expires != absl::InfiniteFuture()) {
    absl::MutexLock lock(&mutex_);
    next_expiry_ = std::min(next_expiry_, caller.expires);
  }
  if (version == caller.version || caller.runs_server) return absl::OkStatus();
  if (caller.token != 0) {
    SKEW_ASSIGN_OR_RETURN(const std::optional<StoredToken> stored, store_->FindToken(caller.token));
    if (!stored.has_value()) return absl::UnauthenticatedError(kWrongToken);
    SKEW_RETURN_IF_ERROR(CheckTimes(stored->token));
    SKEW_RETURN_IF_ERROR(CheckEnabled(stored->user));
  } else {
    SKEW_ASSIGN_OR_RETURN(const std::optional<v1::User> user, store_->FindUser(caller.user));
    if (!user.has_value()) return absl::UnauthenticatedError(absl::StrCat("there is no user '", caller.user, "'"));
    SKEW_RETURN_IF_ERROR(CheckEnabled(*user));
  }
  caller.version = version;
  return absl::OkStatus();
}

void AccessGate::NoteUse(const Caller& caller) {
  if (caller.token == 0) return;
  const absl::Time now = clock_->Now();
  absl::MutexLock lock(&mutex_);
  uses_[caller.token] = now;
  next_flush_ = std::min(next_flush_, now + kUsesAreKept);
}

void AccessGate::Loop() {
  while (true) {
    bool expired = false;
    bool flush = false;
    {
      absl::MutexLock lock(&mutex_);
      awaited_ = NextWork();
      clock_->AwaitWithDeadline(&mutex_, absl::Condition(this, &AccessGate::MustWake), awaited_);
      if (stopping_) return;
      const absl::Time now = clock_->Now();
      expired = now >= next_expiry_;
      flush = now >= next_flush_;
      if (expired) next_expiry_ = absl::InfiniteFuture();
    }
    if (expired) on_end_();
    if (flush) FlushUses();
  }
}

void AccessGate::FlushUses() {
  std::map<int64_t, absl::Time> uses;
  {
    absl::MutexLock lock(&mutex_);
    uses.swap(uses_);
    next_flush_ = absl::InfiniteFuture();
  }
  if (uses.empty()) return;
  const absl::Status status = store_->RecordUses(uses);
  if (!status.ok()) spdlog::warn("last use of {} tokens is not stored: {}", uses.size(), status.ToString());
}

}  // namespace skew
