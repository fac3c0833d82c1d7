// The measures of ImageMeasures (see run.proto), taken.
#ifndef SKEW_SERVER_TRAIN_EVAL_IMAGE_MEASURES_H_
#define SKEW_SERVER_TRAIN_EVAL_IMAGE_MEASURES_H_

#include "server/train/eval/image_features.h"
#include "skew/v1/run.pb.h"

namespace skew::train {

// Of a number of images that does not depend on the generator: a class with fewer than it should have is left out. A
// measure that cannot be taken is absent. The time goes into distances between pairs of images (see neighbours.h and
// kernels.h); with the judging of the real images about 3 s a run on one core; where a class is rare, generating and
// judging up to four times as many images more comes on top (see Evaluator).
v1::ImageMeasures MeasureImages(const GeneratedFeatures& generated, const RealFeatures& real);

}  // namespace skew::train

#endif  // SKEW_SERVER_TRAIN_EVAL_IMAGE_MEASURES_H_
