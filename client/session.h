// What a command works with: the user's surroundings, the global flags, and the server.
#ifndef SKEW_CLIENT_SESSION_H_
#define SKEW_CLIENT_SESSION_H_

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/client.h"
#include "client/exit_code.h"
#include "client/render/json.h"
#include "client/render/style.h"
#include "client/render/table.h"
#include "client/server_address.h"

namespace skew {

// The process's standard streams and environment.
struct Surroundings {
  std::istream* in;
  std::ostream* out;
  std::ostream* err;
  // Of standard output.
  Style style;
  // Descriptor of a terminal that a live view may be drawn on; -1 when there is none.
  int terminal = -1;
  // All but `flag`.
  AddressSources server;
};

enum class Output { kTable, kJson, kCsv };

struct GlobalFlags {
  std::string server;
  Output output = Output::kTable;
  // How long an unavailable server is tried; without a value each kind of call has its own default.
  std::optional<absl::Duration> timeout;
};

// Thread-compatible.
class Session {
 public:
  Session(Surroundings surroundings, GlobalFlags flags)
      : surroundings_(std::move(surroundings)), flags_(std::move(flags)) {}

  // Made on first use, because it starts threads. INVALID_ARGUMENT for a bad address.
  absl::StatusOr<Client*> client();

  Output output() const { return flags_.output; }
  const Style& style() const { return surroundings_.style; }
  // -1 when there is none, or when the output is for programs.
  int live_terminal() const { return flags_.output == Output::kTable ? surroundings_.terminal : -1; }
  std::istream& in() { return *surroundings_.in; }
  std::ostream& out() { return *surroundings_.out; }

  // Standard output: results. An error when it cannot be written.
  absl::Status Print(absl::string_view text);
  // Standard error: progress and notes. Adds "skewctl: " and the line's end.
  void Note(absl::string_view text);
  // Standard error, a whole line as it is.
  void Complain(absl::string_view line);

  // Who is told of outages; null: they are notes. Not owned by the client, which calls it during its own calls only.
  void set_on_outage(std::function<void(absl::string_view)> sink) { on_outage_ = std::move(sink); }

  // Prints messages as the user wants them: a table, CSV, or one JSON object a line.
  template <typename Message, typename TableOf, typename RawTableOf>
  absl::Status PrintList(absl::Span<const Message> messages, TableOf table_of, RawTableOf raw_table_of) {
    if (output() == Output::kTable) return Print(table_of(messages).ToText(style()));
    if (output() == Output::kCsv) return Print(raw_table_of(messages).ToCsv());
    std::string lines;
    for (const Message& message : messages) lines += JsonLine(message);
    return Print(lines);
  }

 private:
  const Surroundings surroundings_;
  const GlobalFlags flags_;
  std::function<void(absl::string_view)> on_outage_;
  std::unique_ptr<Client> client_;
};

// A command line's command, ready to run.
using Command = std::function<absl::StatusOr<ExitCode>(Session&)>;

}  // namespace skew

#endif  // SKEW_CLIENT_SESSION_H_
