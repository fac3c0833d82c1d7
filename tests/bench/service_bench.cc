// What the service can take, measured through the real daemon and its socket: durable submissions, lists of a large
// store, and watchers. Prints a Markdown table; run by deploy/bench.sh. With --short it is a test that all of this
// works and asserts no time.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/store/dataset_registry.h"
#include "skew/v1/job_service.grpc.pb.h"
#include "skew/v1/run_service.grpc.pb.h"
#include "skew/v1/server_service.grpc.pb.h"
#include "tests/bench/bench_daemon.h"
#include "tests/bench/bench_table.h"
#include "tests/bench/percentile.h"
#include "tests/bench/store_generator.h"
#include "tests/bench/watch_load.h"
#include "tests/testing/synthetic_dataset.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

constexpr int kClients = 8;

struct Load {
  StoreSize store;
  absl::Duration submitting = absl::Seconds(5);
  int calls = 200;  // of each list
  int watchers = 2000;
  int events = 40;  // that each of them waits for
  absl::Duration patience = absl::Minutes(3);
};

Load ShortLoad() { return {{100, 4, 5}, absl::Milliseconds(300), 5, 40, 4, absl::Minutes(1)}; }

[[noreturn]] void Die(const std::string& problem) {
  std::fprintf(stderr, "service bench: %s\n", problem.c_str());
  std::exit(1);
}

void Check(const grpc::Status& status) {
  if (!status.ok()) Die(status.error_message());
}

double MillisecondsOf(const std::function<void()>& call) {
  const absl::Time start = absl::Now();
  call();
  return absl::ToDoubleMilliseconds(absl::Now() - start);
}

// Its worker reports four times a second and keeps the only device.
v1::JobSpec ReportingSpec() {
  v1::JobSpec spec = BenchSpec("report");
  (*spec.mutable_labels())["interval_ms"] = "250";
  return spec;
}

