// The live view of a job: one screen of text.
#ifndef SKEW_CLIENT_RENDER_LIVE_FRAME_H_
#define SKEW_CLIENT_RENDER_LIVE_FRAME_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/render/style.h"
#include "client/render/watch_state.h"

namespace skew {

// At most `height` lines of at most `width` columns: counts and a bar of the whole job, one bar per active run (cell,
// step, speed, losses, time left, as far as they fit), and the newest class histograms as bars beside the trained
// shares. Runs take at most half of the screen, so that histograms stay in sight; what does not fit is counted.
std::vector<std::string> LiveFrame(const WatchState& state, absl::Time now, int width, int height, const Style& style);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_LIVE_FRAME_H_
