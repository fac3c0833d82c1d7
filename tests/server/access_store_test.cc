#include "server/store/access_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "server/store/api_token.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::ElementsAre;

class AccessStoreTest : public ::testing::Test {
 protected:
  AccessStoreTest() {
    store_.SetListener([this] { ++changes_; });
    v1::CreateUserRequest ada;
    ada.set_name("ada");
    EXPECT_TRUE(store_.CreateUser(ada, kRoot).ok());
  }

  absl::StatusOr<v1::CreateTokenResponse> Create(absl::Duration lifetime, int64_t parent = 0) {
    return store_.CreateToken({"ada", "laptop", clock_.Now() + lifetime, parent}, kRoot);
  }

  int64_t MustCreate(int64_t parent = 0) {
    const auto created = Create(absl::Hours(1), parent);
    EXPECT_TRUE(created.ok()) << created.status();
    return *ParseTokenId(created->token().id());
  }

  bool IsRevoked(int64_t number) { return (*store_.FindToken(number))->token.has_revoke_time(); }

  static inline const Actor kRoot{"root", "login root"};

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
  FakeClock clock_;
  const std::unique_ptr<Connections> connections_ = *Connections::Open(folder_ + "/skew.db");
  AccessStore store_{connections_.get(), &clock_};
  int changes_ = 0;
};

TEST_F(AccessStoreTest, UsersAreMembersUnlessToldOtherwise) {
  EXPECT_EQ((*store_.FindUser("ada"))->role(), v1::MEMBER);
  EXPECT_FALSE((*store_.FindUser("Ada")).has_value());
  v1::CreateUserRequest again;
  again.set_name("ada");
  EXPECT_TRUE(absl::IsAlreadyExists(store_.CreateUser(again, kRoot).status()));
}

TEST_F(AccessStoreTest, NamesAreChecked) {
  for (const std::string& name : {std::string(), std::string("-x"), std::string("a b"), std::string("a/b"),
                                  std::string("a\nb"), std::string(65, 'a'), std::string(".a")}) {
    v1::CreateUserRequest request;
    request.set_name(name);
    EXPECT_TRUE(absl::IsInvalidArgument(store_.CreateUser(request, kRoot).status())) << name;
  }
  for (const std::string& name : {std::string("ada@lab.example"), std::string("a-b_c.d"), std::string(64, 'a')}) {
    v1::CreateUserRequest request;
    request.set_name(name);
    EXPECT_TRUE(store_.CreateUser(request, kRoot).ok()) << name;
  }
}

TEST_F(AccessStoreTest, UpdatesChangeOnlyWhatTheyName) {
  v1::UpdateUserRequest request;
  request.set_name("ada");
  EXPECT_TRUE(absl::IsInvalidArgument(store_.UpdateUser(request, kRoot).status()));
  request.set_disabled(true);
  ASSERT_TRUE(store_.UpdateUser(request, kRoot).ok());
  EXPECT_EQ((*store_.FindUser("ada"))->role(), v1::MEMBER);
  EXPECT_TRUE((*store_.FindUser("ada"))->disabled());
  request.clear_disabled();
  request.set_role(v1::ADMIN);
  ASSERT_TRUE(store_.UpdateUser(request, kRoot).ok());
  EXPECT_TRUE((*store_.FindUser("ada"))->disabled());
  EXPECT_EQ(changes_, 2);
  request.set_name("nobody");
  EXPECT_TRUE(absl::IsNotFound(store_.UpdateUser(request, kRoot).status()));
}

TEST_F(AccessStoreTest, EnsureAdminLeavesAnExistingUserAlone) {
  ASSERT_TRUE(store_.EnsureAdmin("ada").ok());
  ASSERT_TRUE(store_.EnsureAdmin("bob").ok());
  EXPECT_EQ((*store_.FindUser("ada"))->role(), v1::MEMBER);
  EXPECT_EQ((*store_.FindUser("bob"))->role(), v1::ADMIN);
}

TEST_F(AccessStoreTest, TheDatabaseHoldsOnlyTheDigestOfASecret) {
  const auto created = Create(absl::Hours(1));
  ASSERT_TRUE(created.ok()) << created.status();
  const auto secret = ApiToken::Parse(created->secret());
  ASSERT_TRUE(secret.ok()) << secret.status();
  const auto stored = store_.FindToken(secret->number);
  ASSERT_TRUE(stored.ok() && stored->has_value());
  EXPECT_EQ((*stored)->digest, Sha256Hex(secret->secret));
  EXPECT_EQ((*stored)->user.name(), "ada");
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    EXPECT_FALSE(absl::StrContains(*ReadFile(file.path().string()), secret->secret)) << file.path();
  }
}