std::string AwaitRunningStudy(v1::JobService::Stub& jobs) {
  while (true) {
    grpc::ClientContext context;
    v1::ListJobsRequest request;
    request.mutable_filter()->add_states(v1::JOB_RUNNING);
    request.mutable_filter()->set_kind(v1::STUDY);
    v1::ListJobsResponse response;
    Check(jobs.ListJobs(&context, request, &response));
    if (response.jobs_size() > 0) return response.jobs(0).id();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

struct Submissions {
  std::vector<std::string> ids;
  std::vector<double> milliseconds;
};

// One client after the other, on a connection of its own.
Submissions SubmitUntil(const BenchDaemon& daemon, absl::Time end) {
  const auto stub = v1::JobService::NewStub(daemon.Connect());
  Submissions made;
  while (absl::Now() < end) {
    v1::SubmitJobResponse response;
    made.milliseconds.push_back(MillisecondsOf([&] {
      grpc::ClientContext context;
      context.set_wait_for_ready(true);
      v1::SubmitJobRequest request;
      request.set_no_reuse(true);
      *request.mutable_spec() = ReportingSpec();
      Check(stub->SubmitJob(&context, request, &response));
    }));
    made.ids.push_back(response.job().id());
  }
  return made;
}

Submissions MeasureSubmissions(const BenchDaemon& daemon, const Load& load, const std::string& store,
                               BenchTable& table) {
  std::vector<Submissions> made(kClients);
  std::vector<std::thread> clients;
  clients.reserve(made.size());
  const absl::Time start = absl::Now();
  for (Submissions& one : made) clients.emplace_back([&] { one = SubmitUntil(daemon, start + load.submitting); });
  for (std::thread& client : clients) client.join();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  Submissions all;
  for (const Submissions& one : made) {
    all.ids.insert(all.ids.end(), one.ids.begin(), one.ids.end());
    all.milliseconds.insert(all.milliseconds.end(), one.milliseconds.begin(), one.milliseconds.end());
  }
  table.Add(
      absl::StrCat("durable submissions from ", kClients, " clients, ", store),
      absl::StrFormat("%.0f/s; %s", static_cast<double>(all.ids.size()) / seconds, MedianAndTail(all.milliseconds)));
  return all;
}

void CheckAllThere(const BenchDaemon& daemon, const std::vector<std::string>& ids, BenchTable& table) {
  const auto stub = v1::JobService::NewStub(daemon.Connect());
  int lost = 0;
  for (const std::string& id : ids) {
    grpc::ClientContext context;
    v1::GetJobRequest request;
    request.set_job_id(id);
    v1::Job job;
    if (!stub->GetJob(&context, request, &job).ok()) ++lost;
  }
  table.Add("acknowledged jobs that were lost when the daemon was killed meanwhile",
            absl::StrCat(lost, " of ", ids.size()));
  if (lost > 0) Die("acknowledged jobs are lost");
}

void MeasureFreshStore(BenchDaemon::Options options, const Load& load, BenchTable& table) {
  options.state_dir += "/fresh";
  BenchDaemon daemon(options);
  table.Add("daemon memory at start", absl::StrFormat("%.0f MB", daemon.ResidentMegabytes()));
  const auto jobs = v1::JobService::NewStub(daemon.Connect());
  SubmitUntil(daemon, absl::Now() + absl::Milliseconds(1));
  AwaitRunningStudy(*jobs);
  Submissions made = MeasureSubmissions(daemon, load, "empty store", table);
  table.Add("daemon memory after these", absl::StrFormat("%.0f MB", daemon.ResidentMegabytes()));
  // Once more, with the daemon killed in the middle of it.
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    daemon.Kill();
  });
  std::vector<std::vector<std::string>> acknowledged(kClients);
  std::vector<std::thread> clients;
  clients.reserve(acknowledged.size());
  for (std::vector<std::string>& ids : acknowledged) {
    clients.emplace_back([&] {
      const auto stub = v1::JobService::NewStub(daemon.Connect());
      while (true) {
        grpc::ClientContext context;
        v1::SubmitJobRequest request;
        request.set_no_reuse(true);
        *request.mutable_spec() = ReportingSpec();
        v1::SubmitJobResponse response;
        if (!stub->SubmitJob(&context, request, &response).ok()) return;
        ids.push_back(response.job().id());
      }
    });
  }
  for (std::thread& client : clients) client.join();
  killer.join();
  for (const std::vector<std::string>& ids : acknowledged) made.ids.insert(made.ids.end(), ids.begin(), ids.end());
  CheckAllThere(BenchDaemon(options), made.ids, table);
}

struct List {
  std::string name;
  v1::JobFilter filter;
};

List Filtered(const std::string& name, const std::vector<v1::JobState>& states, const std::string& owner,
              const std::string& label, const std::string& value) {
  List list{name, {}};
  for (const v1::JobState state : states) list.filter.add_states(state);
  list.filter.set_owner(owner);
  if (!label.empty()) (*list.filter.mutable_labels())[label] = value;
  return list;
}

// Pages of 100 jobs, one after the other and from the beginning again after the last.
void MeasureList(v1::JobService::Stub& jobs, const List& list, const Load& load, BenchTable& table) {
  v1::ListJobsRequest request;
  request.set_page_size(100);
  *request.mutable_filter() = list.filter;
  std::vector<double> milliseconds;
  int64_t found = 0;
  for (int i = 0; i < load.calls; ++i) {
    v1::ListJobsResponse response;
    milliseconds.push_back(MillisecondsOf([&] {
      grpc::ClientContext context;
      Check(jobs.ListJobs(&context, request, &response));
    }));
    found += response.jobs_size();
    request.set_page_token(response.next_page_token());
  }
  table.Add(absl::StrCat("ListJobs, ", list.name),
            absl::StrFormat("%s; %.0f jobs a page", MedianAndTail(milliseconds),
                            static_cast<double>(found) / static_cast<double>(load.calls)));
}

