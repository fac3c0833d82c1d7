#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/contexts.h"
#include "client/secret_input.h"
#include "client/text.h"
#include "common/status.h"

namespace skew {
namespace {

struct LoginFlags {
  std::string context = "default";
  bool no_token = false;
};

// Certificates and logins of the server's machine need no token.
absl::StatusOr<Client::Options> OptionsToStore(Session& session, const LoginFlags& flags) {
  Client::Options options = *session.options;
  options.server.token.clear();
  if (flags.no_token || !options.server.tls.certificate.empty()) return options;
  SKEW_ASSIGN_OR_RETURN(options.server.token,
                        ReadSecret(absl::StrCat("Token for ", options.server.target, ": "), *session.in, *session.err));
  SKEW_RETURN_IF_ERROR(CheckTls(options.server));
  return options;
}

// The environment goes before every context.
void NoteEnvironment(Session& session) {
  const char* server = std::getenv("SKEW_SERVER");
  if (server == nullptr || *server == '\0') return;
  *session.err << "note: SKEW_SERVER is set, and goes before contexts: commands talk to " << Printable(server)
               << " until it is unset" << std::endl;
}

absl::StatusOr<ExitCode> Login(Session& session, const LoginFlags& flags) {
  if (session.config_path.empty())
    return absl::InvalidArgumentError("HOME is not set: there is no place for a context");
  SKEW_ASSIGN_OR_RETURN(const Client::Options options, OptionsToStore(session, flags));
  Client client(options);
  SKEW_ASSIGN_OR_RETURN(const v1::WhoAmIResponse caller, client.WhoAmI());
  SKEW_RETURN_IF_ERROR(SaveContext(session.config_path, flags.context, options.server));
  *session.err << "context " << flags.context << " in " << session.config_path << ": you are " << caller.user() << ", "
               << absl::AsciiStrToLower(v1::Role_Name(caller.role())) << ", on " << options.server.target << std::endl;
  NoteEnvironment(session);
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Contexts(Session& session, const std::string& name) {
  if (!name.empty()) {
    SKEW_RETURN_IF_ERROR(UseContext(session.config_path, name));
  }
  SKEW_ASSIGN_OR_RETURN(const std::vector<NamedContext> contexts, ListContexts(session.config_path));
  if (!name.empty()) {
    for (const NamedContext& one : contexts) {
      if (one.current) *session.err << "context " << one.name << ": " << Printable(one.server) << std::endl;
    }
    NoteEnvironment(session);
    return ExitCode::kFine;
  }
  Table table({{"context", "context"}, {"server", "server"}, {"token", "token"}, {"current", "current"}});
  for (const NamedContext& one : contexts) {
    table.AddRow({one.name,
                  one.server,
                  {one.has_token ? "yes" : "-", one.has_token ? "true" : "false"},
                  {one.current ? "*" : "", one.current ? "true" : "false"}});
  }
  Show(session, table);
  SKEW_RETURN_IF_ERROR(CheckWritten(session));
  return ExitCode::kFine;
}

}  // namespace

void AddLoginCommands(CLI::App& app, Command& chosen) {
  auto flags = std::make_shared<LoginFlags>();
  CLI::App* login = app.add_subcommand(
      "login", "Store a server and a token, read from a prompt or standard input, as the current context");
  login->add_option("--context", flags->context, "Its name")->capture_default_str();
  login->add_flag("--no-token", flags->no_token, "Be recognised by a client certificate, or as a login of the machine");
  login->callback([flags, &chosen] {
    chosen.run = [flags](Session& session) { return Login(session, *flags); };
    chosen.asks_for_token = true;
  });
  auto name = std::make_shared<std::string>();
  CLI::App* context = app.add_subcommand("context", "List the stored contexts, or make one the current one");
  context->add_option("NAME", *name, "The one to use from now on");
  context->callback([name, &chosen] {
    chosen.run = [name](Session& session) { return Contexts(session, *name); };
    chosen.needs_server = false;
  });
}

}  // namespace skew
