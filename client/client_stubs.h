// What client.cc and client_streams.cc share; for nobody else.
#ifndef SKEW_CLIENT_CLIENT_STUBS_H_
#define SKEW_CLIENT_CLIENT_STUBS_H_

#include <memory>
#include <string>

#include "client/client.h"
#include "grpcpp/grpcpp.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/queue_service.grpc.pb.h"
#include "skew/v1/run_service.grpc.pb.h"
#include "skew/v1/server_service.grpc.pb.h"

namespace skew {

struct Client::Stubs {
  Stubs(std::shared_ptr<grpc::Channel> channel, std::string token);

  // What every call carries.
  void Prepare(grpc::ClientContext& context) const;

  const std::string token;
  const std::unique_ptr<v1::JobService::Stub> jobs;
  const std::unique_ptr<v1::RunService::Stub> runs;
  const std::unique_ptr<v1::ArtifactService::Stub> artifacts;
  const std::unique_ptr<v1::ServerService::Stub> server;
  const std::unique_ptr<v1::QueueService::Stub> queue;
};

}  // namespace skew

#endif  // SKEW_CLIENT_CLIENT_STUBS_H_
