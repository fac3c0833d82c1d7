#include "common/version.h"

#include <google/protobuf/stubs/common.h>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"

namespace skew {

std::string Version() { return SKEW_VERSION; }

std::string VersionOf(const std::string& program, const std::string& commit) {
  return absl::StrCat(program, " ", Version(), ", commit ", commit, " (", BuildDescription(), ")");
}

std::string BuildDescription() {
#if defined(__clang__)
  constexpr char kCompiler[] = "clang " __clang_version__;
#else
  constexpr char kCompiler[] = "g++ " __VERSION__;
#endif
  return absl::StrCat(kCompiler, ", ", SKEW_BUILD_TYPE, ", gRPC ", grpc::Version(), ", Protocol Buffers ",
                      google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION));
}

}  // namespace skew
