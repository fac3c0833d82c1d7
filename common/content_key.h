// What a run is, whatever it is called: runs with the same content have the same result.
#ifndef SKEW_COMMON_CONTENT_KEY_H_
#define SKEW_COMMON_CONTENT_KEY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "skew/v1/job.pb.h"
#include "skew/v1/run.pb.h"

namespace skew {

// Everything that determines the result of a study's run but for its judge, as text with one setting a line, sorted by
// field number and map key:
//
//   engine=1                     kEngineVersion (common/version.h); with first batches "1 first_batches=2"
//   dataset=<SHA-256>            its content; its name does not matter
//   run_seed=3735928559          starts the random streams of training and generation
//   iteration=0                  with `seed` below: which training images are drawn
//   bias_point.counts[0]=2000
//   model.vae                    a message
//   model.vae.width=64           ... and its fields that are set
//   model.vae.precision=BF16     what AUTO is on this server: `auto_precision`
//   training.steps=6000          the rest of the spec, without what is named in content_key.cc
//   seed=7
//
// A field that is added to a spec enters by itself; the default of one that old specs lack is left out (see
// content_key.cc), so that they key as they did. What two jobs share does not depend on what else is in them: the
// run of a cell and iteration is the same in a job with more iterations or counts. The position of the model in the job
// matters, though, since the run's seed derives from it. `spec` is normalised; two ways to say the same (30 epochs, or
// as many steps) are different contents.
//
// The judge is not in it, because it may not be trained yet when a job is submitted: wherever keys are compared, the
// digests of the judges are compared beside them. How further judges are trained is in it, so that runs with the same
// key have equally many.
class ContentKeys {
 public:
  // Of the runs of one job. What they have in common is written once.
  ContentKeys(const v1::JobSpec& spec, absl::string_view dataset_digest, v1::Precision auto_precision);

  std::string TextOf(const v1::Run& run) const;
  // Hex SHA-256 of it.
  std::string KeyOf(const v1::Run& run) const;

  // What the run's model will be computed in: its setting, with `auto_precision` for AUTO; unspecified where the family
  // has none. `auto_precision` is AUTO where nobody knows before the run starts.
  v1::Precision ExpectedPrecisionOf(const v1::Run& run) const;

 private:
  struct Model {
    v1::Precision precision = v1::PRECISION_UNSPECIFIED;
    std::string text;
  };

  const Model& ModelOf(const v1::Run& run) const { return models_[static_cast<size_t>(run.model_index())]; }

  std::string head_;
  std::vector<Model> models_;
  std::string tail_;
};

}  // namespace skew

#endif  // SKEW_COMMON_CONTENT_KEY_H_
