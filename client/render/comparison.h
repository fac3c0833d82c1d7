// How a run that was done again came out.
#ifndef SKEW_CLIENT_RENDER_COMPARISON_H_
#define SKEW_CLIENT_RENDER_COMPARISON_H_

#include <string>

#include "absl/types/span.h"
#include "client/render/table.h"
#include "skew/v1/reuse_service.pb.h"

namespace skew {

// "j9.1 is bit-equal to j2.3", and otherwise what differs and how likely that is.
std::string ComparisonText(const v1::CompareRunsResponse& comparison);

// A row each.
Table ComparisonTable(absl::Span<const v1::CompareRunsResponse> comparisons);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_COMPARISON_H_