void MeasureLists(v1::JobService::Stub& jobs, const Load& load, BenchTable& table) {
  const std::vector<List> lists = {
      Filtered("all", {}, "", "", ""),
      Filtered("failed", {v1::JOB_FAILED}, "", "", ""),
      Filtered("queued or running", {v1::JOB_QUEUED, v1::JOB_RUNNING}, "", "", ""),
      Filtered("of one in a hundred owners", {}, "grace", "", ""),
      Filtered("of that owner, failed", {v1::JOB_FAILED}, "grace", "", ""),
      Filtered("with a label that one in ten has", {}, "", "group", "3"),
      Filtered("with a label that one in a thousand has", {}, "", "rare", "yes"),
      Filtered("failed, with a label that all of these have", {v1::JOB_FAILED}, "", "group", "2"),
      Filtered("failed, with a common label that none of these has", {v1::JOB_FAILED}, "", "group", "3"),
      Filtered("with a label that nothing has", {}, "", "group", "none"),
  };
  for (const List& list : lists) MeasureList(jobs, list, load, table);
}

void MeasureCalls(const std::shared_ptr<grpc::Channel>& channel, const std::string& job, const Load& load,
                  BenchTable& table) {
  const auto server = v1::ServerService::NewStub(channel);
  const auto runs = v1::RunService::NewStub(channel);
  std::vector<double> info;
  std::vector<double> list;
  for (int i = 0; i < load.calls; ++i) {
    info.push_back(MillisecondsOf([&] {
      grpc::ClientContext context;
      v1::ServerInfo response;
      Check(server->GetServerInfo(&context, {}, &response));
    }));
    list.push_back(MillisecondsOf([&] {
      grpc::ClientContext context;
      v1::ListRunsRequest request;
      request.set_job_id(job);
      v1::ListRunsResponse response;
      Check(runs->ListRuns(&context, request, &response));
    }));
  }
  table.Add("GetServerInfo", MedianAndTail(info));
  table.Add("ListRuns of one job", MedianAndTail(list));
}

std::vector<std::shared_ptr<grpc::Channel>> Connections(const BenchDaemon& daemon, int count) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  channels.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) channels.push_back(daemon.Connect());
  return channels;
}

int64_t RevisionOf(v1::JobService::Stub& jobs, const std::string& id) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_job_id(id);
  v1::Job job;
  Check(jobs.GetJob(&context, request, &job));
  return job.revision();
}

void AddWatchers(const BenchDaemon& daemon, const std::string& name, WatchLoad& watchers, BenchTable& table) {
  table.Add(absl::StrCat("event latency, ", name), MedianAndTail(watchers.TakeLatencies()));
  table.Add(absl::StrCat("daemon memory, ", name), absl::StrFormat("%.0f MB", daemon.ResidentMegabytes()));
  if (watchers.broken() > 0) Die(absl::StrCat(watchers.broken(), " streams had gaps or broke off"));
}

// All watch the one job that trains.
void MeasureCrowd(const BenchDaemon& daemon, v1::JobService::Stub& jobs, const std::string& running, int connections,
                  const Load& load, BenchTable& table) {
  const auto channels = Connections(daemon, connections);
  const std::vector<std::string> watched(static_cast<size_t>(load.watchers), running);
  WatchLoad watchers(channels, watched, RevisionOf(jobs, running));
  if (!watchers.AwaitEvents(2, load.patience)) Die("not all watchers see events");
  watchers.TakeLatencies();  // while the connections were made
  if (!watchers.AwaitEvents(2 + load.events, load.patience)) Die("events are missing");
  AddWatchers(daemon, absl::StrCat(load.watchers, " watchers of one training on ", connections, " connections"),
              watchers, table);
}

