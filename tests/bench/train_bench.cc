// Times what a training is made of, with Google Benchmark: whole updates, generation, and the parts of an update.
//
// Beside Google Benchmark's own means, every benchmark reports the median of its iterations as median_ms, and those
// that multiply matrices the needed floating-point operations per second, counted from the networks' shapes.
// clang-format off: this one comes before LibTorch's own headers.
#include "server/train/torch.h"
// clang-format on
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/train/engine/adam.h"
#include "server/train/engine/engine.h"
#include "server/train/engine/normalisation.h"
#include "server/train/engine/ops.h"
#include "server/train/models/generative_model.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

constexpr int64_t kBatch = 64;
constexpr int64_t kGenerated = 500;
constexpr int64_t kMatrix = 1024;
constexpr int64_t kWidth = 64;

std::string NameOf(v1::Precision precision) { return precision == v1::BF16 ? "bf16" : "fp32"; }

// Multiplications and additions per image of the decoder's layers, the encoder's, and single layers of them.
struct Flops {
  static constexpr double kProject = 2.0 * 16 * 4 * kWidth;  // times the latent size
  static constexpr double kUp = 2.0 * (16 * 9 * 8 + 49 * 16 * 2) * kWidth * kWidth + 2.0 * 196 * 16 * kWidth;
  static constexpr double kFirst = 2.0 * 196 * 16 * kWidth;
  static constexpr double kDown = kFirst + 2.0 * (49 * 16 * 2 + 9 * 16 * 8) * kWidth * kWidth;

  // Forward and both gradients of the generator but for that of z; forward on three batches of the discriminator,
  // weight gradients on two, input gradients on three, on two of them not down to the image.
  static constexpr double kDcgan = 3 * kUp + 2 * 100 * kProject + 3 * kDown + 2 * kDown + 3 * kDown - 2 * kFirst;
  // Forward and both gradients of everything but for those of the images.
  static constexpr double kVae = 3 * kUp + 3 * 16 * kProject + 3 * kDown - kFirst + 3 * 2.0 * 9 * 4 * kWidth * 32;
};

