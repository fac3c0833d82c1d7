#include "common/status.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"

namespace skew {
namespace {

// The standard names, so that any client's status tools find them (see error.proto).
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

// gRPC's clients take no more than 8 KiB of all that comes with a status, and make an error of their own of what is
// longer. Together with the message once more among the details, and all of that in base64, within 8 KiB.
constexpr size_t kMostMessageBytes = 1500;  // as they are sent
constexpr size_t kMostViolationBytes = 1200;
constexpr size_t kLongestField = 200;
constexpr size_t kLongestDescription = 500;

// How gRPC sends a byte of a message: as it is, or as %XX.
size_t SentBytes(char c) { return c >= ' ' && c <= '~' && c != '%' ? 1 : 3; }

// As much of the text as is sent in so many bytes, cut between code points.
std::string Shortened(absl::string_view text, size_t most) {
  size_t sent = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    sent += SentBytes(text[i]);
    if (sent <= most) continue;
    while (i > 0 && (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U) --i;
    return absl::StrCat(text.substr(0, i), "...");
  }
  return std::string(text);
}

// As many of the violations as a client can be sent.
v1::BadRequest BadRequestOf(const std::vector<v1::FieldViolation>& violations) {
  v1::BadRequest details;
  for (const v1::FieldViolation& violation : violations) {
    v1::FieldViolation& added = *details.add_field_violations();
    added.set_field(Shortened(violation.field(), kLongestField));
    const size_t left = violations.size() - static_cast<size_t>(details.field_violations_size());
    if (details.ByteSizeLong() > kMostViolationBytes && left > 0) {
      added.set_description(absl::StrCat("is wrong, and so are ", left, " more"));
      break;
    }
    added.set_description(Shortened(violation.description(), kLongestDescription));
  }
  return details;
}

}  // namespace

absl::Status InvalidFields(const std::vector<v1::FieldViolation>& violations) {
  const v1::BadRequest details = BadRequestOf(violations);
  absl::Status status = absl::InvalidArgumentError(
      absl::StrJoin(details.field_violations(), "; ", [](std::string* out, const v1::FieldViolation& one) {
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

bool MayPass(const absl::Status& status) { return absl::IsResourceExhausted(status) || absl::IsUnavailable(status); }

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
  const std::string message = Shortened(status.message(), kMostMessageBytes);
  v1::StatusDetails details;
  status.ForEachPayload([&details](absl::string_view url, const absl::Cord& value) {
    google::protobuf::Any* any = details.add_details();
    any->set_type_url(std::string(url));
    any->set_value(std::string(value));
  });
  if (details.details().empty()) return {code, message};
  details.set_code(status.raw_code());
  details.set_message(message);
  return {code, message, details.SerializeAsString()};
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
