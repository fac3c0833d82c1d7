#include "server/api/watch_stream.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "common/status.h"
#include "skew/v1/job_service.pb.h"

namespace skew {
namespace {

// Events in a page: each watcher that is being written to holds one page at most.
constexpr int kPageEvents = 64;

// Streams that one thread serves before others get their turn.
constexpr size_t kMostServedTogether = 128;

grpc::ByteBuffer Serialise(const v1::WatchJobResponse& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

// An EventPage as it goes over the wire, shared by all streams that write it.
struct MessagePage {
  struct Message {
    int64_t revision = 0;
    grpc::ByteBuffer bytes;
  };
  std::vector<Message> messages;
  int64_t bytes = 0;
  int64_t reached = 0;
  bool exhausted = false;
  bool complete = false;
};

absl::StatusOr<EventPage> ReadEvents(EventLog& events, const WatchTopic& topic, int64_t after_revision) {
  if (topic.job != EventHub::kAnyJob) return events.Read(topic.job, after_revision, kPageEvents);
  v1::JobFilter filter;
  if (!filter.ParseFromString(topic.filter)) return absl::InternalError("a filter cannot be read");
  return events.ReadAll(filter, after_revision, kPageEvents);
}

// `held` counts the bytes of all pages that are still there.
absl::StatusOr<std::shared_ptr<const MessagePage>> ReadPage(EventLog& events, const WatchTopic& topic,
                                                            int64_t after_revision, std::atomic<int64_t>& held) {
  SKEW_ASSIGN_OR_RETURN(EventPage page, ReadEvents(events, topic, after_revision));
  const std::shared_ptr<MessagePage> serialised(new MessagePage, [&held](const MessagePage* gone) {
    held -= gone->bytes;
    delete gone;
  });
  serialised->reached = page.reached;
  serialised->exhausted = page.exhausted;
  serialised->complete = page.complete;
  for (v1::Event& event : page.events) {
    v1::WatchJobResponse response;
    response.mutable_event()->Swap(&event);
    serialised->messages.push_back({response.event().revision(), Serialise(response)});
    serialised->bytes += static_cast<int64_t>(serialised->messages.back().bytes.Length());
  }
  held += serialised->bytes;
  return std::shared_ptr<const MessagePage>(serialised);
}

}  // namespace

// One watcher. It is in one place at a time, and whoever has it moves it on, so that it never holds anybody up.
class WatchStream final : public WatchReactor,
                          public EventHub::Waiter,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  WatchStream(WatchPump* pump, grpc::ServerContextBase& context, OpenStreams::Place place, Caller caller,
              WatchTopic topic, int64_t after_revision)
      : pump_(pump),
        topic_(std::move(topic)),
        open_(std::move(place)),
        reader_(pump->slow_readers_->Follow(context)),
        caller_(std::move(caller)),
        reached_(after_revision) {}

  void Start() {
    self_ = shared_from_this();
    pump_->hub_->Subscribe(topic_.job);  // before the first read: nothing that comes after that is missed
    pump_->Schedule(self_);
  }

  // Only for whoever has the stream.
  std::pair<WatchTopic, int64_t> position() const { return {topic_, reached_}; }

  // On a pump thread: sends the page that was read for its position, ends the stream, or waits for more. `draining`:
  // the hub did so before the page was read, so that what was there then is sent.
  void Proceed(const absl::StatusOr<std::shared_ptr<const MessagePage>>& page, bool draining) {
    if (IsCancelled()) return End(Place::kPump, grpc::Status::CANCELLED);
    if (const absl::Status access = pump_->gate_->Recheck(caller_); !access.ok()) {
      return End(Place::kPump, ToGrpc(access));
    }
    if (absl::IsOutOfRange(page.status()) && begun_) return SendEnd(Place::kPump, v1::StreamEnd::COMPACTED);
    if (!page.ok()) return End(Place::kPump, ToGrpc(page.status()));
    begun_ = true;
    if (!(*page)->messages.empty()) return SendPage(*page);
    reached_ = (*page)->reached;
    if (!(*page)->exhausted) return pump_->Schedule(shared_from_this());
    if ((*page)->complete) return SendEnd(Place::kPump, v1::StreamEnd::JOB_FINISHED);
    if (draining) return SendEnd(Place::kPump, v1::StreamEnd::DRAINING);
    AwaitEvents(Place::kPump);
  }

  void Wake() override {
    if (Move(Place::kHub, Place::kPump)) pump_->Schedule(shared_from_this());
  }

