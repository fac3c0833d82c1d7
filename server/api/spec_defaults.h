// Normalisation: every default of a job specification written out.
#ifndef SKEW_SERVER_API_SPEC_DEFAULTS_H_
#define SKEW_SERVER_API_SPEC_DEFAULTS_H_

#include "skew/v1/job.pb.h"

namespace skew {

// Fills what is absent with the defaults that job.proto documents. Values that are there stay, right or wrong.
void FillDefaults(v1::JobSpec& spec);

}  // namespace skew

#endif  // SKEW_SERVER_API_SPEC_DEFAULTS_H_
