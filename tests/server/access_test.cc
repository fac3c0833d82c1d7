// Users and tokens at work: who owns what, when streams end, and what the worker's socket takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "server/api/local_peer.h"
#include "server/store/sqlite.h"
#include "skew/v1/access_service.grpc.pb.h"
#include "skew/worker/v1/worker.grpc.pb.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() { AddUser("ada"); }

  v1::AccessService::Stub& access() { return *access_; }

  void AddUser(const std::string& name, v1::Role role = v1::MEMBER) {
    grpc::ClientContext context;
    v1::CreateUserRequest request;
    request.set_name(name);
    request.set_role(role);
    v1::User user;
    const grpc::Status status = access_->CreateUser(&context, request, &user);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  grpc::Status SetDisabled(const std::string& name) {
    grpc::ClientContext context;
    v1::UpdateUserRequest request;
    request.set_name(name);
    request.set_disabled(true);
    v1::User user;
    return access_->UpdateUser(&context, request, &user);
  }

  // As the login that runs the daemon, or with a token.
  v1::CreateTokenResponse NewToken(const std::string& user, absl::Duration lifetime = absl::Hours(1),
                                   const std::string& with = "") {
    grpc::ClientContext context;
    if (!with.empty()) context.AddMetadata("authorization", "Bearer " + with);
    v1::CreateTokenRequest request;
    request.set_user(user);
    *request.mutable_lifetime() = ToProto(lifetime);
    v1::CreateTokenResponse response;
    const grpc::Status status = access_->CreateToken(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  grpc::Status Revoke(const std::string& id) {
    grpc::ClientContext context;
    v1::RevokeTokenRequest request;
    request.set_token_id(id);
    v1::Token token;
    return access_->RevokeToken(&context, request, &token);
  }

  grpc::Status WhoAmI(const std::string& token, v1::WhoAmIResponse& response) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return access_->WhoAmI(&context, {}, &response);
  }

  std::string RunningJob() {
    std::string job = daemon_.MustSubmit(TestDaemon::Spec("wait"));
    daemon_.WatchUntil(job, [](const v1::Event& event) { return event.run_state().state() == v1::RUNNING; });
    return job;
  }

  // A watch of a job with a token; `end` is called once it is under way. Returns how it ended.
  grpc::Status WatchUntilItEnds(const std::string& job, const std::string& token, const std::function<void()>& end) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    v1::WatchJobRequest request;
    request.set_job_id(job);
    const auto stream = daemon_.jobs().WatchJob(&context, request);
    v1::WatchJobResponse response;
    EXPECT_TRUE(stream->Read(&response));
    end();
    while (stream->Read(&response)) EXPECT_TRUE(response.has_event()) << "the server said why, and it was not this";
    return stream->Finish();
  }

  TestDaemon daemon_;
  const std::unique_ptr<v1::AccessService::Stub> access_ = v1::AccessService::NewStub(daemon_.channel());
};

TEST_F(AccessTest, TheLoginThatRunsTheDaemonIsAnAdmin) {
  v1::WhoAmIResponse me;
  ASSERT_TRUE(WhoAmI("", me).ok());
  EXPECT_EQ(me.user(), LoginOf(getuid()));
  EXPECT_EQ(me.role(), v1::ADMIN);
  EXPECT_EQ(me.credential(), "login " + LoginOf(getuid()));
  EXPECT_FALSE(me.has_expire_time());
  // Nor can it lock itself out.
  EXPECT_EQ(SetDisabled(me.user()).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(WhoAmI("", me).ok());
}

TEST_F(AccessTest, ATokenIsItsUser) {
  const v1::CreateTokenResponse token = NewToken("ada");
  v1::WhoAmIResponse me;
  ASSERT_TRUE(WhoAmI(token.secret(), me).ok());
  EXPECT_EQ(me.user(), "ada");
  EXPECT_EQ(me.role(), v1::MEMBER);
  EXPECT_EQ(me.credential(), "token t1");
  EXPECT_EQ(me.expire_time().seconds(), token.token().expire_time().seconds());
}

TEST_F(AccessTest, JobsBelongToTheirCredential) {
  const std::string token = NewToken("ada").secret();
  v1::SubmitJobRequest submit;
  *submit.mutable_spec() = TestDaemon::Spec("finish");
  submit.set_request_id("request");
  v1::SubmitJobResponse theirs;
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + token);
  ASSERT_TRUE(daemon_.jobs().SubmitJob(&context, submit, &theirs).ok());
  EXPECT_EQ(theirs.job().owner(), "ada");
  // Another user's request id is another request.
  v1::SubmitJobResponse ours;
  ASSERT_TRUE(daemon_.Submit(TestDaemon::Spec("finish"), ours, "request").ok());
  EXPECT_FALSE(ours.existing());
  EXPECT_NE(ours.job().id(), theirs.job().id());
  EXPECT_EQ(ours.job().owner(), LoginOf(getuid()));
  EXPECT_EQ(daemon_.Await(theirs.job().id()).state(), v1::JOB_SUCCEEDED);
}

