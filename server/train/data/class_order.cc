#include "server/train/data/class_order.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace skew::train {
namespace {

// The images of one class, as a task of `size` unit jobs in a time of `total`.
struct ClassQueue {
  std::vector<int64_t> positions;
  int64_t used = 0;

  int64_t size() const { return static_cast<int64_t>(positions.size()); }
  bool IsReleased(int64_t now, int64_t total) const { return used < size() && used * total / size() <= now; }
  int64_t Deadline(int64_t total) const { return ((used + 1) * total + size() - 1) / size(); }
};

int32_t LabelAt(absl::Span<const int32_t> labels, int64_t position) { return labels[static_cast<size_t>(position)]; }

// `by_rank` gives each class its place.
std::vector<int64_t> OneAfterTheOther(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels,
                                      const std::map<int32_t, size_t>& by_rank) {
  std::vector<int64_t> ordered(positions.begin(), positions.end());
  std::stable_sort(ordered.begin(), ordered.end(), [&](int64_t a, int64_t b) {
    return by_rank.at(LabelAt(labels, a)) < by_rank.at(LabelAt(labels, b));
  });
  return ordered;
}

// Classes from the most frequent to the rarest.
std::vector<int32_t> ByFrequency(absl::Span<const int32_t> labels) {
  std::map<int32_t, int64_t> counts;
  for (const int32_t label : labels) ++counts[label];
  std::vector<std::pair<int64_t, int32_t>> classes;
  classes.reserve(counts.size());
  for (const auto& [label, count] : counts) classes.emplace_back(-count, label);
  std::sort(classes.begin(), classes.end());
  std::vector<int32_t> ordered;
  ordered.reserve(classes.size());
  for (const auto& [count, label] : classes) ordered.push_back(label);
  return ordered;
}

std::map<int32_t, size_t> Ranks(const std::vector<int32_t>& classes) {
  std::map<int32_t, size_t> ranks;
  for (size_t i = 0; i < classes.size(); ++i) ranks[classes[i]] = i;
  return ranks;
}

}  // namespace

std::vector<int64_t> SpreadByClass(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels) {
  std::map<int32_t, ClassQueue> queues;
  for (const int64_t position : positions) queues[LabelAt(labels, position)].positions.push_back(position);
  const auto total = static_cast<int64_t>(positions.size());
  std::vector<int64_t> spread;
  spread.reserve(positions.size());
  for (int64_t now = 0; now < total; ++now) {
    // One of them is released: each is as soon as it lags behind its share.
    auto next = queues.end();
    for (auto queue = queues.begin(); queue != queues.end(); ++queue) {
      if (!queue->second.IsReleased(now, total)) continue;
      if (next == queues.end() || queue->second.Deadline(total) < next->second.Deadline(total)) next = queue;
    }
    spread.push_back(next->second.positions[static_cast<size_t>(next->second.used++)]);
  }
  return spread;
}

std::vector<int64_t> FrequentFirst(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels) {
  return OneAfterTheOther(positions, labels, Ranks(ByFrequency(labels)));
}

std::vector<int64_t> RareFirst(absl::Span<const int64_t> positions, absl::Span<const int32_t> labels) {
  std::vector<int32_t> classes = ByFrequency(labels);
  std::reverse(classes.begin(), classes.end());
  return OneAfterTheOther(positions, labels, Ranks(classes));
}

}  // namespace skew::train
