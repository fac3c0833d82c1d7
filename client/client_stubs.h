// What the sources of Client share; for nobody else.
#ifndef SKEW_CLIENT_CLIENT_STUBS_H_
#define SKEW_CLIENT_CLIENT_STUBS_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "client/client.h"
#include "common/status.h"
#include "grpcpp/grpcpp.h"
#include "skew/v1/access_service.grpc.pb.h"
#include "skew/v1/admin_service.grpc.pb.h"
#include "skew/v1/analysis_service.grpc.pb.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/queue_service.grpc.pb.h"
#include "skew/v1/reuse_service.grpc.pb.h"
#include "skew/v1/run_service.grpc.pb.h"
#include "skew/v1/server_service.grpc.pb.h"

namespace skew {

// Items that a list asks for at a time: the most that the server gives.
constexpr size_t kPage = 1000;

struct Client::Stubs {
  Stubs(const std::shared_ptr<grpc::Channel>& channel, std::string token);

  // What every call carries.
  void Prepare(grpc::ClientContext& context) const;

  const std::string token;
  const std::unique_ptr<v1::JobService::Stub> jobs;
  const std::unique_ptr<v1::RunService::Stub> runs;
  const std::unique_ptr<v1::ArtifactService::Stub> artifacts;
  const std::unique_ptr<v1::ServerService::Stub> server;
  const std::unique_ptr<v1::AccessService::Stub> access;
  const std::unique_ptr<v1::AdminService::Stub> admin;
  const std::unique_ptr<v1::AnalysisService::Stub> analysis;
  const std::unique_ptr<v1::QueueService::Stub> queue;
  const std::unique_ptr<v1::ReuseService::Stub> reuse;
};

template <typename Stub, typename Response, typename Method, typename Request>
absl::StatusOr<Response> Client::Call(const std::unique_ptr<Stub>& stub, Method method, const Request& request) {
  return CallWithin<Stub, Response>(options_.call_deadline, stub, method, request);
}

template <typename Stub, typename Response, typename Method, typename Request>
absl::StatusOr<Response> Client::CallWithin(absl::Duration limit, const std::unique_ptr<Stub>& stub, Method method,
                                            const Request& request) {
  Response response;
  Retry retry = CallRetry();
  SKEW_RETURN_IF_ERROR(Repeat(retry, [&] {
    grpc::ClientContext context;
    stubs_->Prepare(context);
    context.set_deadline(absl::ToChronoTime(std::min(absl::Now() + limit, options_.deadline)));
    return FromGrpc((stub.get()->*method)(&context, request, &response));
  }));
  return response;
}

}  // namespace skew

#endif  // SKEW_CLIENT_CLIENT_STUBS_H_