TEST_F(AccessTest, AWatchEndsWhenItsTokenIsRevoked) {
  const v1::CreateTokenResponse token = NewToken("ada");
  const grpc::Status status =
      WatchUntilItEnds(RunningJob(), token.secret(), [&] { EXPECT_TRUE(Revoke(token.token().id()).ok()); });
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "token t1 was revoked");
}

TEST_F(AccessTest, AWatchEndsWhenTheTokenThatItsTokenWasMadeWithIsRevoked) {
  const v1::CreateTokenResponse parent = NewToken("ada");
  const v1::CreateTokenResponse child = NewToken("", absl::Hours(2), parent.secret());
  EXPECT_EQ(child.token().user(), "ada");
  EXPECT_EQ(child.token().parent_id(), "t1");
  EXPECT_EQ(FromProto(child.token().expire_time()), FromProto(parent.token().expire_time()));
  const grpc::Status status =
      WatchUntilItEnds(RunningJob(), child.secret(), [&] { EXPECT_TRUE(Revoke(parent.token().id()).ok()); });
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(AccessTest, AWatchEndsWhenItsUserIsDisabled) {
  const v1::CreateTokenResponse token = NewToken("ada");
  const grpc::Status status =
      WatchUntilItEnds(RunningJob(), token.secret(), [&] { EXPECT_TRUE(SetDisabled("ada").ok()); });
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "user 'ada' is disabled");
}

TEST_F(AccessTest, AWatchEndsWhenItsTokenExpires) {
  const std::string job = RunningJob();
  const v1::CreateTokenResponse token = NewToken("ada", absl::Seconds(3));
  const grpc::Status status = WatchUntilItEnds(job, token.secret(), [] {});
  EXPECT_EQ(status.error_code(), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "token t1 has expired");
  EXPECT_GE(absl::Now(), FromProto(token.token().expire_time()));
}

TEST_F(AccessTest, AnotherUsersWatchGoesOn) {
  const v1::CreateTokenResponse mine = NewToken("ada");
  AddUser("bob");
  const v1::CreateTokenResponse other = NewToken("bob");
  const grpc::Status status = WatchUntilItEnds(RunningJob(), mine.secret(), [&] {
    EXPECT_TRUE(Revoke(other.token().id()).ok());
    // Were it cut by that, it would have been before this.
    v1::WhoAmIResponse me;
    EXPECT_TRUE(WhoAmI(mine.secret(), me).ok());
    EXPECT_TRUE(Revoke(mine.token().id()).ok());
  });
  EXPECT_EQ(status.error_message(), "token t1 was revoked");
}

TEST_F(AccessTest, AFollowedLogEndsWhenItsTokenIsRevoked) {
  const v1::CreateTokenResponse token = NewToken("ada");
  const std::string job = RunningJob();
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + token.secret());
  v1::ReadLogRequest request;
  request.set_run_id(job + ".1");
  request.set_follow(true);
  const auto stream = daemon_.runs().ReadLog(&context, request);
  v1::ReadLogResponse response;
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_TRUE(Revoke(token.token().id()).ok());
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAUTHENTICATED);
}

