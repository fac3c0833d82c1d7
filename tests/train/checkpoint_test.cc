#include "server/train/engine/checkpoint.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/train/trainer.h"
#include "tests/testing/temp_folder.h"
#include "tests/train/synthetic.h"

namespace skew::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CheckpointTest : public testing::Test {
 protected:
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempFolder temp_;
  const std::string& folder_ = temp_.path();
};

Checkpoint MakeCheckpoint(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.state["numbers"] = TensorOfInts({step, -1});
  checkpoint.state["values"] = at::rand({2, 3}, MakeGenerator(1));
  return checkpoint;
}

// While it lives, this process can open no file.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
};

TEST_F(CheckpointTest, SurvivesTheFileFormat) {
  const Checkpoint saved = MakeCheckpoint(123456789012);
  const absl::StatusOr<Checkpoint> parsed = ParseCheckpoint(SerializeCheckpoint(saved));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->step, saved.step);
  ASSERT_THAT(parsed->state, SizeIs(2));
  for (const auto& [name, tensor] : saved.state) EXPECT_TRUE(at::equal(parsed->state.at(name), tensor)) << name;
}

TEST_F(CheckpointTest, EqualStatesHaveEqualBytes) {
  EXPECT_EQ(SerializeCheckpoint(MakeCheckpoint(1)), SerializeCheckpoint(MakeCheckpoint(1)));
}

TEST_F(CheckpointTest, RefusesDamage) {
  const std::string bytes = SerializeCheckpoint(MakeCheckpoint(7));
  EXPECT_TRUE(absl::IsDataLoss(ParseCheckpoint("").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseCheckpoint(bytes.substr(0, bytes.size() - 1)).status()));
  for (const size_t place : {size_t{0}, size_t{9}, size_t{15}, bytes.size() / 2, bytes.size() - 1}) {
    std::string damaged = bytes;
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    EXPECT_TRUE(absl::IsDataLoss(ParseCheckpoint(damaged).status())) << "byte " << place;
  }
}

// The tensors' description, and in it what is replaced by something of the same length.
std::string WithReplaced(std::string bytes, const std::string& from, const std::string& to) {
  const size_t place = bytes.rfind(from);  // names of records: in the directory at the end
  EXPECT_NE(place, std::string::npos) << from;
  EXPECT_EQ(from.size(), to.size());
  return bytes.replace(place, from.size(), to);
}

TEST_F(CheckpointTest, TensorsAreReadByTheirOwnRulesWhateverTheFileAsksFor) {
  const std::string bytes = SerializeTensors(MakeCheckpoint(7).state);
  ASSERT_TRUE(ParseTensors(bytes).ok());
  // "K" before a number of one byte: sizes (2, 3), offset 0 and strides (3, 1) of "values".
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"torch._utils\n_rebuild_tensor_v2", "os\nsystem\n_rebuild_tensor_v2..."},
           {"FloatStorage", "WrongStorage"},
           {"FloatStorage", "TorchStorage"},
           {"FloatStorage", "ShortStorage"},
           {"(K\x02K\x03t", "(K\x02K\x04t"},
           {"(K\x03K\x01t", "(K\x04K\x01t"},
           {"(K\x02K\x03t", "(K\xffK\xfft"},
           {"archive/data.pkl", "archive/data.pki"},
           {"_rebuild_tensor_v2", "_rebuild_tensor_v3"}}) {
    const absl::Status status = ParseTensors(WithReplaced(bytes, from, to)).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << from << " as " << to << ": " << status;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ParseTensors(absl::string_view(bytes).substr(0, size)).status())) << size;
  }
}

TEST_F(CheckpointTest, TensorsOfEveryShapeSurvive) {
  TensorMap tensors;
  tensors["scalar"] = at::rand({}, MakeGenerator(1));
  tensors["none"] = at::rand({0, 3}, MakeGenerator(1));
  tensors["turned"] = at::rand({3, 2}, MakeGenerator(1)).t();
  tensors["part"] = tensors["turned"].slice(0, 1, 2);
  tensors["same"] = tensors["part"];
  for (int i = 0; i < 200; ++i) tensors["many" + std::to_string(i)] = TensorOfInts({i, int64_t{1} << (i % 63)});
  const absl::StatusOr<TensorMap> parsed = ParseTensors(SerializeTensors(tensors));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_THAT(*parsed, SizeIs(tensors.size()));
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(at::equal(parsed->at(name), tensor)) << name;
}

TEST_F(CheckpointTest, KeepsTheNewestTwo) {
  const CheckpointFolder checkpoints(folder_);
  for (const int64_t step : {9, 10, 100}) ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(step)).ok());
  EXPECT_THAT(Files(), ElementsAre("checkpoint-10.ckpt", "checkpoint-100.ckpt"));
}

TEST_F(CheckpointTest, FallsBackWhenTheNewestIsDamaged) {
  const CheckpointFolder checkpoints(folder_);
  for (const int64_t step : {9, 10}) ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(step)).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/checkpoint-10.ckpt", "torn").ok());
  std::vector<std::string> problems;
  const std::optional<Checkpoint> checkpoint = checkpoints.ReadNewest(problems).value();
  ASSERT_TRUE(checkpoint.has_value());
  EXPECT_EQ(checkpoint->step, 9);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("checkpoint-10.ckpt: too short")));
}

TEST_F(CheckpointTest, ADamagedOneTakesNoPlaceOfThoseThatAreKept) {
  const CheckpointFolder checkpoints(folder_);
  for (const int64_t step : {8000, 9000}) ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(step)).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/checkpoint-9000.ckpt", "torn").ok());
  std::vector<std::string> problems;
  ASSERT_EQ(checkpoints.ReadNewest(problems).value()->step, 8000);
  ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(8100)).ok());
  EXPECT_THAT(Files(), ElementsAre("checkpoint-8000.ckpt", "checkpoint-8100.ckpt", "checkpoint-9000.ckpt.bad"));
}

