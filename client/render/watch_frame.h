// The live view of a job.
#ifndef SKEW_CLIENT_RENDER_WATCH_FRAME_H_
#define SKEW_CLIENT_RENDER_WATCH_FRAME_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/render/watch_state.h"

namespace skew {

struct FrameSize {
  int width = 80;
  int height = 24;
};

// The lines of one picture, from top to bottom: the job, a bar and the counts of all runs; a line with a bar per active
// run; the newest class histograms as bars. At most `size.height` lines of at most `size.width` columns. With `colour`,
// lines hold colour sequences.
std::vector<std::string> WatchFrame(const WatchState& state, FrameSize size, bool colour, absl::Time now);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_WATCH_FRAME_H_
