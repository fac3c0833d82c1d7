// skewctl: flags -> Client and command, errors, exit code. Nothing else.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/channel_credentials.h"
#include "client/client.h"
#include "client/commands/command.h"
#include "client/commands/usage.h"
#include "client/duration.h"
#include "client/error_text.h"
#include "client/exit_code.h"
#include "client/server_address.h"
#include "client/text.h"
#include "common/commit.h"
#include "common/mutex_checks.h"
#include "common/status.h"
#include "common/version.h"

namespace {

struct Flags {
  std::string server;
  std::string output = "table";
  std::string timeout = "10s";
  skew::TlsSettings tls;
  bool insecure = false;
};

// Files and sockets opened later must not end up as standard input or output.
void OpenStandardFiles() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) close(fd);
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ConfigPath() {
  const std::string home = Environment("HOME");
  return home.empty() ? "" : absl::StrCat(home, "/.config/skew/config.yaml");
}

void AddGlobalFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", skew::VersionOf("skewctl", skew::Commit()));
  app.add_option("-s,--server", flags.server,
                 "host:port or unix:PATH. Default: SKEW_SERVER, else the current context of "
                 "~/.config/skew/config.yaml, else 127.0.0.1:7433");
  app.add_option("--ca", flags.tls.ca, "CA (PEM) of the server's certificate: connect with TLS")
      ->type_name("FILE")
      ->envname("SKEW_CA");
  app.add_option("--cert", flags.tls.certificate, "Your own certificate (PEM), which names you")
      ->type_name("FILE")
      ->envname("SKEW_CERT");
  app.add_option("--key", flags.tls.key, "Its private key (PEM)")->type_name("FILE")->envname("SKEW_KEY");
  app.add_flag("--insecure", flags.insecure, "Send a token to another machine without TLS");
  app.add_option("-o,--output", flags.output, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  app.add_option("--timeout", flags.timeout,
                 "How long to wait for a server that is not available (open watches: two minutes), "
                 "and, when given, for each answer (else a minute)")
      ->check(skew::DurationValidator())
      ->capture_default_str();
  app.formatter(std::make_shared<skew::HelpFormatter>());
  app.fallthrough();             // global flags after the command too
  app.require_subcommand(0, 1);  // a second command's name is an argument of the first
  app.footer(
      "Exit codes: 0 fine, 1 the job or run failed, or another error, 2 usage, a rejected spec, or what cannot be\n"
      "done with a job or run as it stands, 3 server unreachable, 4 cancelled, 5 timed out, 6 not authenticated or\n"
      "not allowed, 7 not found, 8 over a limit or no room: later perhaps.");
}

absl::StatusOr<skew::Client::Options> ClientOptions(const skew::Command& command, const Flags& flags,
                                                    bool timeout_given) {
  skew::Client::Options options;
  SKEW_ASSIGN_OR_RETURN(options.server, skew::ResolveServer({.flag = flags.server,
                                                             .env_server = Environment("SKEW_SERVER"),
                                                             .env_token = Environment("SKEW_TOKEN"),
                                                             .tls = flags.tls,
                                                             .insecure = flags.insecure,
                                                             .without_token = command.asks_for_token,
                                                             .config_path = ConfigPath()}));
  SKEW_ASSIGN_OR_RETURN(options.credentials, skew::CredentialsFor(options.server.tls));
  SKEW_ASSIGN_OR_RETURN(options.patience, skew::ParseTimeout(flags.timeout));
  if (timeout_given) options.call_deadline = options.patience;
  return options;
}

skew::Output OutputOf(const std::string& name) {
  if (name == "json") return skew::Output::kJson;
  return name == "csv" ? skew::Output::kCsv : skew::Output::kTable;
}