// Runs `call` as often as Google Benchmark asks for. `flops` of one call, 0: not said.
template <typename Call>
void Measure(benchmark::State& state, double flops, const Call& call) {
  call();
  std::vector<double> milliseconds;
  for ([[maybe_unused]] const auto& iteration : state) {
    const absl::Time start = absl::Now();
    call();
    milliseconds.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  const auto middle = milliseconds.begin() + static_cast<int64_t>(milliseconds.size() / 2);
  std::nth_element(milliseconds.begin(), middle, milliseconds.end());
  state.counters["median_ms"] = *middle;
  if (flops > 0) state.counters["gflops"] = flops / *middle / 1e6;
}

v1::ModelSpec SpecOf(const std::string& model, v1::Precision precision) {
  v1::ModelSpec spec;
  if (model == "dcgan") spec.mutable_dcgan()->set_precision(precision);
  if (model == "vae") spec.mutable_vae()->set_precision(precision);
  if (model == "vae_mlp") spec.mutable_vae_mlp()->set_precision(precision);
  return spec;
}

std::unique_ptr<GenerativeModel> ModelOn(const Engine& engine, const std::string& model, v1::Precision precision) {
  ModelInputs inputs = SyntheticInputs(1);
  inputs.engine = engine;
  return std::move(MakeModel(SpecOf(model, precision), inputs)).value();
}

double FlopsOf(const std::string& model) {
  if (model == "dcgan") return kBatch * Flops::kDcgan;
  return model == "vae" ? kBatch * Flops::kVae : 0;
}

void Update(benchmark::State& state, const Engine& engine, const std::string& model, v1::Precision precision) {
  const auto trained = ModelOn(engine, model, precision);
  const at::Tensor images = SyntheticImages(model == "vae_mlp" ? 2 * kBatch : kBatch, 2);
  Measure(state, FlopsOf(model), [&] { trained->TrainStep(images); });
}

void Generate(benchmark::State& state, const Engine& engine, const std::string& model, v1::Precision precision) {
  const auto trained = ModelOn(engine, model, precision);
  uint64_t seed = 0;
  Measure(state, 0, [&] { trained->Generate(kGenerated, ++seed); });
  state.counters["images_per_second"] = 1000 * kGenerated / state.counters["median_ms"];
}

// The rate that the others are compared with: what the LibTorch in use makes of a large matrix product.
void Gemm(benchmark::State& state, at::ScalarType kind) {
  const at::Tensor a = at::randn({kMatrix, kMatrix}).to(kind);
  const at::Tensor b = at::randn({kMatrix, kMatrix}).to(kind);
  Measure(state, 2.0 * kMatrix * kMatrix * kMatrix, [&] { at::mm(a, b); });
}

enum class Part { kForward, kInputGradient, kWeightGradient };

// The discriminator's largest convolution, 64 x 14 x 14 to 128 x 7 x 7.
void ConvolutionPart(benchmark::State& state, Engine engine, v1::Precision precision, Part part) {
  engine.precision = precision == v1::BF16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor input = at::randn({kBatch, kWidth, 14, 14}).to(engine.precision);
  const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(part == Part::kInputGradient);
  const at::Tensor weight = TapMajor(at::randn({2 * kWidth, kWidth, 4, 4}));
  const at::Tensor w = weight.requires_grad_(part == Part::kWeightGradient);
  const double flops = 2.0 * kBatch * 49 * 16 * 2 * kWidth * kWidth;
  if (part == Part::kForward) {
    Measure(state, flops, [&] { Convolution(x, w, {2, 1}, engine); });
    return;
  }
  const at::Tensor y = Convolution(x, w, {2, 1}, engine);
  const at::Tensor gradient = at::randn(y.sizes()).to(y.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor by = part == Part::kInputGradient ? x : w;
  Measure(state, flops, [&] { torch::autograd::grad({y}, {by}, {gradient}, true); });
}

// Forward and backward of the generator's largest batch normalisation with its ReLU.
void BatchNormPart(benchmark::State& state, v1::Precision precision) {
  const at::Tensor input = at::randn({kBatch, kWidth, 14, 14}).to(precision == v1::BF16 ? at::kBFloat16 : at::kFloat);
  const at::Tensor x = input.contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
  const at::Tensor gradient = x.detach().clone();
  const BatchNormState layer{at::rand({kWidth}), at::rand({kWidth}), {}, {}};
  Measure(state, 0, [&] { torch::autograd::grad({NormaliseBatch(x, layer, 0)}, {x}, {gradient}); });
}

// One update of as many parameters as the DCGAN's two networks have.
void AdamPart(benchmark::State& state) {
  const at::Tensor parameter = at::randn({1'500'000});
  const at::Tensor gradient = at::randn({1'500'000});
  Adam adam({parameter}, {});
  Measure(state, 0, [&] { adam.Step({gradient}); });
}

void RegisterAll(const Engine& engine) {
  const auto add = [](const std::string& name, auto body) {
    benchmark::RegisterBenchmark(name.c_str(), body)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("gemm/fp32", [](benchmark::State& state) { Gemm(state, at::kFloat); });
  add("gemm/bf16", [](benchmark::State& state) { Gemm(state, at::kBFloat16); });
  for (const v1::Precision precision : {v1::FP32, v1::BF16}) {
    const std::string suffix = "/" + NameOf(precision);
    for (const std::string model : {"dcgan", "vae", "vae_mlp"}) {
      add("update/" + model + suffix, [=](benchmark::State& state) { Update(state, engine, model, precision); });
      add("generate/" + model + suffix, [=](benchmark::State& state) { Generate(state, engine, model, precision); });
    }
    for (const auto& [name, part] :
         {std::pair("forward", Part::kForward), std::pair("input_gradient", Part::kInputGradient),
          std::pair("weight_gradient", Part::kWeightGradient)}) {
      add(absl::StrCat("part/convolution_", name, suffix),
          [=](benchmark::State& state) { ConvolutionPart(state, engine, precision, part); });
    }
    const bool fused = (precision == v1::BF16 ? BFloat16Kernels() : FloatKernels()) != nullptr;
    if (fused) {
      add("part/batch_norm" + suffix, [=](benchmark::State& state) { BatchNormPart(state, precision); });
    }
  }
  add("part/adam", AdamPart);
}

absl::StatusOr<Engine> EngineNamed(const std::string& name) {
  absl::StatusOr<Engine> engine = EngineFor("cpu");
  if (engine.ok() && name == "plain") engine->convolutions = Convolutions::kBuiltIn;
  if (engine.ok() && name == "onednn") engine->convolutions = Convolutions::kThroughConvolution;
  return engine;
}

}  // namespace
}  // namespace skew::train

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  std::string name = "chosen";
  int threads = 1;
  CLI::App app("Times training updates, generation and their parts. Google Benchmark's own options work, too.");
  app.add_option("--engine", name, "LibTorch's operators, oneDNN's convolutions for all, or what a worker chooses")
      ->check(CLI::IsMember({"plain", "onednn", "chosen"}));
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);
  skew::train::PrepareProcess();
  skew::train::SetThreads(threads);
  const absl::StatusOr<skew::train::Engine> engine = skew::train::EngineNamed(name);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  skew::train::RegisterAll(*engine);
  benchmark::AddCustomContext("engine", skew::train::EngineDescription());
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
