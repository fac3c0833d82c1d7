// Accepts connections, few enough for there to be room for everything else.
#ifndef SKEW_SERVER_API_LISTENER_H_
#define SKEW_SERVER_API_LISTENER_H_

#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "server/api/listen_address.h"
#include "server/api/local_peer.h"

namespace skew {

// Accepts connections itself and hands them over to a gRPC server: gRPC's own listeners take any number, and one that
// finds no descriptor free never takes another. Those of this machine and without TLS are the second reason: the kernel
// is asked who is at the other end. A call finds its connection by the number of its descriptor, which gRPC names as
// the peer
// ("fd:12") and keeps open for as long as any call of the connection lives, so that no other connection can get the
// number before. Thread-safe.
class Listener {
 public:
  // Takes at most `most_connections` at once, and three quarters of them from one login or address: what comes above
  // that waits, or is closed.
  explicit Listener(int most_connections = 10'000);
  // As Stop.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Something that makes gRPC connections of accepted ones, with TLS or without.
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  // Listens on an address and returns it with its port. Without an acceptor, the address is a unix or loopback address,
  // and its connections are of logins; with one (borrowed; it outlives the listener), of anybody. A unix socket can be
  // connected to by whoever can reach its folder; one that a dead server left behind is replaced. [::] is IPv6 and
  // IPv4. UNAVAILABLE when the address cannot be had.
  absl::StatusOr<std::string> Listen(const ListenAddress& address, Acceptor* acceptor = nullptr);

  // Begins to accept, for `server`, which must run until Stop.
  void Serve(grpc::Server* server);
  // Accepts no more and removes the unix sockets; connections go on. Once is enough.
  void Stop();

  // The login behind the connection of a call that is going on; `peer` is its ServerContext::peer(). Absent when the
  // connection is not one of this listener's, or nobody is known to be behind it.
  std::optional<LocalPeer> PeerOf(absl::string_view peer) const;

 private:
  struct Socket {
    int fd;
    Acceptor* acceptor;
  };

  absl::Status ListenOnUnix(const std::string& path);
  absl::StatusOr<int> ListenOnTcp(SocketAddress address, int port, Acceptor* acceptor);
  void Loop();
  void Accept(const Socket& socket);
  // Whether one more may come: from there, unless it is null.
  bool HasRoom(const std::string* from);
  void ForgetClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // A connection that gRPC has, or had.
  struct Connection {
    std::optional<LocalPeer> peer;
    std::string from;  // the login, or the address
    ino_t socket = 0;  // by which it is told from what gets its number later
  };

  const size_t most_connections_;
  int stop_event_;
  std::vector<Socket> sockets_;
  std::vector<std::string> paths_;
  grpc::Server* server_ = nullptr;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  // By descriptor; one that is closed stays until its number is used again, or room is needed.
  std::unordered_map<int, Connection> connections_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_warning_ = absl::InfinitePast();  // of the thread
};

}  // namespace skew

#endif  // SKEW_SERVER_API_LISTENER_H_
