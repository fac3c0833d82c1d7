// Job specifications as users write them.
#ifndef SKEW_CLIENT_SPEC_FILE_H_
#define SKEW_CLIENT_SPEC_FILE_H_

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "skew/v1/job.pb.h"

namespace skew {

// Longer specs are refused.
inline constexpr size_t kMostSpecBytes = size_t{1} << 20;

// Reads the file at `path`, or `input` when the path is "-", and applies `overrides` ("PATH=VALUE", see
// field_override.h) in order. *.textproto, *.txtpb and *.pbtxt are text protobuf; everything else is YAML, which JSON
// is a part of.
//
// Checks that the text is a JobSpec, not whether it makes sense: that is the server's job. Every error is
// INVALID_ARGUMENT with a message ready to be shown, one line "file:line:column: path: problem" per error.
absl::StatusOr<v1::JobSpec> ReadSpec(const std::string& path, const std::vector<std::string>& overrides,
                                     std::istream& input);

// The same for a text at hand; `source` names it in errors.
absl::StatusOr<v1::JobSpec> ParseYamlSpec(const std::string& text, absl::string_view source);
absl::StatusOr<v1::JobSpec> ParseTextProtoSpec(const std::string& text, absl::string_view source);

}  // namespace skew

#endif  // SKEW_CLIENT_SPEC_FILE_H_
