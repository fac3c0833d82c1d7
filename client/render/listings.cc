#include "client/render/listings.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/render/cells.h"
#include "client/render/format.h"
#include "client/render/queue.h"

namespace skew {
namespace {

// Enough of a digest to tell it from others.
constexpr size_t kShownDigits = 12;

Cell DigestCell(const std::string& digest) {
  if (digest.empty()) return {"-", ""};
  return {digest.substr(0, kShownDigits), digest};
}

std::string Total(const google::protobuf::Map<int32_t, int32_t>& counts) {
  int64_t total = 0;
  for (const auto& [label, count] : counts) total += count;
  return absl::StrCat(total);
}

}  // namespace

Table JobTable(absl::Span<const v1::Job> jobs) {
  Table table({{"job", "job"},
               {"name", "name"},
               {"dataset", "dataset"},
               {"owner", "owner"},
               {"state", "state"},
               {"runs", "runs_total", true},
               {"active", "runs_active", true},
               {"done", "runs_succeeded", true},
               {"", "runs_reused"},
               {"failed", "runs_failed", true},
               {"created (UTC)", "created"},
               {"ended (UTC)", "ended"}});
  for (const v1::Job& job : jobs) {
    table.AddRow({job.id(), job.spec().name(), job.spec().dataset(), OrDash(job.owner()), StateName(job.state()),
                  absl::StrCat(job.runs().total()), absl::StrCat(job.runs().active()),
                  absl::StrCat(job.runs().succeeded()), absl::StrCat(job.runs().reused()),
                  absl::StrCat(job.runs().failed()), TimeCell(job.has_create_time(), job.create_time()),
                  TimeCell(job.has_end_time(), job.end_time())});
  }
  return table;
}

Table DeletedJobTable(absl::Span<const v1::Job> jobs) {
  Table table({{"job", "job"},
               {"name", "name"},
               {"owner", "owner"},
               {"state", "state"},
               {"runs", "runs_total", true},
               {"ended (UTC)", "ended"},
               {"deleted (UTC)", "deleted"},
               {"kept until (UTC)", "purge"}});
  for (const v1::Job& job : jobs) {
    table.AddRow({job.id(), job.spec().name(), OrDash(job.owner()), StateName(job.state()),
                  absl::StrCat(job.runs().total()), TimeCell(job.has_end_time(), job.end_time()),
                  TimeCell(job.has_delete_time(), job.delete_time()),
                  TimeCell(job.has_purge_time(), job.purge_time())});
  }
  return table;
}

Table RunTable(absl::Span<const v1::Run> runs) {
  Table table({{"run", "run"},
               {"model", "model"},
               {"bias point", "bias_point"},
               {"iter", "iteration", true},
               {"state", "state"},
               {"device", "device"},
               {"step", "step", true},
               {"", "total_steps"},
               {"losses", "losses"},
               {"generated", "histogram"},
               {"reason", "reason"},
               {"outlook", "wait_reason"},
               {"", "expected_start"},
               {"", "expected_end"},
               {"reused from", "reused_from"}});
  for (const v1::Run& run : runs) {
    const std::string reason = run.reason() == v1::REASON_UNSPECIFIED ? "" : v1::Reason_Name(run.reason());
    table.AddRow({run.id(),
                  OrDash(run.model()),
                  OrDash(CountsText(run.bias_point().counts())),
                  absl::StrCat(run.iteration()),
                  StateName(run.state()),
                  OrDash(run.device()),
                  {StepsText(run.progress()), absl::StrCat(run.progress().step())},
                  absl::StrCat(run.progress().total_steps()),
                  OrDash(MetricsText(run.progress().metrics())),
                  {SharesText(run.histogram()), CountsText(run.histogram().counts())},
                  reason,
                  {OutlookText(run.outlook(), absl::Now()), run.outlook().wait_reason()},
                  run.outlook().has_start_time() ? ExactTime(run.outlook().start_time()) : "",
                  run.outlook().has_end_time() ? ExactTime(run.outlook().end_time()) : "",
                  run.reused_from()});
  }
  return table;
}

Table ArtifactTable(absl::Span<const v1::Artifact> artifacts) {
  Table table({{"run", "run"},
               {"name", "name"},
               {"size", "size_bytes", true},
               {"type", "media_type"},
               {"sha-256", "digest"},
               {"created (UTC)", "created"},
               {"problem", "problem"}});
  for (const v1::Artifact& artifact : artifacts) {
    table.AddRow({artifact.run_id(),
                  artifact.name(),
                  {BytesText(artifact.size_bytes()), absl::StrCat(artifact.size_bytes())},
                  artifact.media_type(),
                  DigestCell(artifact.digest()),
                  TimeCell(artifact.has_create_time(), artifact.create_time()),
                  {artifact.problem().empty() ? "-" : "in quarantine", artifact.problem()}});
  }
  return table;
}

Table DeviceTable(absl::Span<const v1::Device> devices) {
  Table table({{"device", "device"},
               {"kind", "kind"},
               {"cores", "cores"},
               {"state", "state"},
               {"run", "run"},
               {"memory", "memory_bytes", true},
               {"leased", "leased_bytes", true},
               {"others use", "foreign_bytes", true},
               {"by", "foreign_processes"},
               {"since (UTC)", "since"}});
  for (const v1::Device& device : devices) {
    std::string state = device.drained() ? "drained" : device.run_ids().empty() ? "free" : "taken";
    if (!device.problem().empty()) state = device.problem();
    std::vector<int32_t> others;
    for (const v1::ForeignProcess& process : device.foreign_processes()) others.push_back(process.pid());
    const bool known = device.memory_bytes() > 0;
    table.AddRow({device.name(),
                  OrDash(device.kind()),
                  OrDash(absl::StrJoin(device.cores(), " ")),
                  state,
                  OrDash(absl::StrJoin(device.run_ids(), " ")),
                  {known ? BytesText(device.memory_bytes()) : "-", absl::StrCat(device.memory_bytes())},
                  {known ? BytesText(device.leased_bytes()) : "-", absl::StrCat(device.leased_bytes())},
                  {known ? BytesText(device.foreign_bytes()) : "-", absl::StrCat(device.foreign_bytes())},
                  OrDash(absl::StrJoin(others, " ")),
                  TimeCell(device.has_lease_time(), device.lease_time())});
  }
  return table;
}

Table DatasetTable(absl::Span<const v1::Dataset> datasets) {
  Table table({{"dataset", "dataset"},
               {"classes", "classes", true},
               {"size", "size", true},
               {"train", "train_images", true},
               {"test", "test_images", true},
               {"", "train_counts"},
               {"digest", "digest"},
               {"problem", "problem"}});
  for (const v1::Dataset& dataset : datasets) {
    table.AddRow({dataset.name(), absl::StrCat(dataset.classes()), absl::StrCat(dataset.height(), "x", dataset.width()),
                  Total(dataset.train_counts()), Total(dataset.test_counts()), CountsText(dataset.train_counts()),
                  DigestCell(dataset.digest()), dataset.problem()});
  }
  return table;
}

Table ClassifierTable(absl::Span<const v1::Classifier> classifiers) {
  Table table({{"classifier", "digest"},
               {"dataset", "dataset"},
               {"classes", "classes", true},
               {"test accuracy %", "test_accuracy", true},
               {"epochs", "epochs", true},
               {"seed", "seed", true},
               {"trained by", "job"}});
  for (const v1::Classifier& classifier : classifiers) {
    table.AddRow({DigestCell(classifier.digest()),
                  classifier.dataset(),
                  absl::StrCat(classifier.classes()),
                  {Fixed(100 * classifier.test_accuracy(), 2), Exact(classifier.test_accuracy())},
                  OrDash(classifier.has_spec() ? absl::StrCat(classifier.spec().epochs()) : ""),
                  OrDash(classifier.has_spec() ? absl::StrCat(classifier.spec().seed()) : ""),
                  OrDash(classifier.job_id())});
  }
  return table;
}

}  // namespace skew
