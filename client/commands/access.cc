#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/commands/command.h"
#include "client/render/access_tables.h"
#include "client/render/format.h"
#include "client/scalar.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace skew {
namespace {

constexpr char kRoles[] = "viewer (reads), member (submits and changes own jobs) or admin";

struct UserFlags {
  std::string name;
  std::string role;
  bool disable = false;
  bool enable = false;
};

absl::StatusOr<v1::Role> ParseRole(const std::string& text) {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  if (text.empty()) return role;
  if (v1::Role_Parse(absl::AsciiStrToUpper(text), &role) && role != v1::ROLE_UNSPECIFIED) return role;
  return absl::InvalidArgumentError(absl::StrCat("--role: ", Quoted(text), " is not viewer, member or admin"));
}

// "90s", "12h" or "30d".
absl::StatusOr<absl::Duration> ParseLifetime(const std::string& text) {
  absl::Duration lifetime;
  const bool days = !text.empty() && text.back() == 'd';
  const std::string hours = days ? absl::StrCat(text.substr(0, text.size() - 1), "h") : text;
  if (!absl::ParseDuration(hours, &lifetime)) {
    return absl::InvalidArgumentError(absl::StrCat("--expires: ", Quoted(text), " is not a duration like 12h or 30d"));
  }
  return days ? 24 * lifetime : lifetime;
}

absl::StatusOr<ExitCode> ShowUser(Session& session, const absl::StatusOr<v1::User>& user) {
  SKEW_RETURN_IF_ERROR(user.status());
  SKEW_RETURN_IF_ERROR(ShowList<v1::User>(session, {*user}, &UserTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> AddUser(Session& session, const UserFlags& flags) {
  v1::CreateUserRequest request;
  request.set_name(flags.name);
  SKEW_ASSIGN_OR_RETURN(const v1::Role role, ParseRole(flags.role));
  request.set_role(role);
  return ShowUser(session, session.client->CreateUser(request));
}

absl::StatusOr<ExitCode> SetUser(Session& session, const UserFlags& flags) {
  v1::UpdateUserRequest request;
  request.set_name(flags.name);
  SKEW_ASSIGN_OR_RETURN(const v1::Role role, ParseRole(flags.role));
  request.set_role(role);
  if (flags.disable || flags.enable) request.set_disabled(flags.disable);
  return ShowUser(session, session.client->UpdateUser(request));
}

absl::StatusOr<ExitCode> ListUsers(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::User> users, session.client->ListUsers());
  SKEW_RETURN_IF_ERROR(ShowList(session, users, &UserTable));
  return ExitCode::kFine;
}

struct TokenFlags {
  std::string id;
  std::string user;
  std::string name;
  std::string expires;
};

absl::StatusOr<ExitCode> CreateToken(Session& session, const TokenFlags& flags) {
  v1::CreateTokenRequest request;
  request.set_user(flags.user);
  request.set_name(flags.name);
  if (!flags.expires.empty()) {
    SKEW_ASSIGN_OR_RETURN(const absl::Duration lifetime, ParseLifetime(flags.expires));
    *request.mutable_lifetime() = ToProto(lifetime);
  }
  SKEW_ASSIGN_OR_RETURN(const v1::CreateTokenResponse created, session.client->CreateToken(request));
  if (session.output == Output::kTable) {
    *session.err << "token " << created.token().id() << " of " << created.token().user() << ", good until "
                 << TimeText(created.token().expire_time()) << " UTC; this is the only time it is shown:" << std::endl;
  }
  SKEW_RETURN_IF_ERROR(ShowOne<v1::CreateTokenResponse>(session, created, &NewTokenTable,
                                                        [&] { return absl::StrCat(created.secret(), "\n"); }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> ListTokens(Session& session, const TokenFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Token> tokens, session.client->ListTokens(flags.user));
  SKEW_RETURN_IF_ERROR(ShowList(session, tokens, &TokenTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> RevokeToken(Session& session, const TokenFlags& flags) {
  SKEW_ASSIGN_OR_RETURN(const v1::Token token, session.client->RevokeToken(flags.id));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::Token>(session, token, &TokenTable, [&] {
    return absl::StrCat("token ", token.id(), " of ", token.user(), " is revoked, with all that were made with it\n");
  }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> WhoAmI(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const v1::WhoAmIResponse caller, session.client->WhoAmI());
  SKEW_RETURN_IF_ERROR(ShowList<v1::WhoAmIResponse>(session, {caller}, &WhoAmITable));
  return ExitCode::kFine;
}

struct AuditFlags {
  std::string actor;
  std::string object;
  int64_t limit = 100;
};

absl::StatusOr<ExitCode> Audit(Session& session, const AuditFlags& flags) {
  v1::ListAuditEventsRequest request;
  request.set_actor(flags.actor);
  request.set_object(flags.object);
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::AuditEvent> events,
                        session.client->ListAuditEvents(request, static_cast<size_t>(flags.limit)));
  SKEW_RETURN_IF_ERROR(ShowList(session, events, &AuditTable));
  return ExitCode::kFine;
}

// `run` with the flags becomes the chosen command when `command` is on the command line.
template <typename Flags>
void Choose(CLI::App* command, Command& chosen, const std::shared_ptr<Flags>& flags,
            absl::StatusOr<ExitCode> (*run)(Session&, const Flags&)) {
  command->callback(
      [flags, run, &chosen] { chosen.run = [flags, run](Session& session) { return run(session, *flags); }; });
}

void AddUserCommands(CLI::App& app, Command& chosen) {
  CLI::App* user = app.add_subcommand("user", "Who may use the server (for admins)")->require_subcommand(1);
  auto flags = std::make_shared<UserFlags>();
  CLI::App* add =
      user->add_subcommand("add", "Add a user; a login of the server's machine with this name is recognised");
  add->add_option("NAME", flags->name)->required();
  add->add_option("--role", flags->role, absl::StrCat(kRoles, "; default: member"));
  Choose(add, chosen, flags, &AddUser);
  user->add_subcommand("list", "List users")->callback([&chosen] { chosen.run = &ListUsers; });
  CLI::App* set = user->add_subcommand("set", "Change a user's role, or disable the user");
  set->add_option("NAME", flags->name)->required();
  set->add_option("--role", flags->role, kRoles);
  CLI::Option* disable = set->add_flag("--disable", flags->disable, "Let none of the user's credentials count");
  set->add_flag("--enable", flags->enable, "The opposite")->excludes(disable);
  Choose(set, chosen, flags, &SetUser);
}

void AddTokenCommands(CLI::App& app, Command& chosen) {
  CLI::App* token =
      app.add_subcommand("token", "API tokens, by which the server recognises you")->require_subcommand(1);
  auto flags = std::make_shared<TokenFlags>();
  CLI::App* create = token->add_subcommand("create", "Create a token and print it, this once");
  create->add_option("--user", flags->user, "For another user (for admins)");
  create->add_option("--name", flags->name, "What it is for, e.g. laptop");
  create->add_option("--expires", flags->expires, "When, from now: e.g. 12h or 30d; default: 90d");
  Choose(create, chosen, flags, &CreateToken);
  CLI::App* list = token->add_subcommand("list", "List your tokens, newest first");
  list->add_option("--user", flags->user, "Those of another user (for admins)");
  Choose(list, chosen, flags, &ListTokens);
  CLI::App* revoke = token->add_subcommand("revoke", "End a token, and those that were made with it, for good");
  revoke->add_option("TOKEN", flags->id, "e.g. t3")->required();
  Choose(revoke, chosen, flags, &RevokeToken);
}

}  // namespace

void AddAccessCommands(CLI::App& app, Command& chosen) {
  app.add_subcommand("whoami", "Show the user that the server takes you for")->callback([&chosen] {
    chosen.run = &WhoAmI;
  });
  AddUserCommands(app, chosen);
  AddTokenCommands(app, chosen);
  auto flags = std::make_shared<AuditFlags>();
  CLI::App* audit = app.add_subcommand("audit", "List who changed what, newest first (for admins)");
  audit->add_option("--actor", flags->actor, "Only this user's changes");
  audit->add_option("--object", flags->object, "Only changes of this, e.g. j17, 'user ada' or 'token t3'");
  audit->add_option("--limit", flags->limit, "At most so many")->check(WholeNumber(1))->capture_default_str();
  Choose(audit, chosen, flags, &Audit);
}

}  // namespace skew
