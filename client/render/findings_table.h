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

// A statistic's name where there is little room: at most 14 columns.
std::string ShortStatistic(const std::string& name);

// For people: the tests that the findings rest on, raw and corrected side by side: statistic, unadjusted p, and the
// adjusted equivalence p that makes a finding PRESERVED. Only of findings that were tested. At most 120 columns wide.
Table TestsTable(const v1::AnalyseJobsResponse& analysis);

// What a finding tests: "the VAE is less sharp". Empty for a claim that this program does not know.
std::string ClaimMeaning(const v1::Finding& finding);

// What an effect is, in words: "slope of the logit of ...". Empty for one that this program does not know.
std::string EffectMeaning(const std::string& effect_name);

// Whether the effect of a comparison is the quotient of the two, and not their difference.
bool IsRatio(const v1::Finding& finding);

// Below the findings: what each claim among them means, a line each, and what the columns are.
std::string ClaimsLegend(const v1::AnalyseJobsResponse& analysis);

// Below the tables: notes on single findings, then on all of them and on how to read p-values, a line each.
std::string FindingsNotes(const v1::AnalyseJobsResponse& analysis);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_FINDINGS_TABLE_H_
