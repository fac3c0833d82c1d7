// Connections below gRPC.
#ifndef SKEW_TESTS_TESTING_RAW_SOCKET_H_
#define SKEW_TESTS_TESTING_RAW_SOCKET_H_

#include <string>

namespace skew {

// A TCP connection to "127.0.0.1:PORT"; -1 when it cannot be made.
int DialTcp(const std::string& address);

// Begins HTTP/2 as a client and says nothing more.
bool SayHttp2(int socket);

// Reads until the other side closes the connection, at most for so many seconds. Whether it did.
bool IsClosedWithin(int socket, int seconds);

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_RAW_SOCKET_H_
