// What must be known to read results, as sentences.
#ifndef SKEW_CLIENT_RENDER_RESULTS_NOTES_H_
#define SKEW_CLIENT_RENDER_RESULTS_NOTES_H_

#include <string>

#include "skew/v1/job_service.pb.h"

namespace skew {

// "7 runs, about 1h 10m of a slot": what a stop rule has spared. "" where it has spared nothing.
std::string SparedText(const v1::SavedRuns& saved);

// What stopping early does to plain 95% intervals, and what the rule goes by (see common/stats/sequential.h). "" where
// no cell was stopped.
std::string StoppedEarlyText(const v1::SavedRuns& saved);

// "1 of 2 counted: 1 without an accepted image": how many of a cell's runs its shares rest on. "" where on all that
// succeeded, and from servers that do not say.
std::string UncountedText(const v1::ResultCell& cell);

// Below the table of results: cells whose shares rest on fewer runs than succeeded, and what the null arm, the judges
// and the stop rule come to, a paragraph each. "" when there is nothing.
std::string ResultsNotes(const v1::GetResultsResponse& results);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_RESULTS_NOTES_H_
