// One event of a job as a line of text.
#ifndef SKEW_CLIENT_RENDER_EVENT_LINE_H_
#define SKEW_CLIENT_RENDER_EVENT_LINE_H_

#include <string>

#include "client/render/table.h"
#include "skew/v1/event.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// "dcgan 0:2000 1:250 2:2000 #0": model, bias point and iteration. Only the model when it has no bias point.
std::string RunLabel(const v1::Run& run);

// "2026-11-24T10:43:32Z 123 j17.3 dcgan 0:2000 1:250 2:2000 #0: step 1234/6000, ...": time, revision, and what
// happened; `run` is the run it concerns, null when that is not known. No control characters, no line end.
std::string EventLine(const v1::Event& event, const v1::Run* run);

// The same as a table with one row, for CSV.
Table EventTable(const v1::Event& event, const v1::Run* run);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_EVENT_LINE_H_