TEST_F(AccessStoreTest, LifetimesAreBounded) {
  EXPECT_TRUE(Create(absl::Seconds(1)).ok());
  EXPECT_TRUE(Create(absl::Hours(24 * 3650)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Create(absl::ZeroDuration()).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Create(-absl::Hours(1)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Create(absl::Hours(24 * 3650 + 1)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Create(absl::InfiniteDuration()).status()));
}

TEST_F(AccessStoreTest, RevokingATokenRevokesThoseMadeWithIt) {
  const int64_t first = MustCreate();
  const int64_t child = MustCreate(first);
  const int64_t grandchild = MustCreate(child);
  const int64_t other = MustCreate();
  ASSERT_TRUE(store_.RevokeToken(child, kRoot).ok());
  EXPECT_FALSE(IsRevoked(first));
  EXPECT_TRUE(IsRevoked(child));
  EXPECT_TRUE(IsRevoked(grandchild));
  EXPECT_FALSE(IsRevoked(other));
  EXPECT_EQ(changes_, 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(store_.RevokeToken(grandchild, kRoot).status()));
  EXPECT_TRUE(absl::IsNotFound(store_.RevokeToken(99, kRoot).status()));
}

// A call may have been let in just before its token was revoked.
TEST_F(AccessStoreTest, NothingIsMadeWithATokenThatGivesNoAccessAnyMore) {
  const int64_t revoked = MustCreate();
  ASSERT_TRUE(store_.RevokeToken(revoked, kRoot).ok());
  EXPECT_EQ(Create(absl::Hours(1), revoked).status(), absl::UnauthenticatedError("token t1 was revoked"));
  const Actor late{"root", "token t1", revoked};
  EXPECT_TRUE(absl::IsUnauthenticated(store_.CreateToken({"ada", "", clock_.Now() + absl::Hours(1)}, late).status()));
  v1::CreateUserRequest bob;
  bob.set_name("bob");
  EXPECT_TRUE(absl::IsUnauthenticated(store_.CreateUser(bob, late).status()));
  v1::UpdateUserRequest update;
  update.set_name("ada");
  update.set_role(v1::ADMIN);
  EXPECT_TRUE(absl::IsUnauthenticated(store_.UpdateUser(update, late).status()));
  const int64_t expired = MustCreate();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Create(absl::Hours(1), expired).status(), absl::UnauthenticatedError("token t2 has expired"));
  const int64_t of_disabled = MustCreate();
  update.clear_role();
  update.set_disabled(true);
  ASSERT_TRUE(store_.UpdateUser(update, kRoot).ok());
  EXPECT_EQ(Create(absl::Hours(1), of_disabled).status(), absl::UnauthenticatedError("user 'ada' is disabled"));
  EXPECT_TRUE(absl::IsUnauthenticated(Create(absl::Hours(1), 99).status()));
  EXPECT_EQ(store_.ListTokens("ada")->size(), 3u);
}

TEST_F(AccessStoreTest, RevokingARevokedTokenRevokesWhatWasMadeWithItSince) {
  const int64_t first = MustCreate();
  const int64_t child = MustCreate(first);
  ASSERT_TRUE(store_.RevokeToken(first, kRoot).ok());
  const absl::Time revoked = FromProto((*store_.FindToken(first))->token.revoke_time());
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(
      connections_
          ->Write(clock_.Now(),
                  [&](WriteScope& scope) {
                    return scope.db.Prepare("UPDATE tokens SET revoke_time = NULL WHERE number = ?").Bind(child).Run();
                  })
          .ok());
  const auto again = store_.RevokeToken(first, kRoot);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FromProto(again->revoke_time()), revoked);
  EXPECT_TRUE(IsRevoked(child));
  EXPECT_TRUE(absl::IsFailedPrecondition(store_.RevokeToken(first, kRoot).status()));
}

TEST_F(AccessStoreTest, UsesAreRecorded) {
  const int64_t token = MustCreate();
  EXPECT_FALSE((*store_.FindToken(token))->token.has_last_use_time());
  ASSERT_TRUE(store_.RecordUses({{token, clock_.Now() + absl::Seconds(5)}}).ok());
  EXPECT_EQ(FromProto((*store_.FindToken(token))->token.last_use_time()), clock_.Now() + absl::Seconds(5));
}

TEST_F(AccessStoreTest, EveryChangeLeavesAnAuditEventAndAFailedOneDoesNot) {
  const int64_t token = MustCreate();
  ASSERT_TRUE(store_.RevokeToken(token, kRoot).ok());
  EXPECT_FALSE(store_.RevokeToken(token, kRoot).ok());
  v1::UpdateUserRequest update;
  update.set_name("ada");
  update.set_role(v1::VIEWER);
  ASSERT_TRUE(store_.UpdateUser(update, {"ada", "token t1 (laptop)"}).ok());
  const auto events = store_.ListAuditEvents({});
  ASSERT_TRUE(events.ok()) << events.status();
  std::vector<std::string> lines;
  for (const v1::AuditEvent& event : events->events()) {
    lines.push_back(event.actor() + "/" + event.credential() + "/" + event.action() + "/" + event.object() + "/" +
                    event.detail());
  }
  EXPECT_THAT(lines,
              ElementsAre("ada/token t1 (laptop)/UpdateUser/user ada/role VIEWER",
                          "root/login root/RevokeToken/token t1/of ada", "root/login root/CreateToken/token t1/of ada",
                          "root/login root/CreateUser/user ada/role MEMBER"));
}

TEST_F(AccessStoreTest, AuditEventsComeInPagesAndByActorAndObject) {
  for (int i = 0; i < 4; ++i) MustCreate();
  v1::ListAuditEventsRequest request;
  request.set_page_size(2);
  std::vector<int64_t> numbers;
  do {
    const auto page = store_.ListAuditEvents(request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->events_size(), 2);
    for (const v1::AuditEvent& event : page->events()) numbers.push_back(event.number());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(numbers, ElementsAre(5, 4, 3, 2, 1));
  request.set_object("token t2");
  ASSERT_EQ(store_.ListAuditEvents(request)->events_size(), 1);
  EXPECT_EQ(store_.ListAuditEvents(request)->events(0).number(), 3);
  request.set_actor("ada");
  EXPECT_EQ(store_.ListAuditEvents(request)->events_size(), 0);
  request.set_page_token("x");
  EXPECT_TRUE(absl::IsInvalidArgument(store_.ListAuditEvents(request).status()));
  request.set_page_size(1001);
  EXPECT_TRUE(absl::IsInvalidArgument(store_.ListAuditEvents(request).status()));
}

}  // namespace
}  // namespace skew
