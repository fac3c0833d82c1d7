#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/fetch.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "common/status.h"

namespace skew {
namespace {

absl::StatusOr<ExitCode> List(Session& session, const std::string& id) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Artifact> artifacts, session.client->ListArtifacts(id));
  SKEW_RETURN_IF_ERROR(ShowList(session, artifacts, &ArtifactTable));
  return ExitCode::kFine;
}

struct FetchFlags {
  std::string run_id;
  std::string name;
  std::string out;
};

absl::StatusOr<ExitCode> Fetch(Session& session, const FetchFlags& flags) {
  if (flags.out == "-") {
    SKEW_RETURN_IF_ERROR(session.client
                             ->ReadArtifact(flags.run_id, flags.name,
                                            [&](absl::string_view data) {
                                              *session.out << data;
                                              return CheckWritten(session);
                                            })
                             .status());
    return ExitCode::kFine;
  }
  SKEW_ASSIGN_OR_RETURN(const std::string path, FetchPath(flags.name, flags.out));
  SKEW_ASSIGN_OR_RETURN(const v1::Artifact artifact, FetchToFile(*session.client, flags.run_id, flags.name, path));
  *session.err << "wrote " << path << " (" << BytesText(artifact.size_bytes()) << ")" << std::endl;
  return ExitCode::kFine;
}

}  // namespace

void AddFileCommands(CLI::App& app, Command& chosen) {
  auto id = std::make_shared<std::string>();
  CLI::App* artifacts = app.add_subcommand("artifacts", "List the files that a run, or all runs of a job, have made");
  artifacts->add_option("ID", *id, "e.g. j17 or j17.3")->required();
  artifacts->callback([id, &chosen] { chosen.run = [id](Session& session) { return List(session, *id); }; });

  auto flags = std::make_shared<FetchFlags>();
  CLI::App* fetch = app.add_subcommand("fetch", "Download one file of a run");
  fetch->add_option("RUN", flags->run_id, "e.g. j17.3")->required();
  fetch->add_option("NAME", flags->name, "e.g. samples.png")->required();
  fetch->add_option("--out", flags->out, "Where to, a file or a folder; - for standard output. Default: NAME")
      ->type_name("FILE");
  fetch->callback([flags, &chosen] { chosen.run = [flags](Session& session) { return Fetch(session, *flags); }; });
}

}  // namespace skew
