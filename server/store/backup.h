// Backups of the store: a folder with the database, the artifacts that it names, and a manifest.
#ifndef SKEW_SERVER_STORE_BACKUP_H_
#define SKEW_SERVER_STORE_BACKUP_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "server/store/artifact_store.h"
#include "server/store/audit_log.h"
#include "server/store/connections.h"
#include "server/store/disk_reserve.h"
#include "server/store/removals.h"
#include "skew/v1/admin_service.pb.h"

namespace skew {

// In a backup's folder; artifacts are in it as they are in the state directory.
constexpr char kManifestFile[] = "manifest.json";
constexpr char kBackedUpDatabase[] = "skew.db";
constexpr char kBackedUpArtifacts[] = "artifacts/";

// Makes backups. Thread-safe; one at a time.
class Backups {
 public:
  // `folder` takes the backups, each in a folder of its name; it may be on another disk than the store.
  Backups(Connections* connections, ArtifactStore* artifacts, Removals* removals, Clock* clock,
          const DiskReserve* reserve, std::string folder)
      : connections_(connections),
        artifacts_(artifacts),
        removals_(removals),
        clock_(clock),
        reserve_(reserve),
        folder_(std::move(folder)) {}

  // To be called first: removes what interrupted backups left.
  absl::Status Open();

  // See AdminService.BackUp. CANCELLED as soon as `go_on` says no; on any error nothing is left. Meanwhile nothing is
  // removed.
  absl::StatusOr<v1::BackUpResponse> BackUp(const std::string& name, absl::FunctionRef<bool()> go_on,
                                            const Actor& actor);

 private:
  absl::StatusOr<std::string> NameFor(const std::string& wish) const;
  absl::Status Fill(const std::string& path, absl::FunctionRef<bool()> go_on, v1::BackupManifest& manifest);
  absl::Status CopyDatabase(const std::string& path, v1::BackupManifest& manifest);
  absl::Status CopyArtifacts(const std::string& path, absl::FunctionRef<bool()> go_on, v1::BackupManifest& manifest);
  absl::Status CheckRoom(int64_t bytes) const;

  Connections* const connections_;
  ArtifactStore* const artifacts_;
  Removals* const removals_;
  Clock* const clock_;
  const DiskReserve* const reserve_;
  const std::string folder_;
  std::atomic<bool> busy_ = false;
};

}  // namespace skew

#endif  // SKEW_SERVER_STORE_BACKUP_H_
