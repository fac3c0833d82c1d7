// skewctl as a function.
#ifndef SKEW_CLIENT_SKEWCTL_H_
#define SKEW_CLIENT_SKEWCTL_H_

#include <string>
#include <vector>

#include "client/session.h"

namespace skew {

// Parses the arguments (without the program's name), runs the command, reports its error on standard error, and returns
// the exit code. Global flags may stand before and after the command's name.
int RunSkewctl(std::vector<std::string> arguments, const Surroundings& surroundings);

}  // namespace skew

#endif  // SKEW_CLIENT_SKEWCTL_H_
