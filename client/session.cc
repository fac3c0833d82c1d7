#include "client/session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {

absl::StatusOr<Client*> Session::client() {
  if (client_ != nullptr) return client_.get();
  AddressSources sources = surroundings_.server;
  sources.flag = flags_.server;
  Client::Options options;
  SKEW_ASSIGN_OR_RETURN(options.server, ResolveServer(sources));
  if (flags_.timeout.has_value()) {
    options.patience = *flags_.timeout;
    options.stream_patience = *flags_.timeout;
  }
  options.on_outage = [this](absl::string_view note) {
    if (on_outage_ != nullptr) return on_outage_(note);
    Note(note);
  };
  client_ = std::make_unique<Client>(std::move(options));
  return client_.get();
}

absl::Status Session::Print(absl::string_view text) {
  out() << text << std::flush;
  return out() ? absl::OkStatus() : absl::UnknownError("standard output cannot be written");
}

void Session::Note(absl::string_view text) { Complain(absl::StrCat("skewctl: ", text)); }

void Session::Complain(absl::string_view line) { *surroundings_.err << line << "\n" << std::flush; }

}  // namespace skew
