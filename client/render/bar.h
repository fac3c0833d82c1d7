// Shares as bars of characters.
#ifndef SKEW_CLIENT_RENDER_BAR_H_
#define SKEW_CLIENT_RENDER_BAR_H_

#include <string>

#include "client/render/style.h"

namespace skew {

// "[#####-----]" with `width` columns in all (at least 3), `share` of them filled; shares outside 0..1 are clamped.
std::string ProgressBar(double share, int width, const Style& style);

// A bar from the left, at most `width` columns wide and not padded; in unicode it ends in eighths of a column, so that
// small shares can be told from none.
std::string ShareBar(double share, int width, const Style& style);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_BAR_H_
