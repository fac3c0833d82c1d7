// Where two messages of one type differ.
#ifndef SKEW_CLIENT_RENDER_SPEC_DIFF_H_
#define SKEW_CLIENT_RENDER_SPEC_DIFF_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "client/render/table.h"
#include "google/protobuf/message.h"

namespace skew {

struct FieldDifference {
  // As in error messages and after --set: "training.epochs", "models[0].dcgan.width", "bias.fixed[2]".
  std::string path;
  // Values as in YAML, lists of single values as a whole: "[50, 100]". An empty message is "{}". Nothing where only the
  // other side has the field.
  std::optional<std::string> left;
  std::optional<std::string> right;
};

// Every field that is not the same on both sides, in the order of the .proto file. Fields that are set to their default
// differ from fields that are not set: normalise before.
std::vector<FieldDifference> Differences(const google::protobuf::Message& left, const google::protobuf::Message& right);

Table DifferenceTable(absl::Span<const FieldDifference> differences);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_SPEC_DIFF_H_
