// Every method there is, by the server's own account, against every credential that must not let anybody in. A method
// without a rule fails here, and so does one that changes something and leaves no audit event.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/api/access_rules.h"
#include "server/store/api_token.h"
#include "server/store/sqlite.h"
#include "skew/v1/access_service.grpc.pb.h"
#include "skew/v1/admin_service.pb.h"
#include "skew/v1/queue_service.pb.h"
#include "skew/v1/reuse_service.pb.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using grpc::StatusCode;

// One daemon for all: nothing here needs a fresh one.
class AccessMatrixTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = new TestDaemon([](Daemon::Options& options) {
      // On the second address nobody is recognised without a token, wherever the call comes from.
      options.listen = {"127.0.0.1:0", "0.0.0.0:0"};
      options.insecure = true;
    });
    const std::string open = daemon_->daemon().addresses().at(1);
    remote_ = new std::shared_ptr<grpc::Channel>(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", open.substr(open.rfind(':') + 1)), grpc::InsecureChannelCredentials()));
    methods_ = new std::vector<const MethodDescriptor*>(MethodsOf(daemon_->channel()));
    access_ = v1::AccessService::NewStub(daemon_->channel()).release();
    for (const auto& [name, role] : std::map<std::string, v1::Role>{
             {"vera", v1::VIEWER}, {"mona", v1::MEMBER}, {"otto", v1::MEMBER}, {"anna", v1::ADMIN}}) {
      AddUser(name, role);
    }
    const std::string finished = daemon_->MustSubmit(TestDaemon::Spec("finish"));
    EXPECT_EQ(daemon_->Await(finished).state(), v1::JOB_SUCCEEDED);
    finished_run_ = new std::string(finished + ".1");
  }
  static void TearDownTestSuite() {
    delete finished_run_;
    delete access_;
    delete methods_;
    delete remote_;
    delete daemon_;
  }

  static void AddUser(const std::string& name, v1::Role role) {
    grpc::ClientContext context;
    v1::CreateUserRequest request;
    request.set_name(name);
    request.set_role(role);
    v1::User user;
    EXPECT_TRUE(access_->CreateUser(&context, request, &user).ok());
  }

  static std::string NewToken(const std::string& user) {
    grpc::ClientContext context;
    v1::CreateTokenRequest request;
    request.set_user(user);
    v1::CreateTokenResponse response;
    EXPECT_TRUE(access_->CreateToken(&context, request, &response).ok());
    return response.secret();
  }

  static int64_t NumberOf(const std::string& token) { return ApiToken::Parse(token)->number; }

  static grpc::Status Call(const MethodDescriptor& method, const Metadata& metadata) {
    return Call(method, *NewMessage(*method.input_type()), metadata);
  }
  static grpc::Status Call(const MethodDescriptor& method, const Message& request, const Metadata& metadata) {
    return RawCall(*remote_, method, request, metadata);
  }

  static const AccessRule* RuleOf(const MethodDescriptor& method) {
    for (const AccessRule& rule : AccessRules()) {
      if (rule.method == method.full_name()) return &rule;
    }
    return nullptr;
  }

  static TestDaemon* daemon_;
  static std::shared_ptr<grpc::Channel>* remote_;
  static std::vector<const MethodDescriptor*>* methods_;
  static v1::AccessService::Stub* access_;
  static std::string* finished_run_;  // that there is something to reproduce
};

TestDaemon* AccessMatrixTest::daemon_ = nullptr;
std::shared_ptr<grpc::Channel>* AccessMatrixTest::remote_ = nullptr;
std::vector<const MethodDescriptor*>* AccessMatrixTest::methods_ = nullptr;
v1::AccessService::Stub* AccessMatrixTest::access_ = nullptr;
std::string* AccessMatrixTest::finished_run_ = nullptr;

bool HasField(const MethodDescriptor& method, const char* name) {
  return method.input_type()->FindFieldByName(name) != nullptr;
}

void SetText(Message& message, const char* name, const std::string& text) {
  message.GetReflection()->SetString(&message, message.GetDescriptor()->FindFieldByName(name), text);
}

TEST_F(AccessMatrixTest, EveryMethodHasARuleThatCanBeApplied) {
  EXPECT_GT(methods_->size(), 20u);
  std::set<std::string> known;
  std::set<const google::protobuf::Descriptor*> requests;
  for (const MethodDescriptor* method : *methods_) {
    known.insert(method->full_name());
    EXPECT_TRUE(requests.insert(method->input_type()).second)
        << method->full_name() << " shares its request with another method, which rules are found by";
    const AccessRule* rule = RuleOf(*method);
    ASSERT_NE(rule, nullptr) << method->full_name() << " has no rule: add it to server/api/access_rules.cc";
    if (rule->need == Need::kJobOwner) {
      EXPECT_NE(HasField(*method, "job_id"), HasField(*method, "run_id")) << method->full_name();
    }
    if (rule->need == Need::kSelf) {
      EXPECT_NE(HasField(*method, "user"), HasField(*method, "token_id")) << method->full_name();
    }
    // Viewers change nothing but their own tokens.
    EXPECT_FALSE(rule->changes && rule->need == Need::kViewer) << method->full_name();
  }
  for (const AccessRule& rule : AccessRules()) {
    EXPECT_TRUE(known.count(std::string(rule.method)) == 1) << rule.method << ": there is no such method";
  }
}

