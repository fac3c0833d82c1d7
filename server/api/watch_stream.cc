#include "server/api/watch_stream.h"

#include <utility>

#include "common/status.h"

namespace skew {

// One watcher. It is in one place at a time, and whoever has it moves it on, so that it never holds anybody up.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchJobResponse>,
                          public EventHub::Waiter,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(WatchPump* pump, Caller caller, JobId job, int64_t after_revision)
      : pump_(pump), job_(job), caller_(std::move(caller)), reached_(after_revision) {}

  void Start() {
    self_ = shared_from_this();
    pump_->Schedule(self_);
  }

  // On a pump thread: reads the next page and sends it, ends the stream, or waits for more.
  void Advance() {
    if (IsCancelled()) return End(Place::kPump, grpc::Status::CANCELLED);
    if (const absl::Status access = pump_->gate_->Recheck(caller_); !access.ok()) {
      return End(Place::kPump, ToGrpc(access));
    }
    const bool draining = pump_->hub_->draining();  // before the read: what was there then is sent
    absl::StatusOr<EventPage> page = pump_->events_->Read(job_, reached_, kPage);
    if (!page.ok()) return End(Place::kPump, ToGrpc(page.status()));
    if (!page->events.empty()) return SendPage(*std::move(page));
    if (page->complete) return SendEnd(v1::StreamEnd::JOB_FINISHED);
    if (draining) return SendEnd(v1::StreamEnd::DRAINING);
    AwaitEvents();
  }

  void Wake() override {
    if (Move(Place::kHub, Place::kPump)) pump_->Schedule(shared_from_this());
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(Place::kWrite, grpc::Status::CANCELLED);
    if (ended_) return End(Place::kWrite, grpc::Status::OK);
    if (next_ < page_.events.size()) return WriteNext();
    Move(Place::kWrite, Place::kPump);
    pump_->Schedule(shared_from_this());
  }

  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      cancelled_ = true;
    }
    // With the pump, the next Advance sees it; under way, the write fails.
    End(Place::kHub, grpc::Status::CANCELLED);
  }

  void OnDone() override {
    pump_->hub_->Disarm(job_, this);
    self_.reset();
  }

 private:
  enum class Place {
    kPump,   // being read for, or waiting for that
    kWrite,  // gRPC writes
    kHub,    // armed: there is nothing to send
    kDone,   // Finish was called
  };
  static constexpr int kPage = 256;

  bool Move(Place from, Place to) {
    absl::MutexLock lock(&mutex_);
    if (place_ != from) return false;
    place_ = to;
    return true;
  }

  bool IsCancelled() {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

  void AwaitEvents() {
    // Once it is armed, another thread may have it.
    Caller caller = caller_;
    Move(Place::kPump, Place::kHub);
    const bool armed = pump_->hub_->Arm(job_, reached_, shared_from_this());
    if (IsCancelled()) return End(Place::kHub, grpc::Status::CANCELLED);
    // Access that ended since it was last checked has woken nobody here.
    if (!armed || !pump_->gate_->Recheck(caller).ok()) Wake();
  }

  void SendPage(EventPage page) {
    Move(Place::kPump, Place::kWrite);
    page_ = std::move(page);
    next_ = 0;
    WriteNext();
  }

  void WriteNext() {
    response_.mutable_event()->Swap(&page_.events[next_++]);
    reached_ = response_.event().revision();
    StartWrite(&response_);
  }

  void SendEnd(v1::StreamEnd::Cause cause) {
    Move(Place::kPump, Place::kWrite);
    response_.mutable_end()->set_cause(cause);
    response_.mutable_end()->set_revision(reached_);
    ended_ = true;
    StartWrite(&response_);
  }

  // Finishes the stream, unless somebody else has it.
  void End(Place from, const grpc::Status& status) {
    if (Move(from, Place::kDone)) Finish(status);
  }

  WatchPump* const pump_;
  const JobId job_;
  std::shared_ptr<WatchStream> self_;  // until gRPC is done

  // Of whoever has the stream.
  Caller caller_;
  int64_t reached_;
  EventPage page_;
  size_t next_ = 0;
  v1::WatchJobResponse response_;
  bool ended_ = false;

  absl::Mutex mutex_;
  Place place_ ABSL_GUARDED_BY(mutex_) = Place::kPump;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

WatchPump::WatchPump(EventLog* events, EventHub* hub, AccessGate* gate, int threads)
    : events_(events), hub_(hub), gate_(gate) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

WatchPump::~WatchPump() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchPump::Watch(Caller caller, JobId job, int64_t after_revision) {
  const auto stream = std::make_shared<WatchStream>(this, std::move(caller), job, after_revision);
  stream->Start();
  return stream.get();
}

void WatchPump::Schedule(std::shared_ptr<WatchStream> stream) {
  absl::MutexLock lock(&mutex_);
  ready_.push_back(std::move(stream));
}

void WatchPump::Loop() {
  while (true) {
    std::shared_ptr<WatchStream> stream;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &WatchPump::HasWork));
      if (ready_.empty()) return;
      stream = std::move(ready_.front());
      ready_.pop_front();
    }
    stream->Advance();
  }
}

}  // namespace skew
