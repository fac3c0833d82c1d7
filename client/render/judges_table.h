// What each of several judges says of a study.
#ifndef SKEW_CLIENT_RENDER_JUDGES_TABLE_H_
#define SKEW_CLIENT_RENDER_JUDGES_TABLE_H_

#include <string>

#include "client/render/table.h"
#include "skew/v1/job_service.pb.h"

namespace skew {

// The beginning of its digest.
std::string ShortJudge(const std::string& digest);

// "4 epochs, seed 0"; "" where the server does not know.
std::string JudgeTrainingText(const v1::Classifier& judge);

// One row per cell, class and judge, the first judge first; only of cells that several judges judged. At most 120
// columns wide.
Table JudgesTable(const v1::GetResultsResponse& results);

// The same with whole digests, unrounded, and every value of the cell in every row. For CSV only.
Table AllJudges(const v1::GetResultsResponse& results);

// "The 2 judges differ by up to ...": a sentence; "" where there was one judge.
std::string JudgesSentence(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_JUDGES_TABLE_H_
