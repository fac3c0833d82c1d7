// A small image dataset that a model can learn: bright squares whose place tells the class.
#ifndef SKEW_TESTS_TRAIN_SYNTHETIC_H_
#define SKEW_TESTS_TRAIN_SYNTHETIC_H_

#include <cstdint>
#include <string>

#include "server/train/models/generative_model.h"
#include "server/train/torch.h"

namespace skew::train {

inline constexpr int kSyntheticClasses = 3;

// [n, 1, 28, 28] in 0..1; image i is of class i % 3.
at::Tensor SyntheticImages(int64_t n, uint64_t seed);

// Writes the four files of MNIST's layout into `folder`: 60 training and 30 test images of each class.
void WriteSyntheticDataset(const std::string& folder);

// Inputs for a model of such images, without held-out ones. Where the CPU lacks the instructions of kDirect, that means
// kThroughConvolution.
ModelInputs SyntheticInputs(uint64_t seed, Convolutions how = Convolutions::kDirect);

// The three trained families at their smallest, quick settings.
v1::ModelSpec TinyDcgan(v1::Precision precision = v1::FP32);
v1::ModelSpec TinyVae(v1::Precision precision = v1::FP32);
v1::ModelSpec TinyVaeMlp(v1::Precision precision = v1::FP32);

}  // namespace skew::train

#endif  // SKEW_TESTS_TRAIN_SYNTHETIC_H_
