// What the runs say of a study's claims.
#ifndef SKEW_CLIENT_RENDER_FINDINGS_TABLE_H_
#define SKEW_CLIENT_RENDER_FINDINGS_TABLE_H_

#include <string>

#include "client/render/table.h"
#include "skew/v1/analysis_service.pb.h"

namespace skew {

// One row for the raw and one for the corrected values of each finding. At most 120 columns wide for up to 1000
// iterations and effects below 100. CSV holds the numbers unrounded and what the text has no room for.
Table FindingsTable(const v1::AnalyseJobsResponse& analysis);

// Below the table: notes on single findings, then on all of them, a line each.
std::string FindingsNotes(const v1::AnalyseJobsResponse& analysis);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_FINDINGS_TABLE_H_
