// The streaming methods of Client, which pick up where they were interrupted.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/client_stubs.h"
#include "common/digest.h"
#include "common/slow_consumer.h"
#include "common/status.h"

namespace skew {
namespace {

// A stream that lived this long was well; what interrupts it is a new outage.
constexpr absl::Duration kLived = absl::Seconds(20);

// Gives `on_message` every message of the stream. Its error ends the stream and is returned; a stream that the server's
// end dropped, or cut since this one was too slow, is UNAVAILABLE.
template <typename Message, typename OnMessage>
absl::Status ReadStream(grpc::ClientContext& context, grpc::ClientReader<Message>& reader, OnMessage on_message) {
  Message message;
  while (reader.Read(&message)) {
    if (absl::Status status = on_message(message); !status.ok()) {
      context.TryCancel();
      reader.Finish().ok();
      return status;
    }
  }
  absl::Status status = FromGrpc(reader.Finish());
  if (absl::IsCancelled(status)) return absl::UnavailableError("the stream was cut");
  return IsSlowConsumer(status) ? absl::UnavailableError(status.message()) : status;
}

const char* ReasonOf(v1::StreamEnd::Cause cause) {
  switch (cause) {
    case v1::StreamEnd::DRAINING:
      return "the server is shutting down";
    case v1::StreamEnd::SLOW_CONSUMER:
      return "the stream was read too slowly";
    default:
      return "the stream was cut";
  }
}

// Proves that events come in order and, of one job, that they are all there, each once.
class EventOrder {
 public:
  enum class Of { kOneJob, kAllJobs };

  EventOrder(Of of, int64_t after_revision) : of_(of), revision_(after_revision), known_(after_revision == 0) {}

  absl::Status Check(const v1::Event& event) {
    if (of_ == Of::kOneJob && known_ && event.sequence() != sequence_ + 1) {
      return absl::DataLossError(absl::StrCat(
          "events of job ", event.job_id(), " are not complete: number ", event.sequence(), " follows number ",
          sequence_, event.sequence() > sequence_ ? "; some are missing" : "; some are there twice"));
    }
    if (event.revision() <= revision_) {
      return absl::DataLossError(absl::StrCat("events of job ", event.job_id(), " are not in order: revision ",
                                              event.revision(), " follows revision ", revision_));
    }
    known_ = true;
    sequence_ = event.sequence();
    revision_ = event.revision();
    return absl::OkStatus();
  }

  // The server has sent everything up to this revision.
  void Reach(int64_t revision) {
    if (of_ == Of::kAllJobs) revision_ = std::max(revision_, revision);
  }

  int64_t revision() const { return revision_; }

 private:
  const Of of_;
  int64_t revision_;
  int64_t sequence_ = 0;
  bool known_;
};

// Collects what is known of an artifact that is being read.
class ArtifactCheck {
 public:
  // Of the first message of each stream, whose content may not change in between.
  absl::Status Begin(const v1::Artifact& artifact) {
    if (!artifact_.digest().empty() && artifact.digest() != artifact_.digest()) {
      return absl::DataLossError(
          absl::StrCat("artifact ", artifact.name(), " of ", artifact.run_id(), " changed while it was read"));
    }
    artifact_ = artifact;
    return absl::OkStatus();
  }

  void Add(absl::string_view data) {
    size_ += static_cast<int64_t>(data.size());
    sha_.Add(data);
  }

  absl::StatusOr<v1::Artifact> End() {
    const std::string what = absl::StrCat("artifact ", artifact_.name(), " of ", artifact_.run_id(), ": ");
    if (size_ != artifact_.size_bytes()) {
      return absl::DataLossError(absl::StrCat(what, size_, " of ", artifact_.size_bytes(), " bytes came"));
    }
    if (const std::string digest = sha_.HexDigest(); digest != artifact_.digest()) {
      return absl::DataLossError(absl::StrCat(what, "its SHA-256 is ", digest, ", not ", artifact_.digest()));
    }
    return artifact_;
  }

  int64_t size() const { return size_; }

