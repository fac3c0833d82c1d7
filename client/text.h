// Text on a terminal: what may be shown, and how wide it is.
#ifndef SKEW_CLIENT_TEXT_H_
#define SKEW_CLIENT_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace skew {

// `text` with every control character and every byte that is not UTF-8 replaced by '?', so that text from elsewhere
// can neither move the cursor nor break a line.
std::string Printable(absl::string_view text);

bool IsUtf8(absl::string_view text);

// Bytes of the first character of `text` (UTF-8, not empty); 0 when it does not begin with one.
size_t CharacterLength(absl::string_view text);

// Columns that `text` (UTF-8, perhaps with colour sequences "ESC [ ... m") takes on a terminal.
int DisplayWidth(absl::string_view text);

// The longest beginning of `text` that is at most `width` columns wide. Colour sequences are kept, and reset at the end
// when the text was cut.
std::string Clip(absl::string_view text, int width);

// `text` filled up with spaces to `width` columns; wider text comes back as it is.
std::string PadRight(absl::string_view text, int width);
std::string PadLeft(absl::string_view text, int width);

}  // namespace skew

#endif  // SKEW_CLIENT_TEXT_H_