// Each watches a queued job of its own, one run of which is cancelled.
void MeasureSpread(const BenchDaemon& daemon, v1::RunService::Stub& runs, std::vector<std::string> queued,
                   const Load& load, BenchTable& table) {
  queued.resize(std::min(queued.size(), static_cast<size_t>(load.watchers)));
  const auto watched = static_cast<int64_t>(queued.size());
  const auto channels = Connections(daemon, static_cast<int>(watched));
  WatchLoad watchers(channels, queued, 0);
  if (!watchers.AwaitEvents(1, load.patience)) Die("not all watchers see their job");
  watchers.TakeLatencies();
  for (const std::string& job : queued) {
    grpc::ClientContext context;
    v1::CancelRunRequest request;
    request.set_run_id(job + ".2");
    v1::Run run;
    Check(runs.CancelRun(&context, request, &run));
  }
  if (!watchers.AwaitTotal(2 * watched, load.patience)) Die("events are missing");
  AddWatchers(daemon, absl::StrCat(watched, " watchers of as many jobs and connections"), watchers, table);
}

void MeasureLargeStore(BenchDaemon::Options options, const Load& load, BenchTable& table) {
  options.state_dir += "/large";
  std::filesystem::create_directories(options.state_dir);
  const std::string database = options.state_dir + "/skew.db";
  const double generated = MillisecondsOf([&] {
    if (std::filesystem::exists(database)) return;
    const absl::StatusOr<v1::Dataset> dataset = DatasetRegistry(options.datasets).Find(ReportingSpec().dataset());
    if (!dataset.ok()) Die(dataset.status().ToString());
    const absl::Status status = GenerateStore(options.state_dir, load.store, {ReportingSpec(), dataset->digest()});
    if (!status.ok()) Die(status.ToString());
  });
  const std::string size = absl::StrFormat(
      "%.1f GB, made in %.0f s", static_cast<double>(std::filesystem::file_size(database)) / 1e9, generated / 1000);
  table.Add(absl::StrCat("store of ", load.store.jobs, " jobs, ", load.store.runs(), " runs and ", load.store.events(),
                         " events"),
            size);
  BenchDaemon daemon(options);
  table.Add("start of the daemon on it", absl::StrFormat("%.2f s", daemon.StartSeconds()));
  const auto channel = daemon.Connect();
  const auto jobs = v1::JobService::NewStub(channel);
  const auto runs = v1::RunService::NewStub(channel);
  const std::string running = AwaitRunningStudy(*jobs);
  MeasureLists(*jobs, load, table);
  MeasureCalls(channel, running, load, table);
  const Submissions made = MeasureSubmissions(daemon, load, "large store", table);
  table.Add("daemon memory after these", absl::StrFormat("%.0f MB", daemon.ResidentMegabytes()));
  MeasureCrowd(daemon, *jobs, running, 20, load, table);
  MeasureCrowd(daemon, *jobs, running, load.watchers, load, table);
  MeasureSpread(daemon, *runs, made.ids, load, table);
}

}  // namespace
}  // namespace skew

int main(int argc, char** argv) {
  skew::BenchDaemon::Options options;
  bool short_form = false;
  std::string folder;
  CLI::App app("Measures the daemon through its socket.", "skew-service-bench");
  app.add_option("--skewd", options.program, "The daemon's program")->required();
  app.add_option("--worker", options.worker, "The scripted worker's program")->required();
  app.add_option("--folder", folder,
                 "Where the stores are made, or were; default: a temporary folder, removed at the end");
  app.add_flag("--short", short_form, "A small load, to prove that it works");
  CLI11_PARSE(app, argc, argv);
  std::optional<skew::TempFolder> temporary;
  if (folder.empty()) folder = temporary.emplace().path();
  std::filesystem::create_directories(folder);
  options.state_dir = folder;
  options.datasets = folder + "/datasets";
  // One user does here what a team would not.
  options.flags = {"--max-requests", "0", "--max-watches", "5000"};
  skew::WriteSyntheticDataset(options.datasets + "/tiny", 3, 40, 10);

  skew::BenchTable table("service");
  table.Add("processors", absl::StrCat(std::thread::hardware_concurrency()));
  table.Add("syncs of 8 KB to this disk", absl::StrFormat("%.0f/s", skew::SyncsPerSecond(folder)));
  const skew::Load load = short_form ? skew::ShortLoad() : skew::Load();
  skew::MeasureFreshStore(options, load, table);
  skew::MeasureLargeStore(options, load, table);
  return 0;
}
