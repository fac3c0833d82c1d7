#include "client/render/admin_tables.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/render/cells.h"
#include "client/text.h"

namespace skew {
namespace {

int64_t ArtifactBytes(const v1::BackupManifest& manifest) {
  int64_t bytes = 0;
  for (const v1::BackedUpFile& file : manifest.artifacts()) bytes += file.size_bytes();
  return bytes;
}

Cell BytesCell(int64_t bytes) { return {BytesText(bytes), absl::StrCat(bytes)}; }

}  // namespace

Table BackupTable(absl::Span<const v1::BackUpResponse> backups) {
  Table table({{"backup", "backup"},
               {"path", "path"},
               {"revision", "revision", true},
               {"database", "database_bytes", true},
               {"artifacts", "artifacts", true},
               {"size", "artifact_bytes", true},
               {"damaged", "damaged", true}});
  for (const v1::BackUpResponse& backup : backups) {
    const v1::BackupManifest& manifest = backup.manifest();
    table.AddRow({backup.name(), backup.path(), absl::StrCat(manifest.revision()),
                  BytesCell(manifest.database().size_bytes()), absl::StrCat(manifest.artifacts_size()),
                  BytesCell(ArtifactBytes(manifest)), absl::StrCat(manifest.damaged_size())});
  }
  return table;
}

Table CheckTable(absl::Span<const v1::CheckArtifactsResponse> checks) {
  Table table({{"checked", "checked", true},
               {"size", "checked_bytes", true},
               {"damaged", "damaged", true},
               {"healed", "healed", true},
               {"in quarantine", "quarantined", true}});
  for (const v1::CheckArtifactsResponse& check : checks) {
    table.AddRow({absl::StrCat(check.checked()), BytesCell(check.checked_bytes()), absl::StrCat(check.damaged_size()),
                  absl::StrCat(check.healed_size()), absl::StrCat(check.quarantined())});
  }
  return table;
}

Table QuarantineTable(absl::Span<const v1::QuarantinedContent> contents) {
  Table table({{"sha-256", "digest"},
               {"found (UTC)", "found"},
               {"artifacts", "artifacts"},
               {"problem", "problem"},
               {"put aside as", "path"}});
  for (const v1::QuarantinedContent& content : contents) {
    table.AddRow({content.digest(), TimeCell(content.has_time(), content.time()),
                  absl::StrJoin(content.artifacts(), " "), content.problem(), OrDash(content.path())});
  }
  return table;
}

Table GarbageTable(absl::Span<const v1::CollectGarbageResponse> collections) {
  Table table({{"garbage", "kind"}, {"count", "count", true}, {"size", "size_bytes", true}});
  for (const v1::CollectGarbageResponse& collected : collections) {
    for (const v1::Garbage& garbage : collected.garbage()) {
      table.AddRow({garbage.kind(), absl::StrCat(garbage.count()), BytesCell(garbage.size_bytes())});
    }
  }
  return table;
}

std::string GarbageDetails(const v1::CollectGarbageResponse& collected, bool dry_run) {
  if (collected.garbage().empty()) return "nothing to remove: everything is to be kept\n";
  std::string text = GarbageTable({collected}).ToText();
  if (!collected.purged_jobs().empty()) {
    absl::StrAppend(&text,
                    dry_run ? "jobs that would go: " : "jobs that went: ", absl::StrJoin(collected.purged_jobs(), " "),
                    "\n");
  }
  absl::StrAppend(&text, dry_run ? "nothing was removed: this was a dry run\n" : "");
  return text;
}

std::string BackupDetails(const v1::BackUpResponse& backup) {
  const v1::BackupManifest& manifest = backup.manifest();
  std::string text =
      absl::StrCat("backup ", backup.name(), ": the store up to revision ", manifest.revision(), ", database ",
                   BytesText(manifest.database().size_bytes()), ", ", Counted(manifest.artifacts_size(), "artifact"),
                   " ", BytesText(ArtifactBytes(manifest)), "\non the server: ", Printable(backup.path()),
                   "\nto restore it, stop skewd, move its state directory away, and: skewd --state-dir DIR --restore ",
                   Printable(backup.path()), "\n");
  if (manifest.damaged_size() > 0) {
    absl::StrAppend(&text, "left out: ", Counted(manifest.damaged_size(), "damaged artifact"),
                    "; 'skewctl admin quarantine' lists them\n");
  }
  return text;
}

}  // namespace skew
