// What a loss series of 100,000 updates costs the training that keeps it, in rows of a Markdown table: recording every
// update and looking at them as Trainer does, the means of a report a second, and what is written at checkpoints and at
// the end. The daemon has no part in it: it stores the reports' means, and the series as an artifact.
#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/loss_series.h"
#include "server/train/models/generative_model.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

constexpr int64_t kUpdates = 100'000;
constexpr int64_t kUpdatesPerFlush = 20;    // as Trainer
constexpr int64_t kUpdatesPerReport = 100;  // of a fast training: 10 ms an update

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename Call>
double MillisecondsOf(const Call& call) {
  const absl::Time start = absl::Now();
  call();
  return absl::ToDoubleMilliseconds(absl::Now() - start);
}

// Milliseconds per update of the fastest family, the one that feels a cost per update most.
double MillisecondsPerUpdate() {
  v1::ModelSpec spec;
  spec.mutable_vae_mlp();
  const auto model = MakeModel(spec, SyntheticInputs(1, Convolutions::kDirect));
  Must(model.status());
  const at::Tensor images = SyntheticImages(DefaultBatchSize(spec), 2);
  const auto train = [&](int updates) {
    for (int i = 0; i < updates; ++i) (*model)->TrainStep(images);
  };
  train(20);
  return MillisecondsOf([&] { train(300); }) / 300;
}

void Row(const std::string& figure, const std::string& measured) {
  std::printf("| %s | %s |\n", figure.c_str(), measured.c_str());
  std::fflush(stdout);
}

void Bench() {
  LossSeries series({"loss_d", "loss_g"});
  const at::Tensor metrics = at::ones({2}, at::kFloat);
  const double recording = MillisecondsOf([&] {
    for (int64_t update = 1; update <= kUpdates; ++update) {
      series.Add(metrics);
      if (series.pending() == kUpdatesPerFlush) Must(series.Flush());
      if (update % kUpdatesPerReport == 0) series.MeansAfter(update - kUpdatesPerReport);
    }
  });
  const double update = MillisecondsPerUpdate();
  const double per_update = recording / static_cast<double>(kUpdates);
  Row("loss series of 100,000 updates, recorded and reported",
      absl::StrFormat("%.2f us an update, %.3f%% of one of vae_mlp (%.1f ms)", 1000 * per_update,
                      100 * per_update / update, update));
  TensorMap state;
  const double saving = MillisecondsOf([&] { series.Save(state); });
  Row("the same, its part of a checkpoint", absl::StrFormat("%.1f ms", saving));
  size_t bytes = 0;
  const double writing = MillisecondsOf([&] { bytes = series.Csv().size(); });
  Row("the same, as losses.csv at the end",
      absl::StrFormat("%.0f ms, %.1f MB", writing, static_cast<double>(bytes) / 1e6));
}

}  // namespace
}  // namespace skew::train

int main() {
  skew::train::SetThreads(1);
  skew::train::Bench();
  return 0;
}
