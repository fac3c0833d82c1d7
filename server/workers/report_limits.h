// What is taken from one worker.
#ifndef SKEW_SERVER_WORKERS_REPORT_LIMITS_H_
#define SKEW_SERVER_WORKERS_REPORT_LIMITS_H_

#include <cstdint>

namespace skew {

// A worker says something once a second at most and at evaluations. One that floods is slowed down by gRPC's flow
// control: its next report is read only when it may be stored.
struct ReportLimits {
  double per_second = 50;          // reports that are stored, in the long run
  double at_once = 1000;           // and in a row
  int64_t of_attempt = 2'000'000;  // one a second for 23 days
};

}  // namespace skew

#endif  // SKEW_SERVER_WORKERS_REPORT_LIMITS_H_
