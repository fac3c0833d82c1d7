#ifndef SKEW_COMMON_VERSION_H_
#define SKEW_COMMON_VERSION_H_

#include <string>

namespace skew {

// "0.1.0"
std::string Version();

// Compiler, build type and the versions of gRPC and Protocol Buffers.
std::string BuildDescription();

}  // namespace skew

#endif  // SKEW_COMMON_VERSION_H_
