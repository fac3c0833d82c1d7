// What the commands about the server's store show.
#ifndef SKEW_CLIENT_RENDER_ADMIN_TABLES_H_
#define SKEW_CLIENT_RENDER_ADMIN_TABLES_H_

#include <string>

#include "absl/types/span.h"
#include "client/render/table.h"
#include "skew/v1/admin_service.pb.h"

namespace skew {

Table BackupTable(absl::Span<const v1::BackUpResponse> backups);
Table CheckTable(absl::Span<const v1::CheckArtifactsResponse> checks);
Table QuarantineTable(absl::Span<const v1::QuarantinedContent> contents);

Table GarbageTable(absl::Span<const v1::CollectGarbageResponse> collections);

// What was removed, or with `dry_run` would be.
std::string GarbageDetails(const v1::CollectGarbageResponse& collected, bool dry_run);

// What was backed up, and how it is restored.
std::string BackupDetails(const v1::BackUpResponse& backup);

}  // namespace skew

#endif  // SKEW_CLIENT_RENDER_ADMIN_TABLES_H_
