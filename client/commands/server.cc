#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/render/details.h"
#include "client/render/format.h"
#include "client/render/listings.h"
#include "common/status.h"

namespace skew {
namespace {

Table InfoTable(absl::Span<const v1::ServerInfo> infos) {
  Table table({{"", "version"},
               {"", "commit"},
               {"", "build"},
               {"", "start_time"},
               {"", "revision"},
               {"", "draining"},
               {"", "addresses"},
               {"", "queued_runs"},
               {"", "active_runs"},
               {"", "disk_free_bytes"},
               {"", "disk_reserve_bytes"}});
  for (const v1::ServerInfo& info : infos) {
    table.AddRow(
        {info.version(), info.commit(), info.build(), ExactTime(info.start_time()), absl::StrCat(info.revision()),
         info.draining() ? "true" : "false", absl::StrJoin(info.addresses(), " "), absl::StrCat(info.queued_runs()),
         absl::StrCat(info.active_runs()), info.has_disk_free_bytes() ? absl::StrCat(info.disk_free_bytes()) : "",
         absl::StrCat(info.disk_reserve_bytes())});
  }
  return table;
}

absl::StatusOr<ExitCode> Info(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const v1::ServerInfo info, session.client->GetServerInfo());
  std::vector<v1::Dataset> datasets;
  std::vector<v1::Classifier> classifiers;
  if (session.output == Output::kTable) {
    SKEW_ASSIGN_OR_RETURN(datasets, session.client->ListDatasets());
    SKEW_ASSIGN_OR_RETURN(classifiers, session.client->ListClassifiers());
  }
  SKEW_RETURN_IF_ERROR(
      ShowOne<v1::ServerInfo>(session, info, &InfoTable, [&] { return ServerDetails(info, datasets, classifiers); }));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Devices(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Device> devices, session.client->ListDevices());
  SKEW_RETURN_IF_ERROR(ShowList(session, devices, &DeviceTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Datasets(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Dataset> datasets, session.client->ListDatasets());
  SKEW_RETURN_IF_ERROR(ShowList(session, datasets, &DatasetTable));
  return ExitCode::kFine;
}

absl::StatusOr<ExitCode> Classifiers(Session& session) {
  SKEW_ASSIGN_OR_RETURN(const std::vector<v1::Classifier> classifiers, session.client->ListClassifiers());
  SKEW_RETURN_IF_ERROR(ShowList(session, classifiers, &ClassifierTable));
  return ExitCode::kFine;
}

void Add(CLI::App& app, Command& chosen, const std::string& name, const std::string& what,
         absl::StatusOr<ExitCode> (*run)(Session&)) {
  app.add_subcommand(name, what)->callback([run, &chosen] { chosen.run = run; });
}

}  // namespace

void AddServerCommands(CLI::App& app, Command& chosen) {
  Add(app, chosen, "info", "Show the server's version, datasets and classifiers", &Info);
  Add(app, chosen, "devices", "List the server's devices and the runs that hold them", &Devices);
  Add(app, chosen, "datasets", "List the datasets that the server has", &Datasets);
  Add(app, chosen, "classifiers", "List the trained judges of generated images", &Classifiers);
}

}  // namespace skew
