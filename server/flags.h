// skewd's command line.
#ifndef SKEW_SERVER_FLAGS_H_
#define SKEW_SERVER_FLAGS_H_

#include <optional>
#include <string>

#include "server/daemon.h"

namespace skew {

struct Flags {
  Daemon::Options daemon;
  std::string restore;       // a backup that is to be restored instead of serving; empty: none
  std::string address_file;  // empty: none
};

// Reads the command line and the configuration file that it names; flags win. The exit code of a program that has
// nothing more to do: 0 when help or the version was asked for and is printed, 2 when something is wrong, which is said
// on stderr.
std::optional<int> ReadFlags(int argc, char** argv, Flags& flags);

}  // namespace skew

#endif  // SKEW_SERVER_FLAGS_H_
