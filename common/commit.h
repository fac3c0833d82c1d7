// Which sources a program was built from. For programs only (target skew_commit): it is another with every commit, and
// what links it is linked anew.
#ifndef SKEW_COMMON_COMMIT_H_
#define SKEW_COMMON_COMMIT_H_

#include <string>

namespace skew {

// "336bc7183885", "336bc7183885-dirty" with changed files, or "unknown" outside of a checkout.
std::string Commit();

}  // namespace skew

#endif  // SKEW_COMMON_COMMIT_H_
