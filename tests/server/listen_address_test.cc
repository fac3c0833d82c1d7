#include "server/api/listen_address.h"

#include <gtest/gtest.h>

namespace skew {
namespace {

TEST(ListenAddressTest, TellsWhoReachesIt) {
  using Kind = ListenAddress::Kind;
  const struct {
    const char* text;
    Kind kind;
  } kCases[] = {
      {"unix:/run/skewd.sock", Kind::kUnix}, {"unix:///run/skewd.sock", Kind::kUnix},
      {"127.0.0.1:7433", Kind::kLoopback},   {"127.9.8.7:0", Kind::kLoopback},
      {"[::1]:7433", Kind::kLoopback},       {"localhost:7433", Kind::kLoopback},
      {"0.0.0.0:7433", Kind::kNetwork},      {"[::]:7433", Kind::kNetwork},
      {"192.0.2.1:7433", Kind::kNetwork},    {"0:7433", Kind::kNetwork},
  };
  for (const auto& one : kCases) {
    const auto address = ListenAddress::Parse(one.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->kind, one.kind) << one.text;
  }
  EXPECT_EQ(ListenAddress::Parse("unix:///run/skewd.sock")->path, "/run/skewd.sock");
}

TEST(ListenAddressTest, RefusesOtherForms) {
  for (const char* text : {"", "unix:", "7433", ":7433", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "no-such-host.invalid:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ListenAddress::Parse(text).status())) << text;
  }
}

TEST(ListenAddressTest, SaysWhichPortsThereAre) {
  EXPECT_EQ(ListenAddress::Parse("localhost:99999").status().message(),
            "address 'localhost:99999': a port is 0 to 65535");
}

}  // namespace
}  // namespace skew
