// What several judges say of the same generated images, and how far they are apart.
#ifndef SKEW_COMMON_JUDGE_RESULTS_H_
#define SKEW_COMMON_JUDGE_RESULTS_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/judges.h"
#include "skew/v1/job_service.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Whether some of these runs were judged by more than one judge.
bool HaveMoreJudges(absl::Span<const v1::Run> runs);

// Adds what each judge of a cell's runs says (see ResultCell.judges), and to the classes, which are there, how far the
// judges are apart. `runs` have results, at least one. Nothing where there is one judge.
void AddJudgeResults(absl::Span<const v1::Run* const> runs, Judges& judges, v1::ResultCell& cell);

// The largest differences, as a sentence without an end: "2 judges differ by up to 1.25 percentage points in a mean
// share (dcgan, 0:2000 1:250 2:2000, class 1); corrected by up to 0.31 (...)". Empty where no cell had several judges.
std::string JudgeSpreadText(const std::vector<v1::ResultCell>& cells);
std::string JudgeSpreadText(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_COMMON_JUDGE_RESULTS_H_