TEST_F(AccessTest, UsesOfATokenAreOnDiskAfterARestart) {
  const v1::CreateTokenResponse token = NewToken("ada");
  v1::WhoAmIResponse me;
  ASSERT_TRUE(WhoAmI(token.secret(), me).ok());
  daemon_.Stop();
  daemon_.Start();
  const auto access = v1::AccessService::NewStub(daemon_.channel());
  grpc::ClientContext context;
  v1::ListTokensRequest request;
  request.set_user("ada");
  v1::ListTokensResponse tokens;
  ASSERT_TRUE(access->ListTokens(&context, request, &tokens).ok());
  ASSERT_EQ(tokens.tokens_size(), 1);
  EXPECT_TRUE(tokens.tokens(0).has_last_use_time());
}

TEST_F(AccessTest, TheWorkersSocketTakesOnlyTokensOfAttemptsThatGoOn) {
  const auto attach = [this](const std::string& token) {
    const auto stub = worker::v1::WorkerService::NewStub(
        grpc::CreateChannel("unix:" + daemon_.folder() + "/state/worker.sock", grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    const auto stream = stub->Attach(&context);
    worker::v1::WorkerMessage hello;
    hello.mutable_hello()->set_token(token);
    stream->Write(hello);
    worker::v1::DaemonMessage answer;
    const bool attached = stream->Read(&answer) && answer.has_order();
    if (attached) context.TryCancel();  // a refusal is to be heard out
    const grpc::Status status = stream->Finish();
    return attached ? StatusCode::OK : status.error_code();
  };
  const std::string job = RunningJob();
  std::string attempt_token;
  {
    const auto db = Database::Open(daemon_.folder() + "/state/skew.db", Database::Mode::kReadOnly, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    Statement row = (*db)->Prepare("SELECT pid FROM attempts WHERE end_time IS NULL");
    ASSERT_TRUE(row.Step());
    const std::string environment = *ReadFile(absl::StrCat("/proc/", row.Int(0), "/environ"));
    for (absl::string_view entry : absl::StrSplit(environment, '\0')) {
      if (absl::ConsumePrefix(&entry, "SKEW_ATTEMPT_TOKEN=")) attempt_token = std::string(entry);
    }
    const std::string arguments = *ReadFile(absl::StrCat("/proc/", row.Int(0), "/cmdline"));
    EXPECT_FALSE(absl::StrContains(arguments, attempt_token)) << "everybody on the machine can read this";
  }
  ASSERT_NE(attempt_token, "");
  EXPECT_EQ(attach(NewToken("ada").secret()), StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(attach(""), StatusCode::UNAUTHENTICATED);
  v1::WhoAmIResponse me;
  EXPECT_EQ(WhoAmI(attempt_token, me).error_code(), StatusCode::UNAUTHENTICATED);
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job_id(job);
  v1::Job cancelled;
  ASSERT_TRUE(daemon_.jobs().CancelJob(&context, cancel, &cancelled).ok());
  daemon_.Await(job);
  EXPECT_EQ(attach(attempt_token), StatusCode::UNAUTHENTICATED);
}

class AccessStartTest : public ::testing::Test {
 protected:
  AccessStartTest() { options_.state_dir = temp_.path(); }

  const TempFolder temp_;
  Daemon::Options options_;
};

TEST_F(AccessStartTest, WithoutTlsOnlyThisMachineIsListenedTo) {
  for (const char* address : {"0.0.0.0:0", "[::]:0"}) {
    options_.listen = {address};
    const absl::Status status = Daemon::Start(options_).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("address ", address, " is reached from other machines")));
    EXPECT_THAT(std::string(status.message()), HasSubstr("--insecure"));
  }
}

TEST_F(AccessStartTest, HalfAKeyPairIsRefused) {
  options_.tls.certificate = "/nowhere/server.pem";
  EXPECT_TRUE(absl::IsInvalidArgument(Daemon::Start(options_).status()));
  options_.tls.key = "/nowhere/server.key";
  const absl::Status status = Daemon::Start(options_).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/server.pem"));
}

}  // namespace
}  // namespace skew
