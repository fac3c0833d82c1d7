// The Frechet distance, on the judge's features, between what a trained model generates and the dataset's test images
// of its classes. Prints one number. For tests/bench/precision.py.
// clang-format off: this one comes before LibTorch's own headers.
#include "server/train/torch.h"
// clang-format on
#include <ATen/ops/cat.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/data/dataset.h"
#include "common/file.h"
#include "common/stats/frechet.h"
#include "common/status.h"
#include "google/protobuf/text_format.h"
#include "server/train/data/image_tensor.h"
#include "server/train/engine/engine.h"
#include "server/train/eval/classifier.h"
#include "server/train/eval/image_features.h"
#include "server/train/models/generative_model.h"

namespace skew::train {
namespace {

constexpr int64_t kChunk = 500;
constexpr size_t kMaxBytes = size_t{1} << 30;

struct FrechetOptions {
  std::string dataset;
  std::string classifier;
  std::string checkpoint;
  std::string model;
  std::vector<int32_t> classes;
  int64_t images = 10000;
};

absl::StatusOr<double> Run(const FrechetOptions& options) {
  SKEW_ASSIGN_OR_RETURN(const DatasetContent dataset, ReadDataset(options.dataset));
  const std::set<int32_t> classes(options.classes.begin(), options.classes.end());
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < dataset.test.labels.size(); ++i) {
    if (classes.count(dataset.test.labels[i]) > 0) chosen.push_back(static_cast<int64_t>(i));
  }
  SKEW_ASSIGN_OR_RETURN(const Engine engine, EngineFor("cpu"));
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<Classifier> judge, Classifier::Load(options.classifier, engine.device));
  v1::ModelSpec spec;
  if (!google::protobuf::TextFormat::ParseFromString(options.model, &spec)) {
    return absl::InvalidArgumentError("--model is no ModelSpec");
  }
  ModelInputs inputs;
  inputs.engine = engine;
  inputs.height = dataset.test.images.height;
  inputs.width = dataset.test.images.width;
  SKEW_ASSIGN_OR_RETURN(const std::unique_ptr<GenerativeModel> model, MakeModel(spec, inputs));
  SKEW_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.checkpoint, kMaxBytes));
  SKEW_ASSIGN_OR_RETURN(const TensorMap state, ParseTensors(bytes));
  SKEW_RETURN_IF_ERROR(model->Load(state));
  std::vector<at::Tensor> features;
  for (int64_t done = 0; done < options.images; done += kChunk) {
    features.push_back(judge->Judge(model->Generate(kChunk, static_cast<uint64_t>(done) + 1)).features);
  }
  SKEW_ASSIGN_OR_RETURN(const stats::Gaussian generated, stats::FitGaussian(ViewOf(at::cat(features))));
  SKEW_ASSIGN_OR_RETURN(const stats::Gaussian real,
                        stats::FitGaussian(ViewOf(judge->Judge(ToTensor(dataset.test.images, chosen)).features)));
  return stats::FrechetDistance(generated, real);
}

}  // namespace
}  // namespace skew::train

int main(int argc, char** argv) {
  skew::train::FrechetOptions options;
  CLI::App app("Frechet distance of generated images from the test images of some classes.");
  app.add_option("--dataset", options.dataset, "Folder with the dataset's files")->required();
  app.add_option("--classifier", options.classifier, "classifier.pt")->required();
  app.add_option("--checkpoint", options.checkpoint, "checkpoint.pt of a run")->required();
  app.add_option("--model", options.model, "The run's ModelSpec as text")->required();
  app.add_option("--classes", options.classes)->required()->delimiter(',');
  app.add_option("--images", options.images, "A multiple of 500");
  CLI11_PARSE(app, argc, argv);
  skew::train::PrepareProcess();
  skew::train::SetThreads(1);
  const absl::StatusOr<double> distance = skew::train::Run(options);
  if (!distance.ok()) {
    std::fprintf(stderr, "%s\n", distance.status().ToString().c_str());
    return 1;
  }
  std::printf("%.6f\n", *distance);
  return 0;
}
