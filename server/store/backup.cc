#include "server/store/backup.h"

#include <google/protobuf/util/json_util.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/digest.h"
#include "common/file.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/version.h"
#include "server/store/event_log.h"
#include "server/store/schema.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

// What a backup is called until it is complete.
constexpr char kUnfinished[] = ".part";

bool IsName(const std::string& text) {
  if (text.empty() || text.size() > 64 || !absl::ascii_isalnum(static_cast<unsigned char>(text[0]))) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; });
}

// Others may keep folders of such names beside ours.
bool IsUnfinished(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.path().extension() == kUnfinished && entry.is_directory(ignored) &&
         (fs::exists(entry.path() / kBackedUpDatabase, ignored) || fs::is_empty(entry.path(), ignored));
}

// A new one, in place of one of ours that could not be removed. What others have under that name is not ours to fill,
// nor to remove.
absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  const fs::directory_entry there(path, error);
  if (!error && IsUnfinished(there)) fs::remove_all(path, error);
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  return SystemError(errno, absl::StrCat("cannot create ", path));
}

absl::Status WriteManifest(const std::string& path, const v1::BackupManifest& manifest) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(manifest, &json, options);
  if (!printed.ok()) return absl::InternalError(absl::StrCat("cannot write the manifest: ", printed.ToString()));
  return WriteFileAtomically(absl::StrCat(path, "/", kManifestFile), json);
}

// Every content that the database at `path` names, each once.
absl::StatusOr<std::vector<StoredContent>> ReadContents(Database& db) {
  std::vector<StoredContent> contents;
  std::optional<StoredContent> next = StoredContent{};
  while (true) {
    SKEW_ASSIGN_OR_RETURN(next, NextContent(db, next->digest));
    if (!next.has_value()) return contents;
    contents.push_back(*next);
  }
}

}  // namespace

absl::Status Backups::Open() {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return SystemError(error.value(), absl::StrCat("cannot create ", folder_));
  std::vector<fs::path> unfinished;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    if (IsUnfinished(entry)) unfinished.push_back(entry.path());
  }
  for (size_t i = 0; i < unfinished.size() && !error; ++i) fs::remove_all(unfinished[i], error);
  if (error) return SystemError(error.value(), absl::StrCat("cannot clean up ", folder_));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Backups::NameFor(const std::string& wish) const {
  std::string name = wish.empty() ? absl::FormatTime("%Y%m%dT%H%M%SZ", clock_->Now(), absl::UTCTimeZone()) : wish;
  if (!IsName(name) || fs::path(name).extension() == kUnfinished) {
    return InvalidField("name", absl::StrCat("'", name,
                                             "' is not 1 to 64 letters, digits and any of . _ -, with a letter or "
                                             "digit first and another end than ",
                                             kUnfinished));
  }
  std::error_code error;
  if (!fs::exists(absl::StrCat(folder_, "/", name), error)) return name;
  return absl::AlreadyExistsError(absl::StrCat("there is a backup ", name, " in ", folder_));
}

absl::StatusOr<v1::BackUpResponse> Backups::BackUp(const std::string& name, absl::FunctionRef<bool()> go_on,
                                                   const Actor& actor) {
  if (busy_.exchange(true)) return absl::FailedPreconditionError("another backup is being made");
  const absl::Cleanup done = [this] { busy_ = false; };
  v1::BackUpResponse response;
  SKEW_ASSIGN_OR_RETURN(*response.mutable_name(), NameFor(name));
  response.set_path(absl::StrCat(folder_, "/", response.name()));
  const std::string part = response.path() + kUnfinished;
  const Removals::Hold hold(removals_,
                            Removals::Hold::For::kLong);  // what the copy of the database names must be there
  SKEW_RETURN_IF_ERROR(MakeFolder(part));
  std::string ours = part;
  absl::Status status = Fill(part, go_on, *response.mutable_manifest());
  if (status.ok()) status = RenameToNew(part, response.path());
  if (status.ok()) {
    ours = response.path();
    status = SyncPath(folder_);
  }
  if (status.ok()) {
    status = connections_->Write(clock_->Now(), [&](WriteScope& scope) {
      return AppendAuditEvent(scope, actor, "BackUp", absl::StrCat("backup ", response.name()), response.path());
    });
  }
  if (!status.ok()) {
    std::error_code ignored;
    fs::remove_all(ours, ignored);
    return status;
  }
  return response;
}

