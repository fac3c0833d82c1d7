// Small datasets for tests.
#ifndef SKEW_TESTS_TESTING_SYNTHETIC_DATASET_H_
#define SKEW_TESTS_TESTING_SYNTHETIC_DATASET_H_

#include <cstdint>
#include <string>

namespace skew {

// Writes a folder with four IDX files of 28x28 images of classes 0, 1, 2, ...; every class has this many.
void WriteSyntheticDataset(const std::string& folder, int32_t classes, int32_t train_per_class, int32_t test_per_class);

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_SYNTHETIC_DATASET_H_
