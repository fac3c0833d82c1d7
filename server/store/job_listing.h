// Which jobs a list shows, found in the indexes without looking at others.
#ifndef SKEW_SERVER_STORE_JOB_LISTING_H_
#define SKEW_SERVER_STORE_JOB_LISTING_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/ids.h"
#include "server/store/sqlite.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// A piece of a list.
struct JobIdPage {
  std::vector<JobId> ids;
  // Where the next piece goes on: jobs with smaller numbers are still to be looked at. 0: there are none.
  int64_t before = 0;
};

// Newest first, at most `limit` jobs with numbers below `before` that `filter` lets through. Each condition (the states
// with the kind and the owner, each label) is a sorted range of an index, and the ranges are intersected by seeking in
// them in turn, so that the work is bounded by the smallest of them. When two that are large hardly meet, the search
// ends after some hundred seeks: then the page has fewer jobs than asked for, and a `before` to go on from.
absl::StatusOr<JobIdPage> FindJobs(Database& db, const v1::JobFilter& filter, int64_t before, int limit);

}  // namespace skew

#endif  // SKEW_SERVER_STORE_JOB_LISTING_H_