absl::Status Backups::Fill(const std::string& path, absl::FunctionRef<bool()> go_on, v1::BackupManifest& manifest) {
  manifest.set_version(Version());
  *manifest.mutable_create_time() = ToProto(clock_->Now());
  SKEW_RETURN_IF_ERROR(CopyDatabase(path, manifest));
  SKEW_RETURN_IF_ERROR(CopyArtifacts(path, go_on, manifest));
  SKEW_RETURN_IF_ERROR(SyncFolders(path));
  return WriteManifest(path, manifest);
}

absl::Status Backups::CopyDatabase(const std::string& path, v1::BackupManifest& manifest) {
  std::error_code error;
  SKEW_RETURN_IF_ERROR(CheckRoom(static_cast<int64_t>(fs::file_size(connections_->path(), error))));
  const std::string copy = absl::StrCat(path, "/", kBackedUpDatabase);
  SKEW_RETURN_IF_ERROR(connections_->CopyTo(copy));
  SKEW_RETURN_IF_ERROR(SyncPath(copy));
  SKEW_ASSIGN_OR_RETURN(const std::string digest, Sha256HexOfFile(copy));
  v1::BackedUpFile& file = *manifest.mutable_database();
  file.set_path(kBackedUpDatabase);
  file.set_digest(digest);
  file.set_size_bytes(static_cast<int64_t>(fs::file_size(copy, error)));
  return absl::OkStatus();
}

absl::Status Backups::CopyArtifacts(const std::string& path, absl::FunctionRef<bool()> go_on,
                                    v1::BackupManifest& manifest) {
  SKEW_ASSIGN_OR_RETURN(
      const std::unique_ptr<Database> db,
      Database::Open(absl::StrCat(path, "/", kBackedUpDatabase), Database::Mode::kReadOnly, absl::ZeroDuration()));
  SKEW_RETURN_IF_ERROR(Annotate(db->CheckIntegrity(), "the database is damaged"));
  SKEW_ASSIGN_OR_RETURN(const int64_t schema, SchemaVersion(*db));
  manifest.set_schema_version(schema);
  SKEW_ASSIGN_OR_RETURN(const int64_t revision, NewestRevision(*db));
  manifest.set_revision(revision);
  SKEW_ASSIGN_OR_RETURN(const std::vector<StoredContent> contents, ReadContents(*db));
  int64_t bytes = 0;
  for (const StoredContent& content : contents) bytes += content.size_bytes;
  SKEW_RETURN_IF_ERROR(CheckRoom(bytes));
  for (const StoredContent& content : contents) {
    if (!go_on()) return absl::CancelledError("the backup was cancelled");
    const std::string name = absl::StrCat(kBackedUpArtifacts, StoredName(content.digest));
    const absl::Status copied = CopyContent(artifacts_->PathOf(content.digest), absl::StrCat(path, "/", name), content);
    if (absl::IsDataLoss(copied) || absl::IsNotFound(copied)) {
      absl::Status inspected = artifacts_->Inspect(content).status();
      if (!inspected.ok() && !absl::IsNotFound(inspected)) return inspected;
      manifest.add_damaged(content.digest);
      continue;
    }
    SKEW_RETURN_IF_ERROR(copied);
    v1::BackedUpFile& file = *manifest.add_artifacts();
    file.set_path(name);
    file.set_digest(content.digest);
    file.set_size_bytes(content.size_bytes);
  }
  return absl::OkStatus();
}

absl::Status Backups::CheckRoom(int64_t bytes) const {
  SKEW_ASSIGN_OR_RETURN(const int64_t free, FreeBytes(folder_));
  if (free - bytes >= reserve_->bytes()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      folder_, " has ", MebibytesText(free), " free; the backup takes ", MebibytesText(bytes), " and ",
      MebibytesText(reserve_->bytes()), " are kept free: make room, or have skewd put backups elsewhere (--backups)"));
}

}  // namespace skew
