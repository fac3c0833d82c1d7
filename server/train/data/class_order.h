// Orders of images by their classes.
#ifndef SKEW_SERVER_TRAIN_DATA_CLASS_ORDER_H_
#define SKEW_SERVER_TRAIN_DATA_CLASS_ORDER_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace skew::train {

// `positions` spread by class: of the first n, for every n, each class has its share of n to less than one image.
// Images of a class keep their order among themselves. labels[p] is the class of position p.
//
// Every image is a unit job of a task per class that must run between floor(j / share) and ceil((j + 1) / share); the
// earliest deadline first meets all of them (Baruah, Cohen, Plaxton, Varvel: "Proportionate progress", 1996).
std::vector<int64_t> SpreadByClass(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels);

// `positions` with the classes one after the other, by how many images each has in the whole training set, `labels`;
// of equally frequent classes the smaller label first. Images of a class keep their order among themselves.
std::vector<int64_t> FrequentFirst(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels);

// The classes of FrequentFirst the other way round.
std::vector<int64_t> RareFirst(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_DATA_CLASS_ORDER_H_