absl::StatusOr<skew::ExitCode> RunCommand(const skew::Command& command, const Flags& flags, bool timeout_given) {
  skew::Client::Options options;
  if (command.needs_server) {
    SKEW_ASSIGN_OR_RETURN(options, ClientOptions(command, flags, timeout_given));
  }
  const skew::Output output = OutputOf(flags.output);
  const bool terminal = isatty(STDOUT_FILENO) != 0 && isatty(STDERR_FILENO) != 0 && Environment("TERM") != "dumb";
  // Before the client, whose threads must not get the screen's signals.
  std::optional<skew::LiveScreen> screen;
  if (command.live && terminal && output == skew::Output::kTable) screen.emplace(STDOUT_FILENO);
  options.on_outage = [&screen](absl::string_view note) {
    const std::string line = absl::StrCat("skewctl: ", skew::Printable(note));
    if (screen.has_value()) {
      screen->Print(line);
    } else {
      std::cerr << line << std::endl;
    }
  };
  std::optional<skew::Client> client;
  if (command.needs_server) client.emplace(options);
  skew::Session session{.client = client.has_value() ? &*client : nullptr,
                        .options = &options,
                        .config_path = ConfigPath(),
                        .output = output,
                        .in = &std::cin,
                        .out = &std::cout,
                        .err = &std::cerr,
                        .screen = screen.has_value() ? &*screen : nullptr,
                        .colour = terminal && Environment("NO_COLOR").empty()};
  return command.run(session);
}

void AddCommands(CLI::App& app, skew::Command& command) {
  skew::AddSubmitCommand(app, command);
  skew::AddWatchCommand(app, command);
  skew::AddWaitCommand(app, command);
  skew::AddJobCommands(app, command);
  skew::AddRunCommands(app, command);
  skew::AddFileCommands(app, command);
  skew::AddDiffCommand(app, command);
  skew::AddServerCommands(app, command);
  skew::AddAccessCommands(app, command);
  skew::AddAdminCommands(app, command);
  skew::AddLoginCommands(app, command);
  skew::AddAnalyseCommand(app, command);
  skew::AddQueueCommands(app, command);
  skew::AddReuseCommands(app, command);
  skew::AddReportCommands(app, command);
  skew::AddReferenceCommands(app, command);
}

// Answers a shell, which wants an answer soon or none: errors are not for the line that somebody is typing.
int Complete(CLI::App& app, Flags& flags, const std::vector<std::string>& words) {
  const skew::Completion completion = skew::Complete(skew::Describe(app), words);
  skew::ShowCompletion(completion, std::cout);
  if (completion.values == skew::Values::kNone || completion.values == skew::Values::kFiles) return 0;
  try {
    app.parse(std::vector<std::string>(completion.program_flags.rbegin(), completion.program_flags.rend()));
  } catch (const CLI::ParseError&) {
    return 0;
  }
  flags.timeout = "1s";
  skew::Command command;
  command.run = [&completion](skew::Session& session) { return skew::CompleteIds(session, completion); };
  RunCommand(command, flags, /*timeout_given=*/true).IgnoreError();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  skew::SetMutexChecks();
  OpenStandardFiles();
  // Whoever closes our output has seen enough: end quietly, as filters do.
  signal(SIGPIPE, SIG_DFL);
  CLI::App app("Command line client of Skew", "skewctl");
  Flags flags;
  skew::Command command;
  AddGlobalFlags(app, flags);
  AddCommands(app, command);
  if (argc > 2 && argv[1] == absl::string_view(skew::kCompleteCommand)) {
    return Complete(app, flags, {argv + 2, argv + argc});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    std::cerr << "skewctl: " << skew::UsageErrorText(app, error) << std::endl;
    return static_cast<int>(skew::ExitCode::kRejected);
  }
  if (command.run == nullptr) {
    std::cerr << app.help();
    return static_cast<int>(skew::ExitCode::kRejected);
  }
  const absl::StatusOr<skew::ExitCode> result = RunCommand(command, flags, app.count("--timeout") > 0);
  if (result.ok()) return static_cast<int>(*result);
  std::cerr << skew::ErrorText(result.status(), command.spec_source);
  return static_cast<int>(skew::ExitCodeOf(result.status().code()));
}