 private:
  v1::Artifact artifact_;
  Sha256 sha_;
  int64_t size_ = 0;
};

}  // namespace

template <typename Order, typename Open>
absl::Status Client::Follow(const std::string& what, Order order, Open open,
                            const std::function<absl::Status(const v1::Event&)>& on_event) {
  Retry retry = StreamRetry();
  return Repeat(retry, [&]() -> absl::Status {
    grpc::ClientContext context;
    stubs_->Prepare(context);
    context.set_deadline(absl::ToChronoTime(options_.deadline));
    v1::StreamEnd end;
    const absl::Time begin = absl::Now();
    const auto reader = open(context, order.revision());
    absl::Status status = ReadStream(context, *reader, [&](const v1::WatchJobResponse& message) -> absl::Status {
      if (message.has_end()) end = message.end();
      if (!message.has_event()) return absl::OkStatus();
      SKEW_RETURN_IF_ERROR(order.Check(message.event()));
      retry = StreamRetry();
      return on_event(message.event());
    });
    if (absl::Now() - begin > kLived) retry = StreamRetry();
    if (!status.ok() || end.cause() == v1::StreamEnd::JOB_FINISHED) return status;
    if (end.cause() == v1::StreamEnd::COMPACTED) {
      return absl::OutOfRangeError(absl::StrCat("the watch of ", what, " fell behind: events after revision ",
                                                order.revision(), " are not kept any more"));
    }
    order.Reach(end.revision());
    return absl::UnavailableError(ReasonOf(end.cause()));
  });
}

absl::Status Client::WatchJob(const std::string& job_id, int64_t after_revision,
                              const std::function<absl::Status(const v1::Event&)>& on_event) {
  const auto open = [&](grpc::ClientContext& context, int64_t after) {
    v1::WatchJobRequest request;
    request.set_job_id(job_id);
    request.set_after_revision(after);
    return stubs_->jobs->WatchJob(&context, request);
  };
  return Follow(absl::StrCat("job ", job_id), EventOrder(EventOrder::Of::kOneJob, after_revision), open, on_event);
}

absl::Status Client::WatchJobs(const v1::JobFilter& filter, int64_t after_revision,
                               const std::function<absl::Status(const v1::Event&)>& on_event) {
  const auto open = [&](grpc::ClientContext& context, int64_t after) {
    v1::WatchJobsRequest request;
    *request.mutable_filter() = filter;
    request.set_after_revision(after);
    return stubs_->jobs->WatchJobs(&context, request);
  };
  return Follow("all jobs", EventOrder(EventOrder::Of::kAllJobs, after_revision), open, on_event);
}

absl::Status Client::ReadLog(const std::string& run_id, int32_t attempt, bool follow,
                             const std::function<absl::Status(absl::string_view)>& on_data) {
  v1::ReadLogRequest request;
  request.set_run_id(run_id);
  request.set_attempt(attempt);
  request.set_follow(follow);
  if (attempt == 0) {
    // By number, so that an interrupted stream does not go on in a newer attempt.
    SKEW_ASSIGN_OR_RETURN(const v1::Run run, GetRun(run_id));
    if (!run.attempts().empty()) request.set_attempt(run.attempts().rbegin()->number());
  }
  Retry retry = StreamRetry();
  return Repeat(retry, [&]() -> absl::Status {
    grpc::ClientContext context;
    stubs_->Prepare(context);
    context.set_deadline(absl::ToChronoTime(options_.deadline));
    const absl::Time begin = absl::Now();
    const auto reader = stubs_->runs->ReadLog(&context, request);
    absl::Status status = ReadStream(context, *reader, [&](const v1::ReadLogResponse& message) -> absl::Status {
      if (message.offset() != request.offset()) {
        return absl::DataLossError(absl::StrCat("log of ", run_id, ": byte ", message.offset(), " came where byte ",
                                                request.offset(), " was next"));
      }
      request.set_offset(request.offset() + static_cast<int64_t>(message.data().size()));
      retry = StreamRetry();
      return on_data(message.data());
    });
    if (absl::Now() - begin > kLived) retry = StreamRetry();
    return status;
  });
}

absl::StatusOr<v1::Artifact> Client::ReadArtifact(const std::string& run_id, const std::string& name,
                                                  const std::function<absl::Status(absl::string_view)>& on_data) {
  ArtifactCheck check;
  Retry retry = CallRetry();
  SKEW_RETURN_IF_ERROR(Repeat(retry, [&]() -> absl::Status {
    grpc::ClientContext context;
    stubs_->Prepare(context);
    context.set_deadline(absl::ToChronoTime(options_.deadline));
    v1::ReadArtifactRequest request;
    request.set_run_id(run_id);
    request.set_name(name);
    request.set_offset(check.size());
    const auto reader = stubs_->artifacts->ReadArtifact(&context, request);
    return ReadStream(context, *reader, [&](const v1::ReadArtifactResponse& message) -> absl::Status {
      if (message.has_artifact()) SKEW_RETURN_IF_ERROR(check.Begin(message.artifact()));
      if (message.data().empty()) return absl::OkStatus();
      check.Add(message.data());
      retry = StreamRetry();
      return on_data(message.data());
    });
  }));
  return check.End();
}

}  // namespace skew
