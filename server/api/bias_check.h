// Which images a study wants to train on, and whether its dataset has them.
#ifndef SKEW_SERVER_API_BIAS_CHECK_H_
#define SKEW_SERVER_API_BIAS_CHECK_H_

#include "server/api/spec_findings.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/server_service.pb.h"

namespace skew {

// Adds what is wrong with `bias` of a study on the dataset. Its time and memory do not grow with numbers in the spec,
// only with its length.
void CheckBias(const v1::BiasSpec& bias, const v1::Dataset& dataset, SpecFindings& findings);

}  // namespace skew

#endif  // SKEW_SERVER_API_BIAS_CHECK_H_