TEST_F(AccessMatrixTest, NoMethodLetsABadCredentialIn) {
  const std::string good = NewToken("anna");
  const std::string expired = NewToken("anna");
  const std::string revoked = NewToken("anna");
  AddUser("gone", v1::ADMIN);
  const std::string disabled = NewToken("gone");
  {
    const auto db =
        Database::Open(daemon_->folder() + "/state/skew.db", Database::Mode::kReadWriteCreate, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE(
        (*db)->Execute(absl::StrCat("UPDATE tokens SET expire_time = 1 WHERE number = ", NumberOf(expired))).ok());
  }
  grpc::ClientContext revoking;
  v1::RevokeTokenRequest revoke;
  revoke.set_token_id(TokenId(NumberOf(revoked)));
  v1::Token token;
  ASSERT_TRUE(access_->RevokeToken(&revoking, revoke, &token).ok());
  grpc::ClientContext disabling;
  v1::UpdateUserRequest disable;
  disable.set_name("gone");
  disable.set_disabled(true);
  v1::User user;
  ASSERT_TRUE(access_->UpdateUser(&disabling, disable, &user).ok());

  std::string wrong = good;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  std::string unknown = good;
  unknown.replace(unknown.find("_t"), unknown.rfind('_') - unknown.find("_t"), "_t999999");
  Metadata twice = Bearer(good);
  twice.push_back(twice.front());
  const std::map<std::string, Metadata> credentials = {
      {"absent", {}},
      {"empty", {{"authorization", ""}}},
      {"no scheme", {{"authorization", good}}},
      {"another scheme", {{"authorization", "Basic " + good}}},
      {"no token", {{"authorization", "Bearer "}}},
      {"malformed", Bearer("skew_t1_xyz")},
      {"longer", Bearer(good + "0")},
      {"wrong", Bearer(wrong)},
      {"unknown", Bearer(unknown)},
      {"expired", Bearer(expired)},
      {"revoked", Bearer(revoked)},
      {"of a disabled user", Bearer(disabled)},
      {"two", twice},
  };
  for (const MethodDescriptor* method : *methods_) {
    for (const auto& [what, metadata] : credentials) {
      const grpc::Status status = Call(*method, metadata);
      EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED) << method->full_name() << " with a token: " << what;
      for (const std::string& secret : {good, expired, revoked, disabled, wrong}) {
        EXPECT_FALSE(absl::StrContains(status.error_message(), secret.substr(secret.rfind('_') + 1))) << what;
      }
    }
    EXPECT_NE(Call(*method, Bearer(good)).error_code(), StatusCode::UNAUTHENTICATED) << method->full_name();
  }
  // And a wrong token is not made good by the login behind the connection, which alone would do.
  for (const MethodDescriptor* method : *methods_) {
    EXPECT_EQ(RawCall(daemon_->channel(), *method, *NewMessage(*method->input_type()), Bearer(wrong)).error_code(),
              StatusCode::UNAUTHENTICATED)
        << method->full_name();
  }
}

TEST_F(AccessMatrixTest, EveryRoleMayDoItsPartAndNoMore) {
  const std::string viewer = NewToken("vera");
  const std::string member = NewToken("mona");
  const std::string admin = NewToken("anna");
  for (const MethodDescriptor* method : *methods_) {
    const Need need = RuleOf(*method)->need;
    const bool viewers = need == Need::kViewer || (need == Need::kSelf && !HasField(*method, "token_id"));
    const bool members = viewers || need == Need::kMember || need == Need::kJobOwner;
    const auto denied = [&](const std::string& token) {
      const StatusCode code = Call(*method, Bearer(token)).error_code();
      EXPECT_NE(code, StatusCode::UNAUTHENTICATED) << method->full_name();
      return code == StatusCode::PERMISSION_DENIED;
    };
    EXPECT_FALSE(denied(admin)) << method->full_name();
    if (need == Need::kSelf && HasField(*method, "token_id")) continue;  // see the next tests
    EXPECT_EQ(denied(viewer), !viewers) << method->full_name();
    EXPECT_EQ(denied(member), !members) << method->full_name();
  }
}

