#include "tests/testing/disk_replay.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace skew {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSector = 512;

bool Coin(std::mt19937_64& random) { return (random() & 1) != 0; }

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

DiskReplay::DiskReplay(IgnoredSync ignored_sync) : ignored_sync_(std::move(ignored_sync)), nodes_(1) {
  nodes_[0].folder = true;
}

void DiskReplay::AddFrom(const std::string& folder) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = fs::relative(entry.path(), folder).string();
    const Number number = Add(entry.is_directory());
    SetEntry(PlaceOf(path), number, 0);
    if (!entry.is_directory()) nodes_[static_cast<size_t>(number)].synced = ReadAll(entry.path());
  }
  for (Number number = 0; number < static_cast<Number>(nodes_.size()); ++number) Sync(number);
}

DiskReplay::Number DiskReplay::Find(absl::string_view path) const {
  Number number = 0;
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    const auto& entries = nodes_[static_cast<size_t>(number)].entries;
    const auto entry = entries.find(std::string(name));
    if (entry == entries.end()) return kGone;
    number = entry->second;
  }
  return number;
}

DiskReplay::Place DiskReplay::PlaceOf(absl::string_view path) const {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {0, std::string(path)};
  return {Find(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

DiskReplay::Number DiskReplay::Add(bool folder) {
  nodes_.emplace_back().folder = folder;
  return static_cast<Number>(nodes_.size()) - 1;
}

void DiskReplay::SetEntry(const Place& place, Number node, int rename) {
  Node& folder = nodes_.at(static_cast<size_t>(place.folder));
  if (node == kGone) {
    folder.entries.erase(place.name);
  } else {
    folder.entries[place.name] = node;
  }
  folder.entry_changes.push_back({place.name, node, rename});
}

void DiskReplay::Sync(Number number) {
  Node& node = nodes_.at(static_cast<size_t>(number));
  for (const Change& change : node.changes) Apply(change, node.synced);
  node.changes.clear();
  node.synced_entries = node.entries;
  node.entry_changes.clear();
}

void DiskReplay::Play(const DiskOp& op) {
  switch (op.kind) {
    case DiskOp::Kind::kMakeFolder:
    case DiskOp::Kind::kCreate:
      return SetEntry(PlaceOf(op.path), Add(op.kind == DiskOp::Kind::kMakeFolder), 0);
    case DiskOp::Kind::kRemove:
      return SetEntry(PlaceOf(op.path), kGone, 0);
    case DiskOp::Kind::kRename: {
      const Number node = Find(op.path);
      ++renames_;
      SetEntry(PlaceOf(op.path), kGone, renames_);
      return SetEntry(PlaceOf(op.target), node, renames_);
    }
    case DiskOp::Kind::kWrite:
    case DiskOp::Kind::kTruncate: {
      const Number node = Find(op.path);
      if (node == kGone) return;  // removed while it was open
      nodes_[static_cast<size_t>(node)].changes.push_back({op.kind == DiskOp::Kind::kTruncate, op.offset, op.data});
      return;
    }
    case DiskOp::Kind::kSyncFile:
    case DiskOp::Kind::kSyncFolder: {
      const Number node = Find(op.path);
      if (node != kGone && !(ignored_sync_ && ignored_sync_(op))) Sync(node);
      return;
    }
    case DiskOp::Kind::kOpen:
      return;
  }
}

void DiskReplay::Apply(const Change& change, std::string& content) {
  const auto offset = static_cast<size_t>(change.offset);
  if (change.truncation) return content.resize(offset);
  if (content.size() < offset + change.data.size()) content.resize(offset + change.data.size());
  content.replace(offset, change.data.size(), change.data);
}

// Keeps none of it, all, its beginning, or any of its sectors.
void DiskReplay::Tear(Change change, std::mt19937_64& random, std::string& content) {
  const uint64_t choice = random() % 4;
  if (choice == 0) return;
  if (choice == 1 || change.truncation) return Apply(change, content);
  if (choice == 2) {
    change.data.resize(random() % (change.data.size() + 1));
    return Apply(change, content);
  }
  size_t begin = 0;
  while (begin < change.data.size()) {
    const size_t at = static_cast<size_t>(change.offset) + begin;
    const size_t size = std::min(kSector - at % kSector, change.data.size() - begin);
    if (Coin(random)) Apply({false, static_cast<int64_t>(at), change.data.substr(begin, size)}, content);
    begin += size;
  }
}

std::string DiskReplay::ContentAfter(const Node& file, Loss loss, std::mt19937_64& random) const {
  std::string content = file.synced;
  if (loss == Loss::kAll) return content;
  for (const Change& change : file.changes) {
    if (loss == Loss::kTorn) {
      Tear(change, random, content);
    } else {
      Apply(change, content);
    }
  }
  return content;
}

// Of renames between two folders: those of which the new name is not there.
std::set<int> DiskReplay::LostRenames(Loss loss, std::mt19937_64& random) const {
  std::set<int> lost;
  if (loss == Loss::kNone) return lost;
  for (const Node& node : nodes_) {
    for (const EntryChange& change : node.entry_changes) {
      if (change.rename == 0 || change.node == kGone) continue;
      if (loss == Loss::kAll || Coin(random)) lost.insert(change.rename);
    }
  }
  return lost;
}

std::map<std::string, DiskReplay::Number> DiskReplay::EntriesAfter(const Node& folder, Loss loss,
                                                                   const std::set<int>& lost_renames,
                                                                   std::mt19937_64& random) const {
  std::map<std::string, Number> entries = folder.synced_entries;
  for (const EntryChange& change : folder.entry_changes) {
    const bool new_name = change.rename != 0 && change.node != kGone;
    if (change.rename != 0 && lost_renames.contains(change.rename)) continue;
    if (loss == Loss::kAll || (loss == Loss::kTorn && !new_name && Coin(random))) continue;
    if (change.node == kGone) {
      entries.erase(change.name);
    } else {
      entries[change.name] = change.node;
    }
  }
  return entries;
}

void DiskReplay::Write(Number folder, const std::string& path, Loss loss, const std::set<int>& lost_renames,
                       std::mt19937_64& random) const {
  fs::create_directories(path);
  for (const auto& [name, number] : EntriesAfter(nodes_[static_cast<size_t>(folder)], loss, lost_renames, random)) {
    const Node& node = nodes_[static_cast<size_t>(number)];
    const std::string at = absl::StrCat(path, "/", name);
    if (node.folder) {
      Write(number, at, loss, lost_renames, random);
      continue;
    }
    std::ofstream file(at, std::ios::binary);
    const std::string content = ContentAfter(node, loss, random);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) std::abort();  // the test's own disk is full
  }
}

void DiskReplay::LosePower(Loss loss, std::mt19937_64& random, const std::string& folder) const {
  fs::remove_all(folder);
  Write(0, folder, loss, LostRenames(loss, random), random);
}

}  // namespace skew
