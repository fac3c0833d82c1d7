// Cells of values that may be absent.
#ifndef SKEW_CLIENT_RENDER_CELLS_H_
#define SKEW_CLIENT_RENDER_CELLS_H_

#include <string>

#include "client/render/format.h"
#include "client/render/table.h"

namespace skew {

inline Cell TimeCell(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return {"-", ""};
  return {TimeText(time), ExactTime(time)};
}

// For programs: nothing where there is no value.
inline std::string ExactIf(bool present, double value) { return present ? Exact(value) : ""; }

inline Cell OrDash(const std::string& text) { return {text.empty() ? "-" : text, text}; }

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_CELLS_H_
