#include "tests/testing/raw_call.h"

#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace skew {
namespace {

using google::protobuf::UnknownFieldSet;

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

// The submessages or strings with this field number.
std::vector<std::string> Fields(const std::string& message, int number) {
  UnknownFieldSet fields;
  EXPECT_TRUE(fields.ParseFromString(message));
  std::vector<std::string> found;
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) found.push_back(fields.field(i).length_delimited());
  }
  return found;
}

}  // namespace

grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path, const std::string& request,
                     const Metadata& metadata, std::vector<std::string>* responses, absl::Duration patience) {
  return RawStream(channel, path, {request}, metadata, responses, patience);
}

grpc::Status RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                       const std::vector<std::string>& requests, const Metadata& metadata,
                       std::vector<std::string>* responses, absl::Duration patience) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, path, &queue);
  call->StartCall(nullptr);
  next();
  bool goes_on = true;
  for (size_t i = 0; i + 1 < requests.size() && goes_on; ++i) {
    call->Write(ToBuffer(requests[i]), nullptr);
    goes_on = next();
  }
  if (goes_on) {
    call->WriteLast(ToBuffer(requests.back()), grpc::WriteOptions(), nullptr);
    next();
  }
  grpc::ByteBuffer response;
  while (true) {
    call->Read(&response, nullptr);
    if (!next()) break;
    if (responses != nullptr) responses->push_back(ToBytes(response));
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  return status;
}

grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const google::protobuf::MethodDescriptor& method,
                     const google::protobuf::Message& request, const Metadata& metadata) {
  return RawCall(channel, absl::StrCat("/", method.service()->full_name(), "/", method.name()),
                 request.SerializeAsString(), metadata);
}

std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor& type) {
  return std::unique_ptr<google::protobuf::Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

std::vector<const google::protobuf::MethodDescriptor*> MethodsOf(const std::shared_ptr<grpc::Channel>& channel) {
  // ServerReflectionRequest.list_services (7); ServerReflectionResponse.list_services_response (6).service (1).name (1)
  std::vector<std::string> responses;
  const grpc::Status status =
      RawCall(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3a\x01*", {}, &responses);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(responses.size(), 1u);
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const std::string& response : responses) {
    for (const std::string& list : Fields(response, 6)) {
      for (const std::string& service : Fields(list, 1)) {
        const std::string name = Fields(service, 1).at(0);
        if (!absl::StartsWith(name, "skew.v1.")) continue;
        const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
        EXPECT_NE(descriptor, nullptr) << name;
        for (int i = 0; descriptor != nullptr && i < descriptor->method_count(); ++i) {
          methods.push_back(descriptor->method(i));
        }
      }
    }
  }
  return methods;
}

Metadata Bearer(const std::string& token) { return {{"authorization", absl::StrCat("Bearer ", token)}}; }

}  // namespace skew
