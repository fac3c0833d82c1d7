// What the place where text is shown can do.
#ifndef SKEW_CLIENT_RENDER_STYLE_H_
#define SKEW_CLIENT_RENDER_STYLE_H_

#include "absl/time/time.h"

namespace skew {

struct Style {
  bool color = false;
  // Block characters and the plus-minus sign; otherwise ASCII only.
  bool unicode = true;
  absl::TimeZone zone = absl::UTCTimeZone();
};

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_STYLE_H_
