// Listens without TLS, for logins of this machine.
#ifndef SKEW_SERVER_API_LOCAL_LISTENER_H_
#define SKEW_SERVER_API_LOCAL_LISTENER_H_

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

// Accepts connections itself, asks the kernel who is at the other end, and hands them over to a gRPC server: gRPC's own
// listeners do not tell. A call finds its connection by the number of its descriptor, which gRPC names as the peer
// ("fd:12") and keeps open for as long as any call of the connection lives, so that no other connection can get the
// number before. Thread-safe.
class LocalListener {
 public:
  LocalListener();
  // As Stop.
  ~LocalListener();
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;

  // Listens on a unix or loopback address and returns it with its port. A unix socket can be connected to by whoever
  // can reach its folder; one that a dead server left behind is replaced. UNAVAILABLE when the address cannot be had.
  absl::StatusOr<std::string> Listen(const ListenAddress& address);

  // Begins to accept, for `server`, which must run until Stop.
  void Serve(grpc::Server* server);
  // Accepts no more and removes the unix sockets; connections go on. Once is enough.
  void Stop();

  // The login behind the connection of a call that is going on; `peer` is its ServerContext::peer(). Absent when the
  // connection is not one of this listener's, or nobody is known to be behind it.
  std::optional<LocalPeer> PeerOf(absl::string_view peer) const;

 private:
  absl::Status ListenOnUnix(const std::string& path);
  absl::StatusOr<int> ListenOnTcp(SocketAddress address, int port);
  void Loop();
  void Accept(int socket);

  int stop_event_;
  std::vector<int> sockets_;
  std::vector<std::string> paths_;
  grpc::Server* server_ = nullptr;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  // By descriptor; that of a connection that has gone stays until its number is used again.
  std::unordered_map<int, std::optional<LocalPeer>> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace skew

#endif  // SKEW_SERVER_API_LOCAL_LISTENER_H_