TEST_F(AccessMatrixTest, OnlyOwnersAndAdminsChangeAJob) {
  const std::string owner = NewToken("mona");
  const std::string other = NewToken("otto");
  const std::string admin = NewToken("anna");
  for (const MethodDescriptor* method : *methods_) {
    if (RuleOf(*method)->need != Need::kJobOwner) continue;
    v1::SubmitJobRequest submit;
    *submit.mutable_spec() = TestDaemon::Spec("wait");
    submit.set_no_reuse(true);
    std::vector<std::string> responses;
    ASSERT_TRUE(
        RawCall(*remote_, "/skew.v1.JobService/SubmitJob", submit.SerializeAsString(), Bearer(owner), &responses).ok());
    v1::SubmitJobResponse job;
    ASSERT_TRUE(job.ParseFromString(responses.at(0)));
    EXPECT_EQ(job.job().owner(), "mona");
    const auto request_for = [&](const std::string& id) {
      auto request = NewMessage(*method->input_type());
      HasField(*method, "job_id") ? SetText(*request, "job_id", id) : SetText(*request, "run_id", id + ".1");
      return request;
    };
    EXPECT_EQ(Call(*method, *request_for(job.job().id()), Bearer(other)).error_code(), StatusCode::PERMISSION_DENIED)
        << method->full_name();
    EXPECT_EQ(Call(*method, *request_for("j999"), Bearer(other)).error_code(), StatusCode::NOT_FOUND)
        << method->full_name();
    EXPECT_EQ(Call(*method, *request_for("x"), Bearer(other)).error_code(), StatusCode::INVALID_ARGUMENT)
        << method->full_name();
    for (const std::string& allowed : {owner, admin}) {
      const StatusCode code = Call(*method, *request_for(job.job().id()), Bearer(allowed)).error_code();
      EXPECT_NE(code, StatusCode::PERMISSION_DENIED) << method->full_name();
      EXPECT_NE(code, StatusCode::UNAUTHENTICATED) << method->full_name();
    }
    grpc::ClientContext context;
    v1::CancelJobRequest cancel;
    cancel.set_job_id(job.job().id());
    v1::Job cancelled;
    daemon_->jobs().CancelJob(&context, cancel, &cancelled).ok();  // frees the device, if it still holds it
  }
}

TEST_F(AccessMatrixTest, OnlyAdminsManageOtherPeoplesTokens) {
  const std::string mine = NewToken("mona");
  const std::string others = NewToken("otto");
  for (const MethodDescriptor* method : *methods_) {
    if (RuleOf(*method)->need != Need::kSelf) continue;
    const auto request_about = [&](const std::string& user, const std::string& token) {
      auto request = NewMessage(*method->input_type());
      HasField(*method, "user") ? SetText(*request, "user", user)
                                : SetText(*request, "token_id", TokenId(NumberOf(token)));
      return request;
    };
    EXPECT_EQ(Call(*method, *request_about("otto", others), Bearer(mine)).error_code(), StatusCode::PERMISSION_DENIED)
        << method->full_name();
    const grpc::Status own = Call(*method, *request_about("mona", NewToken("mona")), Bearer(mine));
    EXPECT_TRUE(own.ok()) << method->full_name() << ": " << own.error_message();
  }
  // A token that is not there looks like somebody else's.
  v1::RevokeTokenRequest unknown;
  unknown.set_token_id("t999999");
  EXPECT_EQ(
      Call(*google::protobuf::DescriptorPool::generated_pool()->FindMethodByName("skew.v1.AccessService.RevokeToken"),
           unknown, Bearer(mine))
          .error_code(),
      StatusCode::PERMISSION_DENIED);
}

