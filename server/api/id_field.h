// Ids in fields that are not called after what they name.
#ifndef SKEW_SERVER_API_ID_FIELD_H_
#define SKEW_SERVER_API_ID_FIELD_H_

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/ids.h"
#include "common/status.h"

namespace skew {

// As Id::Parse; INVALID_ARGUMENT names `field`.
template <typename Id>
absl::StatusOr<Id> ParseIdIn(absl::string_view field, absl::string_view text) {
  absl::StatusOr<Id> id = Id::Parse(text);
  if (id.ok()) return id;
  return InvalidField(field, FieldViolations(id.status()).at(0).description());
}

}  // namespace skew

#endif  // SKEW_SERVER_API_ID_FIELD_H_
