// What workers compute in when they may choose.
#ifndef SKEW_SERVER_JOBS_AUTO_PRECISION_H_
#define SKEW_SERVER_JOBS_AUTO_PRECISION_H_

#include <vector>

#include "skew/v1/device.pb.h"
#include "skew/v1/job.pb.h"

namespace skew {

// What AUTO will be on every one of these devices; AUTO when that is not known before a worker starts: where there are
// GPUs. A run that comes out in another precision is not reused, so a wrong answer costs a training and no more.
v1::Precision AutoPrecisionOn(const std::vector<v1::Device>& devices);

}  // namespace skew

#endif  // SKEW_SERVER_JOBS_AUTO_PRECISION_H_
