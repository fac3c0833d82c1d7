#include <memory>
#include <string>
#include <vector>

#include "client/commands/command.h"
#include "client/render/admin_tables.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<ExitCode> BackUp(Session& session, const std::string& name) {
  SKEW_ASSIGN_OR_RETURN(const v1::BackUpResponse backup, session.client->BackUp(name));
  SKEW_RETURN_IF_ERROR(
      ShowOne<v1::BackUpResponse>(session, backup, &BackupTable, [&] { return BackupDetails(backup); }));
  return ExitCode::kFine;
}

// Fails while anything is in quarantine, so that a script notices.
absl::StatusOr<ExitCode> Check(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const v1::CheckArtifactsResponse check, session.client->CheckArtifacts());
  SKEW_RETURN_IF_ERROR(ShowList<v1::CheckArtifactsResponse>(session, {check}, &CheckTable));
  return check.quarantined() == 0 ? ExitCode::kFine : ExitCode::kFailed;
}

absl::StatusOr<ExitCode> Quarantine(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::QuarantinedContent> contents, session.client->ListQuarantine());
  SKEW_RETURN_IF_ERROR(ShowList(session, contents, &QuarantineTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> CollectGarbage(Session& session, bool dry_run) {
  SKEW_ASSIGN_OR_RETURN(const v1::CollectGarbageResponse collected, session.client->CollectGarbage(dry_run));
  SKEW_RETURN_IF_ERROR(ShowOne<v1::CollectGarbageResponse>(session, collected, &GarbageTable,
                                                           [&] { return GarbageDetails(collected, dry_run); }));
  return ExitCode::kFine;
}

void AddGarbageCommand(CLI::App& app, Command& chosen) {
  auto dry_run = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "gc", "Remove what the server is not to keep any longer, as it does by itself every hour (for admins)");
  command->add_flag("--dry-run", *dry_run, "Only say what that is");
  command->callback(
      [dry_run, &chosen] { chosen.run = [dry_run](Session& session) { return CollectGarbage(session, *dry_run); }; });
}

}  // namespace

void AddAdminCommands(CLI::App& app, Command& chosen) {
  AddGarbageCommand(app, chosen);
  CLI::App* admin =
      app.add_subcommand("admin", "Back up and check the server's store (for admins)")->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  CLI::App* backup = admin->add_subcommand(
      "backup", "Copy database and artifacts into a folder on the server, while everything goes on");
  backup->add_option("NAME", *name, "Of the folder. Default: the time, e.g. 20261124T104332Z");
  backup->callback([name, &chosen] { chosen.run = [name](Session& session) { return BackUp(session, *name); }; });
  admin
      ->add_subcommand("check",
                       "Read every artifact; damaged ones go into quarantine, whole ones come out. Exits 1 while "
                       "there are damaged ones")
      ->callback([&chosen] { chosen.run = &Check; });
  admin->add_subcommand("quarantine", "List damaged artifacts")->callback([&chosen] { chosen.run = &Quarantine; });
}

}  // namespace skew
