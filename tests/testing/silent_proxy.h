// A connection that goes dead without being closed, as when a cable is pulled.
#ifndef SKEW_TESTS_TESTING_SILENT_PROXY_H_
#define SKEW_TESTS_TESTING_SILENT_PROXY_H_

#include <atomic>
#include <string>
#include <thread>

namespace skew {

// Forwards one connection to "127.0.0.1:PORT" until it falls silent. Thread-safe.
class SilentProxy {
 public:
  explicit SilentProxy(const std::string& target);
  ~SilentProxy();
  SilentProxy(const SilentProxy&) = delete;
  SilentProxy& operator=(const SilentProxy&) = delete;

  // "127.0.0.1:PORT"
  const std::string& address() const { return address_; }

  // From now on it takes what either side says and passes nothing on.
  void FallSilent() { silent_ = true; }

  // Pieces that the target has sent.
  int from_target() const { return from_target_; }

 private:
  void Loop();

  std::string address_;
  int listener_ = -1;
  int target_ = -1;
  int client_ = -1;
  std::atomic<bool> silent_ = false;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> from_target_ = 0;
  std::thread thread_;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_SILENT_PROXY_H_
