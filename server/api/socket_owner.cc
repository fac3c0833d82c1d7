#include "server/api/socket_owner.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace skew {
namespace {

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 request;
};

absl::Status Unanswered(const char* what, int error) {
  return absl::UnavailableError(absl::StrCat("sock_diag: ", what, ": ", std::strerror(error)));
}

void Set(const SocketAddress& from, __be32* address, __be16& port) {
  if (from.any.sa_family == AF_INET6) {
    std::memcpy(address, &from.v6.sin6_addr, sizeof(from.v6.sin6_addr));
    port = from.v6.sin6_port;
  } else {
    address[0] = from.v4.sin_addr.s_addr;
    port = from.v4.sin_port;
  }
}

Question QuestionFor(const SocketAddress& local, const SocketAddress& remote) {
  Question question{};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.request.sdiag_family = static_cast<__u8>(local.any.sa_family);
  question.request.sdiag_protocol = IPPROTO_TCP;
  question.request.idiag_states = 1U << TCP_ESTABLISHED;
  Set(local, question.request.id.idiag_src, question.request.id.idiag_sport);
  Set(remote, question.request.id.idiag_dst, question.request.id.idiag_dport);
  question.request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  question.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

absl::StatusOr<uid_t> Read(const nlmsghdr& header, const Question& question) {
  if (header.nlmsg_type == NLMSG_ERROR) {
    const auto* error = reinterpret_cast<const nlmsgerr*>(NLMSG_DATA(&header));
    if (error->error == -ENOENT) return absl::NotFoundError("there is no such socket");
    return Unanswered("answer", -error->error);
  }
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) {
    return Unanswered("answer", EPROTO);
  }
  // Where the socket is gone, one that listens on its port could be named instead.
  const auto* found = reinterpret_cast<const inet_diag_msg*>(NLMSG_DATA(&header));
  if (found->idiag_state != TCP_ESTABLISHED || found->id.idiag_sport != question.request.id.idiag_sport ||
      found->id.idiag_dport != question.request.id.idiag_dport) {
    return absl::NotFoundError("there is no such socket");
  }
  return found->idiag_uid;
}

}  // namespace

absl::StatusOr<uid_t> FindSocketOwner(const SocketAddress& local, const SocketAddress& remote) {
  const int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return Unanswered("socket", errno);
  const absl::Cleanup discard = [fd] { close(fd); };
  const Question question = QuestionFor(local, remote);
  if (send(fd, &question, sizeof(question), 0) != static_cast<ssize_t>(sizeof(question))) {
    return Unanswered("send", errno);
  }
  alignas(nlmsghdr) std::array<char, 8192> answer{};
  const ssize_t size = recv(fd, answer.data(), answer.size(), 0);
  if (size < 0) return Unanswered("receive", errno);
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (!NLMSG_OK(header, static_cast<size_t>(size))) return Unanswered("answer", EPROTO);
  return Read(*header, question);
}

}  // namespace skew
