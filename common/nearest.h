// What somebody may have meant who misspelt a word.
#ifndef SKEW_COMMON_NEAREST_H_
#define SKEW_COMMON_NEAREST_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace skew {

// The one of `known` that somebody who wrote `word` may have meant; empty when none is near.
std::string Nearest(absl::string_view word, absl::Span<const std::string> known);

}  // namespace skew

#endif  // SKEW_COMMON_NEAREST_H_
