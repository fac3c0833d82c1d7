// The largest messages, on both sides of every connection, and what may be under way.
#ifndef SKEW_COMMON_MESSAGE_LIMITS_H_
#define SKEW_COMMON_MESSAGE_LIMITS_H_

namespace skew {

// Twice the largest spec, whose own check can then explain itself. No more: what is parsed, before anybody knows who
// calls, can take more than thirty times as much memory.
constexpr int kMostRequestBytes = 2 << 20;

// Far more than a page of runs; less than what the results of the largest study, run by run, could come to.
constexpr int kMostResponseBytes = 256 << 20;

// Of a worker; its largest report describes a classifier.
constexpr int kMostReportBytes = 1 << 20;

// Of the daemon to a worker: the largest spec and the description of a judge.
constexpr int kMostOrderBytes = 4 << 20;

// What a client takes of a stream before it has read it. Fixed, because gRPC's way of finding a window (BDP probes)
// answers every small message with a ping: for polling scripts and watchers that doubles the wake-ups on both sides.
constexpr int kClientReadAheadBytes = 1 << 20;

}  // namespace skew

#endif  // SKEW_COMMON_MESSAGE_LIMITS_H_
