#include "common/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"

namespace skew {
namespace {

// The standard names, so that any client's status tools find them (see error.proto).
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

}  // namespace

absl::Status InvalidFields(const std::vector<v1::FieldViolation>& violations) {
  v1::BadRequest details;
  for (const v1::FieldViolation& violation : violations) *details.add_field_violations() = violation;
  absl::Status status =
      absl::InvalidArgumentError(absl::StrJoin(violations, "; ", [](std::string* out, const v1::FieldViolation& one) {
        absl::StrAppend(out, one.field(), ": ", one.description());
      }));
  status.SetPayload(kBadRequestUrl, absl::Cord(details.SerializeAsString()));
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  v1::FieldViolation violation;
  violation.set_field(std::string(field));
  violation.set_description(std::string(description));
  return InvalidFields({violation});
}

absl::Status ExhaustedForNow(absl::string_view message, absl::Duration delay) {
  v1::RetryInfo details;
  *details.mutable_retry_delay() = ToProto(delay);
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kRetryInfoUrl, absl::Cord(details.SerializeAsString()));
  return status;
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfoUrl);
  v1::RetryInfo details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return std::nullopt;
  return FromProto(details.retry_delay());
}

std::vector<v1::FieldViolation> FieldViolations(const absl::Status& status) {
  const auto payload = status.GetPayload(kBadRequestUrl);
  v1::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return {};
  return {details.field_violations().begin(), details.field_violations().end()};
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.raw_code());
  v1::StatusDetails details;
  status.ForEachPayload([&details](absl::string_view url, const absl::Cord& value) {
    google::protobuf::Any* any = details.add_details();
    any->set_type_url(std::string(url));
    any->set_value(std::string(value));
  });
  if (details.details().empty()) return {code, std::string(status.message())};
  details.set_code(status.raw_code());
  details.set_message(std::string(status.message()));
  return {code, std::string(status.message()), details.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  v1::StatusDetails details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& any : details.details())
      result.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return result;
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& value) { result.SetPayload(url, value); });
  return result;
}

}  // namespace skew