  void OnWriteDone(bool ok) override {
    const bool late = pump_->slow_readers_->IsLate(*reader_);
    reader_->End();
    if (!ok) return End(Place::kWrite, grpc::Status::CANCELLED);
    if (ended_) return End(Place::kWrite, grpc::Status::OK);
    if (late) return SendEnd(Place::kWrite, v1::StreamEnd::SLOW_CONSUMER);
    if (next_ < page_->messages.size()) return WriteNext();
    const bool exhausted = page_->exhausted;
    const bool complete = page_->complete;
    reached_ = page_->reached;
    page_ = nullptr;
    if (complete) return SendEnd(Place::kWrite, v1::StreamEnd::JOB_FINISHED);
    if (exhausted) return AwaitEvents(Place::kWrite);
    Move(Place::kWrite, Place::kPump);
    pump_->Schedule(shared_from_this());
  }

  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      cancelled_ = true;
    }
    // With the pump, the next Proceed sees it; under way, the write fails.
    End(Place::kHub, grpc::Status::CANCELLED);
  }

  void OnDone() override {
    pump_->hub_->Disarm(topic_.job, this);
    pump_->hub_->Unsubscribe(topic_.job);
    self_.reset();
  }

 private:
  enum class Place {
    kPump,   // being read for, or waiting for that
    kWrite,  // gRPC writes
    kHub,    // armed: there is nothing to send
    kDone,   // Finish was called
  };

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

  void AwaitEvents(Place from) {
    const int64_t reached = reached_;
    Caller caller = caller_;
    Move(from, Place::kHub);  // from here on, a cancel can end the stream, and once it is armed, others can have it
    const bool armed = pump_->hub_->Arm(topic_.job, reached, shared_from_this());
    if (IsCancelled()) {
      pump_->hub_->Disarm(topic_.job, this);
      return End(Place::kHub, grpc::Status::CANCELLED);
    }
    // Access that ended since it was last checked has woken nobody here.
    if (!armed || !pump_->gate_->Recheck(caller).ok()) Wake();
  }

  void SendPage(std::shared_ptr<const MessagePage> page) {
    Move(Place::kPump, Place::kWrite);
    page_ = std::move(page);
    next_ = 0;
    WriteNext();
  }

  void WriteNext() {
    const MessagePage::Message& message = page_->messages[next_++];
    reached_ = message.revision;
    reader_->Begin();
    StartWrite(&message.bytes);
  }

  void SendEnd(Place from, v1::StreamEnd::Cause cause) {
    Move(from, Place::kWrite);
    v1::WatchJobResponse response;
    response.mutable_end()->set_cause(cause);
    response.mutable_end()->set_revision(reached_);
    end_ = Serialise(response);
    ended_ = true;
    page_ = nullptr;
    reader_->Begin();
    StartWrite(&end_);
  }

  // Finishes the stream, unless somebody else has it.
  void End(Place from, const grpc::Status& status) {
    if (Move(from, Place::kDone)) Finish(status);
  }

  WatchPump* const pump_;
  const WatchTopic topic_;
  const OpenStreams::Place open_;
  const std::shared_ptr<SlowReaders::Reader> reader_;
  std::shared_ptr<WatchStream> self_;  // until gRPC is done

  // Of whoever has the stream.
  Caller caller_;
  int64_t reached_;
  bool begun_ = false;  // events after the first position were there
  std::shared_ptr<const MessagePage> page_;
  size_t next_ = 0;
  grpc::ByteBuffer end_;
  bool ended_ = false;

  absl::Mutex mutex_;
  Place place_ ABSL_GUARDED_BY(mutex_) = Place::kPump;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

WatchPump::WatchPump(EventLog* events, EventHub* hub, AccessGate* gate, OpenStreams* open_streams,
                     SlowReaders* slow_readers, int threads)
    : events_(events), hub_(hub), gate_(gate), open_streams_(open_streams), slow_readers_(slow_readers) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
}

WatchPump::~WatchPump() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::StatusOr<WatchReactor*> WatchPump::Watch(grpc::ServerContextBase& context, Caller caller, WatchTopic topic,
                                               int64_t after_revision) {
  SKEW_ASSIGN_OR_RETURN(OpenStreams::Place place, open_streams_->Open(OpenStreams::Kind::kWatch, caller.user));
  const auto stream = std::make_shared<WatchStream>(this, context, std::move(place), std::move(caller),
                                                    std::move(topic), after_revision);
  stream->Start();
  return stream.get();
}

void WatchPump::Schedule(std::shared_ptr<WatchStream> stream) {
  const Position position = stream->position();
  absl::MutexLock lock(&mutex_);
  Streams& streams = ready_[position];
  if (streams.empty()) order_.push_back(position);
  streams.push_back(std::move(stream));
}

WatchPump::Streams WatchPump::AwaitReady() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &WatchPump::HasWork));
  if (order_.empty()) return {};
  const Position position = order_.front();
  order_.pop_front();
  Streams& waiting = ready_[position];
  Streams taken(waiting.end() - static_cast<std::ptrdiff_t>(std::min(waiting.size(), kMostServedTogether)),
                waiting.end());
  waiting.resize(waiting.size() - taken.size());
  if (waiting.empty()) {
    ready_.erase(position);
  } else {
    order_.push_back(position);
  }
  return taken;
}

void WatchPump::Loop() {
  while (true) {
    const Streams streams = AwaitReady();
    if (streams.empty()) return;
    const auto [topic, reached] = streams.front()->position();
    const bool draining = hub_->draining();
    const absl::StatusOr<std::shared_ptr<const MessagePage>> page = ReadPage(*events_, topic, reached, held_bytes_);
    for (const std::shared_ptr<WatchStream>& stream : streams) stream->Proceed(page, draining);
  }
}

}  // namespace skew
