// Times the training step and the generation of dcgan and vae: one JSON object a line, comparable with peer.py's.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/train/engine/engine.h"
#include "server/train/models/generative_model.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

constexpr int kWarmUp = 5;
constexpr int64_t kGenerated = 500;

struct BenchOptions {
  std::vector<std::string> models = {"dcgan", "vae"};
  std::string engine = "fast";
  int threads = 1;
  int updates = 30;
  int64_t batch = 64;
};

v1::ModelSpec SpecOf(const std::string& model) {
  v1::ModelSpec spec;
  if (model == "dcgan") spec.mutable_dcgan();
  if (model == "vae") spec.mutable_vae();
  if (model == "vae_mlp") spec.mutable_vae_mlp();
  return spec;
}

absl::StatusOr<std::unique_ptr<GenerativeModel>> MakeBenchModel(const std::string& name, const BenchOptions& options) {
  const bool plain = options.engine == "plain";
  return MakeModel(SpecOf(name), SyntheticInputs(1, plain ? TransposedConvolution::kBuiltIn
                                                          : TransposedConvolution::kThroughConvolution));
}

// Median milliseconds of `call`, `times` times after warming up.
template <typename Call>
double MedianMilliseconds(int times, const Call& call) {
  std::vector<double> samples;
  for (int i = -kWarmUp; i < times; ++i) {
    const absl::Time start = absl::Now();
    call();
    if (i >= 0) samples.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  std::nth_element(samples.begin(), samples.begin() + times / 2, samples.end());
  return samples[static_cast<size_t>(times / 2)];
}

void Bench(const std::string& name, GenerativeModel& model, const BenchOptions& options) {
  const at::Tensor images = SyntheticImages(options.batch, 2);
  const double update = MedianMilliseconds(options.updates, [&] { model.TrainStep(images); });
  uint64_t seed = 0;
  const double generation =
      MedianMilliseconds(std::max(1, options.updates / 10), [&] { model.Generate(kGenerated, ++seed); });
  absl::PrintF(R"({"model": "%s", "engine": "%s", "threads": %d, "batch": %d, "updates": %d, "ms_per_update": %.2f, )"
               R"("generated_images_per_second": %.0f})",
               name, options.engine, options.threads, options.batch, options.updates, update,
               kGenerated * 1000 / generation);
  std::puts("");
  std::fflush(stdout);
}

}  // namespace
}  // namespace skew::train

int main(int argc, char** argv) {
  skew::train::BenchOptions options;
  CLI::App app("Times training steps and generation.");
  app.add_option("--model", options.models, "dcgan, vae or vae_mlp")->check(CLI::IsMember({"dcgan", "vae", "vae_mlp"}));
  app.add_option("--engine", options.engine, "Transposed convolutions: LibTorch's own or ours")
      ->check(CLI::IsMember({"plain", "fast"}));
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 1024));
  app.add_option("--updates", options.updates, "Timed after a warm-up of 5")->check(CLI::Range(1, 1000000));
  app.add_option("--batch", options.batch)->check(CLI::Range(2, 4096));
  CLI11_PARSE(app, argc, argv);
  skew::train::SetThreads(options.threads);
  for (const std::string& name : options.models) {
    const auto model = skew::train::MakeBenchModel(name, options);
    if (!model.ok()) {
      std::fprintf(stderr, "%s\n", model.status().ToString().c_str());
      return 1;
    }
    skew::train::Bench(name, **model, options);
  }
  return 0;
}
