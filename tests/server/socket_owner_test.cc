#include "server/api/socket_owner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

namespace skew {
namespace {

// A listening socket on loopback, and a client.
class SocketOwnerTest : public ::testing::TestWithParam<int> {
 protected:
  SocketOwnerTest() {
    SocketAddress any{};
    if (GetParam() == AF_INET6) {
      any.v6.sin6_family = AF_INET6;
      any.v6.sin6_addr = in6addr_loopback;
    } else {
      any.v4.sin_family = AF_INET;
      any.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    listener_ = socket(GetParam(), SOCK_STREAM, 0);
    client_ = socket(GetParam(), SOCK_STREAM, 0);
    has_family_ = listener_ >= 0 && bind(listener_, &any.any, sizeof(any)) == 0 && listen(listener_, 1) == 0;
    here_ = NameOf(listener_);
    has_family_ = has_family_ && connect(client_, &here_.any, sizeof(here_)) == 0;
    there_ = NameOf(client_);
  }
  ~SocketOwnerTest() override {
    close(listener_);
    close(client_);
  }

  static SocketAddress NameOf(int fd) {
    SocketAddress name{};
    socklen_t size = sizeof(name);
    getsockname(fd, &name.any, &size);
    return name;
  }

  int listener_ = -1;
  int client_ = -1;
  bool has_family_ = false;
  SocketAddress here_{};
  SocketAddress there_{};
};

TEST_P(SocketOwnerTest, NamesWhoHoldsTheOtherEnd) {
  if (!has_family_) GTEST_SKIP() << "no loopback of this family";
  const absl::StatusOr<uid_t> owner = FindSocketOwner(there_, here_);
  if (absl::IsUnavailable(owner.status())) GTEST_SKIP() << owner.status();
  ASSERT_TRUE(owner.ok()) << owner.status();
  EXPECT_EQ(*owner, getuid());
}

// The kernel would name the listening socket.
TEST_P(SocketOwnerTest, TakesNoOtherSocketOfThePort) {
  if (!has_family_) GTEST_SKIP() << "no loopback of this family";
  SocketAddress nobody = there_;
  (GetParam() == AF_INET6 ? nobody.v6.sin6_port : nobody.v4.sin_port) = 0x0100;
  const absl::StatusOr<uid_t> owner = FindSocketOwner(here_, nobody);
  if (absl::IsUnavailable(owner.status())) GTEST_SKIP() << owner.status();
  EXPECT_TRUE(absl::IsNotFound(owner.status())) << owner.status();
}

INSTANTIATE_TEST_SUITE_P(Families, SocketOwnerTest, ::testing::Values(AF_INET, AF_INET6));

}  // namespace
}  // namespace skew
