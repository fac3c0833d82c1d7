#include "server/store/quarantine.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/store/removals.h"

namespace skew {
namespace {

absl::Status ReadOwners(Database& db, v1::QuarantinedContent& content) {
  Statement row =
      db.Prepare("SELECT job_id, run_number, name FROM artifacts WHERE digest = ? ORDER BY job_id, run_number, name");
  row.Bind(content.digest());
  while (row.Step()) {
    content.add_artifacts(absl::StrCat(RunId{JobId{row.Int(0)}, row.Int32(1)}.ToString(), "/", row.Text(2)));
  }
  return row.status();
}

}  // namespace

absl::Status Quarantine::Take(const std::string& digest, const std::string& path, const std::string& problem) {
  SKEW_RETURN_IF_ERROR(connections_->Write(clock_->Now(), [&](WriteScope& scope) -> absl::Status {
    SKEW_ASSIGN_OR_RETURN(const bool named, IsNamed(scope.db, digest));
    if (!named) return absl::NotFoundError(absl::StrCat("no artifact has the content ", digest));
    return scope.db.Prepare("INSERT OR REPLACE INTO quarantine (digest, problem, time) VALUES (?, ?, ?)")
        .Bind(digest)
        .Bind(problem)
        .Bind(scope.now)
        .Run();
  }));
  const absl::Status moved = MoveFile(path, absl::StrCat(folder_, "/", digest));
  return absl::IsNotFound(moved) ? absl::OkStatus() : moved;
}

absl::Status Quarantine::Release(const std::string& digest) {
  return connections_->Write(clock_->Now(), [&](WriteScope& scope) {
    return scope.db.Prepare("DELETE FROM quarantine WHERE digest = ?").Bind(digest).Run();
  });
}

absl::StatusOr<bool> Quarantine::Has(const std::string& digest) {
  bool found = false;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) {
    Statement row = db.Prepare("SELECT 1 FROM quarantine WHERE digest = ?");
    found = row.Bind(digest).Step();
    return row.status();
  }));
  return found;
}

absl::StatusOr<v1::ListQuarantineResponse> Quarantine::List() {
  v1::ListQuarantineResponse response;
  SKEW_RETURN_IF_ERROR(connections_->Read([&](Database& db) -> absl::Status {
    Statement row = db.Prepare("SELECT digest, problem, time FROM quarantine ORDER BY digest");
    while (row.Step()) {
      v1::QuarantinedContent& content = *response.add_contents();
      content.set_digest(row.Text(0));
      content.set_problem(row.Text(1));
      *content.mutable_time() = ToProto(row.Time(2));
      SKEW_RETURN_IF_ERROR(ReadOwners(db, content));
    }
    return row.status();
  }));
  for (v1::QuarantinedContent& content : *response.mutable_contents()) {
    std::string path = absl::StrCat(folder_, "/", content.digest());
    std::error_code error;
    if (std::filesystem::exists(path, error)) content.set_path(std::move(path));
  }
  return response;
}

}  // namespace skew