TEST_F(CheckpointTest, ATrainingThatBeganAnewKeepsItsOwn) {
  const CheckpointFolder checkpoints(folder_);
  for (const int64_t step : {8000, 9000, 100, 200}) ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(step)).ok());
  EXPECT_THAT(Files(), ElementsAre("checkpoint-100.ckpt", "checkpoint-200.ckpt"));
}

TEST_F(CheckpointTest, OneThatCannotBeReadForNowIsNotTakenForDamaged) {
  const CheckpointFolder checkpoints(folder_);
  ASSERT_TRUE(checkpoints.Write(MakeCheckpoint(9)).ok());
  std::vector<std::string> problems;
  {
    const NoDescriptorsLeft none;
    EXPECT_TRUE(absl::IsUnavailable(checkpoints.ReadNewest(problems).status()));
  }
  EXPECT_EQ(checkpoints.ReadNewest(problems).value()->step, 9);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(CheckpointTest, AnEmptyFolderHasNone) {
  std::vector<std::string> problems;
  EXPECT_FALSE(CheckpointFolder(folder_).ReadNewest(problems).value().has_value());
  EXPECT_FALSE(CheckpointFolder(folder_ + "/missing").ReadNewest(problems).value().has_value());
  EXPECT_THAT(problems, IsEmpty());
}

// Every third image is of class 1.
TrainingBatches BatchesOf(int64_t images, int64_t batch_size, const v1::TrainingSpec& training = {}) {
  std::vector<int32_t> labels(static_cast<size_t>(images), 0);
  for (size_t i = 0; i < labels.size(); i += 3) labels[i] = 1;
  return {std::move(labels), batch_size, training, 1'000, 5};
}

// A training on 40 synthetic images in batches of 16.
struct Training {
  explicit Training(const v1::ModelSpec& spec, const v1::TrainingSpec& training = {})
      : model(std::move(MakeModel(spec, SyntheticInputs(1))).value()),
        trainer(model.get(), SyntheticImages(40, 3), BatchesOf(40, 16, training)) {}

  void RunUntilEpoch(int epoch) {
    while (trainer.step() < StepsForEpochs(epoch, 40, 16)) ASSERT_TRUE(trainer.Step().ok());
  }
  std::string Bytes() { return SerializeCheckpoint(trainer.Save().value()); }

  std::unique_ptr<GenerativeModel> model;
  Trainer trainer;
};

TEST_F(CheckpointTest, AResumedTrainingEqualsOneThatWasNeverInterrupted) {
  for (const v1::ModelSpec& spec :
       {TinyDcgan(), TinyVae(), TinyVaeMlp(), TinyDcgan(v1::BF16), TinyVae(v1::BF16), TinyVaeMlp(v1::BF16)}) {
    Training straight(spec);
    straight.RunUntilEpoch(5);
    Training first(spec);
    first.RunUntilEpoch(2);
    first.model->Generate(30, 8);  // looking at it must not matter
    ASSERT_TRUE(CheckpointFolder(folder_).Write(first.trainer.Save().value()).ok());
    std::vector<std::string> problems;
    Training second(spec);
    ASSERT_TRUE(second.trainer.Load(*CheckpointFolder(folder_).ReadNewest(problems).value()).ok());
    EXPECT_EQ(second.trainer.step(), 5);
    second.model->Generate(30, 8);
    second.RunUntilEpoch(5);
    EXPECT_EQ(second.trainer.step(), 13);
    EXPECT_TRUE(second.Bytes() == straight.Bytes()) << spec.ShortDebugString();
    EXPECT_TRUE(at::equal(second.model->Generate(10, 1), straight.model->Generate(10, 1)));
    std::filesystem::remove(folder_ + "/checkpoint-5.ckpt");
  }
}

TEST_F(CheckpointTest, AResumedTrainingKeepsItsOrderOfImages) {
  v1::TrainingSpec ordered;
  ordered.set_composition(v1::QUOTA);
  ordered.mutable_first_batches()->set_order(v1::MINORITY_FIRST);
  for (const int32_t first_batches : {3, 8}) {  // it is interrupted after 5
    ordered.mutable_first_batches()->set_batches(first_batches);
    Training straight(TinyVaeMlp(), ordered);
    straight.RunUntilEpoch(5);
    Training first(TinyVaeMlp(), ordered);
    first.RunUntilEpoch(2);
    Training second(TinyVaeMlp(), ordered);
    ASSERT_TRUE(second.trainer.Load(first.trainer.Save().value()).ok());
    second.RunUntilEpoch(5);
    EXPECT_TRUE(second.Bytes() == straight.Bytes()) << first_batches;
  }
}

TEST_F(CheckpointTest, ATrainerRefusesTheCheckpointOfAnotherTraining) {
  Training training(TinyVaeMlp());
  training.RunUntilEpoch(1);
  const Checkpoint checkpoint = training.trainer.Save().value();
  const auto model = MakeModel(TinyVaeMlp(), SyntheticInputs(1)).value();
  Trainer other_size(model.get(), SyntheticImages(41, 3), BatchesOf(41, 16));
  EXPECT_TRUE(absl::IsDataLoss(other_size.Load(checkpoint)));
  Trainer other_batch(model.get(), SyntheticImages(40, 3), BatchesOf(40, 8));
  EXPECT_TRUE(absl::IsDataLoss(other_batch.Load(checkpoint)));
}

}  // namespace
}  // namespace skew::train
