#ifndef SKEW_COMMON_VERSION_H_
#define SKEW_COMMON_VERSION_H_

#include <string>

namespace skew {

// Raised with every change that makes equal runs come out different: of the mathematics, the defaults that only the
// worker fills in, the random streams or their seeds. Runs of another version are not reused. (Where only runs with
// some settings come out different, content_key.cc has a number of its own for them.) Other processors and LibTorch
// versions round differently, which does not count: `skewctl reproduce` finds out what that does.
inline constexpr int kEngineVersion = 1;

// "0.1.0"
std::string Version();

// "skewd 0.1.0, commit 336bc7183885 (" and BuildDescription(): what a program says of itself.
std::string VersionOf(const std::string& program, const std::string& commit);

// Compiler, build type and the versions of gRPC and Protocol Buffers.
std::string BuildDescription();

}  // namespace skew

#endif  // SKEW_COMMON_VERSION_H_