TEST_F(AccessMatrixTest, EveryChangeIsAudited) {
  const std::string admin = NewToken("anna");
  const auto job = [] { return daemon_->MustSubmit(TestDaemon::Spec("wait")); };
  const auto job_after = [](const std::string& id) { return absl::StrCat("j", std::stoi(id.substr(1)) + 1); };
  // For every method that changes something: a request that does, made by something that can be changed, and the object
  // that the event must name.
  using Example = std::function<std::pair<std::unique_ptr<Message>, std::string>()>;
  const auto text = [](auto message, const char* field, const std::string& value, const std::string& object) {
    SetText(message, field, value);
    return std::pair<std::unique_ptr<Message>, std::string>(std::make_unique<decltype(message)>(message), object);
  };
  const auto of_job = [&](auto message, const std::string& id) { return text(message, "job_id", id, id); };
  const auto of_run = [&](auto message, const std::string& id) {
    return text(message, "run_id", id + ".1", id + ".1");
  };
  const auto cancelled = [&] {
    std::string id = job();
    grpc::ClientContext context;
    v1::CancelJobRequest cancel;
    cancel.set_job_id(id);
    v1::Job response;
    EXPECT_TRUE(daemon_->jobs().CancelJob(&context, cancel, &response).ok());
    daemon_->Await(id);
    return id;
  };
  const auto deleted = [&] {
    std::string id = cancelled();
    grpc::ClientContext context;
    v1::DeleteJobRequest request;
    request.set_job_id(id);
    v1::Job response;
    EXPECT_TRUE(daemon_->jobs().DeleteJob(&context, request, &response).ok());
    return id;
  };
  const std::map<std::string, Example> examples = {
      {"CreateUser", [&] { return text(v1::CreateUserRequest(), "name", "nina", "user nina"); }},
      {"UpdateUser",
       [&] {
         v1::UpdateUserRequest request;
         request.set_role(v1::VIEWER);
         return text(request, "name", "vera", "user vera");
       }},
      {"CreateToken",
       [&] {
         const int64_t next = NumberOf(NewToken("vera")) + 1;
         return text(v1::CreateTokenRequest(), "user", "vera", "token " + TokenId(next));
       }},
      {"RevokeToken",
       [&] {
         const std::string id = TokenId(NumberOf(NewToken("vera")));
         return text(v1::RevokeTokenRequest(), "token_id", id, "token " + id);
       }},
      {"SubmitJob",
       [&] {
         v1::SubmitJobRequest request;
         *request.mutable_spec() = TestDaemon::Spec("finish");
         return text(request, "request_id", "", job_after(job()));
       }},
      {"ExtendJob",
       [&] {
         const std::string id = job();
         v1::ExtendJobRequest request;
         request.set_iterations(2);
         return text(request, "job_id", id, job_after(id));
       }},
      {"ReproduceRun", [&] { return text(v1::ReproduceRunRequest(), "run_id", *finished_run_, job_after(job())); }},
      {"CancelJob", [&] { return of_job(v1::CancelJobRequest(), job()); }},
      {"CancelRun", [&] { return of_run(v1::CancelRunRequest(), job()); }},
      {"PauseJob", [&] { return of_job(v1::PauseJobRequest(), job()); }},
      {"ResumeJob", [&] { return of_job(v1::ResumeJobRequest(), job()); }},
      {"DeleteJob", [&] { return of_job(v1::DeleteJobRequest(), cancelled()); }},
      {"UndeleteJob", [&] { return of_job(v1::UndeleteJobRequest(), deleted()); }},
      {"RetryJob", [&] { return of_job(v1::RetryJobRequest(), cancelled()); }},
      {"SetJobPriority", [&] { return of_job(v1::SetJobPriorityRequest(), job()); }},
      {"PauseRun", [&] { return of_run(v1::PauseRunRequest(), job()); }},
      {"ResumeRun", [&] { return of_run(v1::ResumeRunRequest(), job()); }},
      {"RetryRun", [&] { return of_run(v1::RetryRunRequest(), cancelled()); }},
      {"SetRunPriority", [&] { return of_run(v1::SetRunPriorityRequest(), job()); }},
      {"BackUp", [&] { return text(v1::BackUpRequest(), "name", "monday", "backup monday"); }},
      {"CheckArtifacts",
       [&] { return std::pair(std::unique_ptr<Message>(new v1::CheckArtifactsRequest), std::string("artifacts")); }},
      {"CollectGarbage",
       [&] { return std::pair(std::unique_ptr<Message>(new v1::CollectGarbageRequest), std::string("store")); }},
      {"SetShare", [&] { return text(v1::SetShareRequest(), "user", "mona", "share mona"); }},
      {"DrainDevice", [&] { return text(v1::DrainDeviceRequest(), "device", "cpu0", "device cpu0"); }},
      {"UndrainDevice", [&] { return text(v1::UndrainDeviceRequest(), "device", "cpu0", "device cpu0"); }},
  };
  for (const MethodDescriptor* method : *methods_) {
    if (!RuleOf(*method)->changes) continue;
    const auto example = examples.find(method->name());
    ASSERT_NE(example, examples.end()) << method->full_name() << " changes something: add an example of it here";
    const auto [request, object] = example->second();
    const grpc::Status status = Call(*method, *request, Bearer(admin));
    ASSERT_TRUE(status.ok()) << method->full_name() << ": " << status.error_message();
    grpc::ClientContext context;
    v1::ListAuditEventsRequest list;
    list.set_page_size(1);
    v1::ListAuditEventsResponse events;
    ASSERT_TRUE(access_->ListAuditEvents(&context, list, &events).ok());
    ASSERT_EQ(events.events_size(), 1);
    EXPECT_EQ(events.events(0).actor(), "anna");
    EXPECT_EQ(events.events(0).credential(), "token " + TokenId(NumberOf(admin)));
    EXPECT_EQ(events.events(0).action(), method->name());
    EXPECT_EQ(events.events(0).object(), object);
  }
}

}  // namespace
}  // namespace skew
