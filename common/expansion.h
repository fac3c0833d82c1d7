// From a job to its runs.
#ifndef SKEW_COMMON_EXPANSION_H_
#define SKEW_COMMON_EXPANSION_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// How many runs a job has at most, without making them; the largest number when there are more than can be counted.
// Also of a spec that was not normalised.
int64_t CountRuns(const v1::JobSpec& spec);

// The runs of a normalised spec, with model_index, model, bias_point, iteration and seed: every cell once before any
// cell twice, so that early results cover the whole table. A classifier training is one run. Where the spec has a stop
// rule, these are the iterations that every cell begins with.
//
// The seed of a run is a hash of (job seed, model index, bias point, iteration): independent streams for every run, and
// the same again for the same job.
std::vector<v1::Run> Expand(const v1::JobSpec& spec);

// The cell of a run: bias point and model index. In this order cells stand in results.
using CellKey = std::pair<std::map<int32_t, int32_t>, int32_t>;
CellKey CellOf(const v1::Run& run);

// The seed of the run with this model index, bias point and iteration.
uint32_t RunSeed(uint32_t job_seed, const v1::Run& run);

// Names of the models of a job: the family, with "#2", "#3" when a family appears again.
std::vector<std::string> ModelNames(const v1::JobSpec& spec);

// The class counts of the job's training sets, in the order of the varied counts or of the profile's ratios. Counts can
// be below 1 when the total or a ratio asks for that: CheckSpec refuses such a spec.
std::vector<v1::BiasPoint> BiasPoints(const v1::BiasSpec& bias);

}  // namespace skew

#endif  // SKEW_COMMON_EXPANSION_H_
