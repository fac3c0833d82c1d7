// What a model generates, and what the judge says of it.
#ifndef SKEW_SERVER_TRAIN_EVALUATOR_H_
#define SKEW_SERVER_TRAIN_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/train/eval/classifier.h"
#include "server/train/eval/image_features.h"
#include "server/train/models/generative_model.h"
#include "server/train/stop_request.h"
#include "server/train/torch.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// The random numbers of sampling derive from (run seed, step) and never from the training's: a histogram is the same
// one whether or not others were made before, and making it changes nothing.
class Evaluator {
 public:
  struct FurtherJudge {
    const Classifier* classifier = nullptr;
    std::string digest;
  };
  struct Options {
    uint64_t seed = 0;
    // Classes of the job, ascending; number of classes that the judge knows.
    std::vector<int32_t> job_classes;
    int32_t classes = 0;
    double reject_below = 0;
    std::string classifier_digest;
    // Judges beside `classifier`, borrowed: they count the images of the final histogram, too.
    std::vector<FurtherJudge> more_judges;
  };

  // All borrowed.
  Evaluator(GenerativeModel* model, const Classifier* classifier, const StopRequest* stop, Options options)
      : model_(model), classifier_(classifier), stop_(stop), options_(std::move(options)) {}

  // Generates and judges `images` images, 500 at a time. `epoch` and `final` stay for the caller to set. CANCELLED when
  // a stop is asked for meanwhile.
  absl::StatusOr<v1::ClassHistogram> Judge(int64_t step, int64_t images);
  // The same by all judges. With `features`, adds the images to them, too, and goes on without counting until they are
  // complete, 500 at a time, while they are fewer than five times `images`.
  absl::StatusOr<v1::ClassHistogram> JudgeFinal(int64_t step, int64_t images, GeneratedFeatures* features = nullptr);

  // 64 images from the same latent vectors every time, so that one sees them change.
  at::Tensor Samples();

  // The first `per_class` of 500 images that the judge accepts as each class of the job, by class (see
  // FirstOfEachClass): what passes for a class, and whether there is anything.
  at::Tensor SamplesByClass(int64_t per_class);

  const Options& options() const { return options_; }

 private:
  // The images that follow `done` others.
  absl::StatusOr<at::Tensor> GenerateChunk(int64_t step, int64_t done, int64_t count);
  absl::StatusOr<v1::ClassHistogram> Count(int64_t step, int64_t images, const std::vector<FurtherJudge>& more_judges,
                                           GeneratedFeatures* features);
  // Images for `features` alone, after `done` others.
  absl::Status SearchRareClasses(int64_t step, int64_t done, GeneratedFeatures& features);

  GenerativeModel* model_;
  const Classifier* classifier_;
  const StopRequest* stop_;
  Options options_;
};

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVALUATOR_H_
