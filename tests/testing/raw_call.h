// Calls by name, for tests that go through every method there is.
#ifndef SKEW_TESTS_TESTING_RAW_CALL_H_
#define SKEW_TESTS_TESTING_RAW_CALL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/grpcpp.h"

namespace skew {

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Sends one request and reads to the end, whatever kind of method it is; gives up after `patience`. Responses are
// appended to `responses`, when it is not null.
grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path, const std::string& request,
                     const Metadata& metadata, std::vector<std::string>* responses = nullptr,
                     absl::Duration patience = absl::Seconds(10));
// The same with several requests, sent one after the other before anything is read.
grpc::Status RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                       const std::vector<std::string>& requests, const Metadata& metadata,
                       std::vector<std::string>* responses, absl::Duration patience);
grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const google::protobuf::MethodDescriptor& method,
                     const google::protobuf::Message& request, const Metadata& metadata);

// An empty message of a generated type.
std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor& type);

// Every method of skew.v1 that the server behind the channel has, by its own account (server reflection).
std::vector<const google::protobuf::MethodDescriptor*> MethodsOf(const std::shared_ptr<grpc::Channel>& channel);

// The metadata of a call with this token.
Metadata Bearer(const std::string& token);

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_RAW_CALL_H_
