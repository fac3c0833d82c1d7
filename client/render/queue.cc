#include "client/render/queue.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/render/format.h"
#include "client/scalar.h"
#include "common/proto_time.h"

namespace skew {
namespace {

std::string Until(const google::protobuf::Timestamp& time, absl::Time now) {
  return DurationText(std::max(FromProto(time) - now, absl::ZeroDuration()));
}

std::string EndText(const v1::Outlook& outlook, absl::Time now) {
  return outlook.has_end_time() ? Until(outlook.end_time(), now) : "-";
}

std::string StartText(const v1::Outlook& outlook, absl::Time now) {
  return outlook.has_start_time() ? Until(outlook.start_time(), now) : "-";
}

std::string PercentText(const v1::Progress& progress) {
  if (progress.total_steps() == 0) return "-";
  return absl::StrFormat("%d%%", 100LL * progress.step() / progress.total_steps());
}

std::string EmptyDeviceText(const v1::Device& device) {
  if (!device.problem().empty()) return device.problem();
  return device.drained() ? "drained" : "free";
}

// Devices, and what runs on them; free ones too.
Table DevicesNow(const v1::GetQueueResponse& queue, absl::Time now) {
  Table table(
      {{"device"}, {"state"}, {"user"}, {"run"}, {"job"}, {"model"}, {"progress", "", true}, {"ends in", "", true}});
  std::multimap<std::string, const v1::ActiveRun*> runs;
  for (const v1::ActiveRun& run : queue.active()) runs.emplace(run.device(), &run);
  for (const v1::Device& device : queue.devices()) {
    const auto [first, last] = runs.equal_range(device.name());
    if (first == last) table.AddRow({device.name(), EmptyDeviceText(device), "-", "-", "-", "-", "-", "-"});
    for (auto one = first; one != last; ++one) {
      const v1::ActiveRun& run = *one->second;
      table.AddRow({device.name(), absl::StrCat(StateName(run.state()), device.drained() ? ", drained" : ""),
                    run.owner(), run.run_id(), run.job_name(), run.model(), PercentText(run.progress()),
                    EndText(run.outlook(), now)});
    }
  }
  return table;
}

Table Waiting(const v1::GetQueueResponse& queue, absl::Time now) {
  Table table({{"user"},
               {"job"},
               {"name"},
               {"model"},
               {"priority", "", true},
               {"runs", "", true},
               {"starts in", "", true},
               {"ends in", "", true},
               {"why"}});
  for (const v1::WaitingRuns& one : queue.waiting()) {
    table.AddRow({one.owner(), one.job_id(), one.job_name(), one.model(), absl::StrCat(one.priority()),
                  absl::StrCat(one.runs()), StartText(one.outlook(), now), EndText(one.outlook(), now),
                  one.outlook().wait_reason()});
  }
  return table;
}

std::string LimitText(int64_t limit) { return limit == 0 ? "-" : absl::StrCat(limit); }

}  // namespace

std::string OutlookText(const v1::Outlook& outlook, absl::Time now) {
  std::vector<std::string> parts;
  if (!outlook.wait_reason().empty()) parts.push_back(outlook.wait_reason());
  if (outlook.has_start_time()) parts.push_back("starts in " + Until(outlook.start_time(), now));
  if (outlook.has_end_time()) parts.push_back("ends in " + Until(outlook.end_time(), now));
  return absl::StrJoin(parts, ", ");
}

std::string QueueText(const v1::GetQueueResponse& queue) {
  const absl::Time now = FromProto(queue.time());
  std::string text = DevicesNow(queue, now).ToText();
  if (!queue.waiting().empty()) absl::StrAppend(&text, "\n", Waiting(queue, now).ToText());
  int64_t shown = 0;
  for (const v1::WaitingRuns& one : queue.waiting()) shown += one.runs();
  const int64_t more = queue.queued_runs() - shown;
  if (more > 0) absl::StrAppend(&text, "and ", Counted(more, "more run"), "\n");
  if (!queue.shares().empty()) {
    const std::vector<v1::Share> shares(queue.shares().begin(), queue.shares().end());
    absl::StrAppend(&text, "\n", ShareTable(shares).ToText());
  }
  return text;
}

Table QueueTable(const v1::GetQueueResponse& queue) {
  Table table({{"", "run"},
               {"", "job"},
               {"", "owner"},
               {"", "model"},
               {"", "state"},
               {"", "runs"},
               {"", "device"},
               {"", "priority"},
               {"", "expected_start"},
               {"", "expected_end"},
               {"", "wait_reason"}});
  const auto time = [](bool present, const google::protobuf::Timestamp& value) {
    return present ? ExactTime(value) : "";
  };
  for (const v1::ActiveRun& run : queue.active()) {
    table.AddRow({run.run_id(), run.run_id().substr(0, run.run_id().find('.')), run.owner(), run.model(),
                  StateName(run.state()), "1", run.device(), "", "",
                  time(run.outlook().has_end_time(), run.outlook().end_time()), ""});
  }
  for (const v1::WaitingRuns& one : queue.waiting()) {
    table.AddRow({one.run_id(), one.job_id(), one.owner(), one.model(), "QUEUED", absl::StrCat(one.runs()), "",
                  absl::StrCat(one.priority()), time(one.outlook().has_start_time(), one.outlook().start_time()),
                  time(one.outlook().has_end_time(), one.outlook().end_time()), one.outlook().wait_reason()});
  }
  return table;
}

Table ShareTable(absl::Span<const v1::Share> shares) {
  Table table({{"user", "user"},
               {"weight", "weight", true},
               {"used", "used_slot_seconds", true},
               {"active", "active_runs", true},
               {"queued", "queued_runs", true},
               {"max slots", "max_slots", true},
               {"max queued", "max_queued", true},
               {"max artifacts", "max_artifact_bytes", true}});
  for (const v1::Share& share : shares) {
    table.AddRow({share.user(),
                  Exact(share.weight()),
                  {DurationText(absl::Seconds(share.used_slot_seconds())), Exact(share.used_slot_seconds())},
                  absl::StrCat(share.active_runs()),
                  absl::StrCat(share.queued_runs()),
                  {LimitText(share.max_slots()), absl::StrCat(share.max_slots())},
                  {LimitText(share.max_queued()), absl::StrCat(share.max_queued())},
                  {share.max_artifact_bytes() == 0 ? "-" : BytesText(share.max_artifact_bytes()),
                   absl::StrCat(share.max_artifact_bytes())}});
  }
  return table;
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view flag, const std::string& text) {
  constexpr std::pair<absl::string_view, int64_t> kUnits[] = {{"kib", int64_t{1} << 10},
                                                              {"mib", int64_t{1} << 20},
                                                              {"gib", int64_t{1} << 30},
                                                              {"tib", int64_t{1} << 40},
                                                              {"kb", 1'000},
                                                              {"mb", 1'000'000},
                                                              {"gb", 1'000'000'000},
                                                              {"tb", 1'000'000'000'000},
                                                              {"b", 1},
                                                              {"", 1}};
  const std::string lower = absl::AsciiStrToLower(text);
  for (const auto& [unit, factor] : kUnits) {
    absl::string_view number = lower;
    double amount = 0;
    if (!absl::ConsumeSuffix(&number, unit) || !absl::SimpleAtod(absl::StripAsciiWhitespace(number), &amount)) continue;
    const double bytes = amount * static_cast<double>(factor);
    if (!(bytes >= 0 && bytes < 9e18)) break;
    return static_cast<int64_t>(bytes);
  }
  return absl::InvalidArgumentError(absl::StrCat(flag, ": ", Quoted(text), " is not a size like 3GiB or 500MB"));
}

}  // namespace skew
