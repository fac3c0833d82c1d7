// Jobs as a study whose claims can be tested. For analysis.cc only.
#ifndef SKEW_COMMON_JOB_STUDY_H_
#define SKEW_COMMON_JOB_STUDY_H_

#include <cstdint>
#include <set>

#include "absl/types/span.h"
#include "common/analysis.h"
#include "common/stats/claims.h"
#include "skew/v1/job.pb.h"

namespace skew {

stats::Family FamilyOf(const v1::ModelSpec& model);

// Of the job's training sets.
std::set<int32_t> ClassesOf(const v1::Job& job);

// The runs that have a result and an accepted image, and the judges that can be corrected for. The jobs have the same
// classes.
stats::Study StudyOf(absl::Span<const JobToAnalyse> jobs);

}  // namespace skew

#endif  // SKEW_COMMON_JOB_STUDY_H_
