// What workers compute in when they may choose.
#ifndef SKEW_SERVER_JOBS_AUTO_PRECISION_H_
#define SKEW_SERVER_JOBS_AUTO_PRECISION_H_

#include "skew/v1/job.pb.h"

namespace skew {

// What AUTO will be on every one of these devices; AUTO when that is not known before a worker starts: where there are
// GPUs. A run that comes out in another precision than this says is not reused. Where it says AUTO, any is: FP32 and
// BF16 are taken for the same content there.
v1::Precision AutoPrecisionOn(bool has_gpus);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_AUTO_PRECISION_H_
