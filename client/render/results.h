// The table of a study.
#ifndef SKEW_CLIENT_RENDER_RESULTS_H_
#define SKEW_CLIENT_RENDER_RESULTS_H_

#include <string>

#include "client/render/style.h"
#include "client/render/table.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// One row per (bias point, model, class), shares in percent as mean ± sd; what concerns the whole cell (rejected,
// off-support, runs done) stands in its first row only. Below it what the figures mean and who judged. Fits 120 columns
// for three classes.
std::string ResultsText(const v1::GetResultsResponse& results, const Style& style);

// The same rows with every cell filled, shares from 0 to 1 unrounded, and empty where there is no estimate.
Table RawResultsTable(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_RESULTS_H_
