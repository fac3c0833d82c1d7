// One thing with all that is known of it, for people.
#ifndef SKEW_CLIENT_RENDER_DETAILS_H_
#define SKEW_CLIENT_RENDER_DETAILS_H_

#include <string>

#include "absl/types/span.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// State, counts of runs, what the stop rule has spared, why it waits or failed, when it should end (these by `runs`,
// all of the job or none), and the spec as YAML.
std::string JobDetails(const v1::Job& job, absl::Span<const v1::Run> runs);
// State, progress, newest histogram, attempts.
std::string RunDetails(const v1::Run& run);
std::string ServerDetails(const v1::ServerInfo& info, absl::Span<const v1::Dataset> datasets,
                          absl::Span<const v1::Classifier> classifiers);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_DETAILS_H_
