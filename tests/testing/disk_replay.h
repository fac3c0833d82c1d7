// A disk that loses power: what is left of recorded operations when those that were not synced are lost, kept or torn.
//
// The rules are those of POSIX, stricter than most file systems: a write or truncation counts when its file was synced
// afterwards, an entry of a folder (a file or folder made, renamed or removed there) when that folder was. Everything
// else may be there or not, in any combination, writes in parts of 512 bytes; only that a rename does not lose the file
// under both of its names is taken for granted.
#ifndef SKEW_TESTS_TESTING_DISK_REPLAY_H_
#define SKEW_TESTS_TESTING_DISK_REPLAY_H_

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/testing/watched_disk.h"

namespace skew {

// Plays operations one after the other, and can be asked at any point what a loss of power would leave. Not
// thread-safe.
class DiskReplay {
 public:
  // What becomes of operations that were not synced.
  enum class Loss { kAll, kNone, kTorn };

  // `ignored_sync` says which syncs are taken not to have happened; none without it.
  using IgnoredSync = std::function<bool(const DiskOp&)>;
  explicit DiskReplay(IgnoredSync ignored_sync = nullptr);

  // Takes in what is there before the first operation, as synced.
  void AddFrom(const std::string& folder);

  void Play(const DiskOp& op);

  // Writes what is left into `folder`, which is made anew. `random` decides what is torn, and how.
  void LosePower(Loss loss, std::mt19937_64& random, const std::string& folder) const;

 private:
  using Number = int;  // of a file or folder; 0 is the watched folder, kGone stands for none
  static constexpr Number kGone = -1;

  // Not synced.
  struct Change {
    bool truncation = false;
    int64_t offset = 0;
    std::string data;
  };
  struct EntryChange {
    std::string name;
    Number node = kGone;
    int rename = 0;  // both halves of a rename have its number; 0: none
  };
  struct Node {
    bool folder = false;
    // Of a file.
    std::string synced;
    std::vector<Change> changes;
    // Of a folder.
    std::map<std::string, Number> entries;
    std::map<std::string, Number> synced_entries;
    std::vector<EntryChange> entry_changes;
  };
  struct Place {
    Number folder = 0;
    std::string name;
  };

  Place PlaceOf(absl::string_view path) const;
  Number Find(absl::string_view path) const;
  Number Add(bool folder);
  void SetEntry(const Place& place, Number node, int rename);
  void Sync(Number number);
  static void Apply(const Change& change, std::string& content);
  static void Tear(Change change, std::mt19937_64& random, std::string& content);
  std::string ContentAfter(const Node& file, Loss loss, std::mt19937_64& random) const;
  std::map<std::string, Number> EntriesAfter(const Node& folder, Loss loss, const std::set<int>& lost_renames,
                                             std::mt19937_64& random) const;
  std::set<int> LostRenames(Loss loss, std::mt19937_64& random) const;
  void Write(Number folder, const std::string& path, Loss loss, const std::set<int>& lost_renames,
             std::mt19937_64& random) const;

  const IgnoredSync ignored_sync_;
  std::vector<Node> nodes_;
  int renames_ = 0;
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_DISK_REPLAY_H_
