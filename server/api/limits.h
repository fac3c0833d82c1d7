// What clients may use of the server.
#ifndef SKEW_SERVER_API_LIMITS_H_
#define SKEW_SERVER_API_LIMITS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace skew {

// How many there may be at once.
struct StreamLimit {
  int per_user;
  int total;
};

// The defaults are far above what a team's scripts do. deploy/operations.md has them in a table.
struct Limits {
  double requests_per_second = 200;         // of each user in the long run; five seconds' worth at once; 0: any number
  StreamLimit watches = {500, 5000};        // they cost no thread
  StreamLimit reads = {64, 256};            // of logs and artifacts, each of which has a thread
  StreamLimit calls = {64, 1000};           // at work beside watches and reads; each has a thread
  StreamLimit large_reads = {2, 4};         // of large calls (large_calls.h); more of them wait
  int connections = 10'000;                 // three quarters of them of one login or address
  int64_t buffer_bytes = int64_t{1} << 30;  // of all connections together
  absl::Duration reader_patience = absl::Seconds(30);       // for a stream's reader to take a message
  absl::Duration reader_grace = absl::Milliseconds(7'500);  // after that, until the stream is cut
  absl::Duration handshake = absl::Seconds(20);
  absl::Duration keepalive_interval = absl::Seconds(40);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  absl::Duration idle_connection = absl::Minutes(5);  // without a call; then it is closed, and clients make a new one
};

}  // namespace skew

#endif  // SKEW_SERVER_API_LIMITS_H_
