// The claims of a study as tests over its finished runs.
//
//   H1 slope              bias is magnified: the slope beta of logit g on logit pi over the bias points is above 1
//   H2 bias               a GAN is further from the training shares than a VAE (squared distance, L2, of the mean over
//                         iterations from the training shares, over the bias points)
//   H2 erratic            and varies more between seeds (ratio of the standard deviations of logit g, the geometric
//                         mean over the bias points)
//   H3 closer             a VAE is closer in distribution than a GAN (the test of H2 bias),
//   H3 less diverse       less diverse within classes (Vendi score),
//   H3 less sharp         and further from real images within classes (Frechet distance)
//   H4 amplification      the focus class is amplified more than the others (difference of Delta)
//   H4 balanced           and gets more than its share where all counts are equal (Delta)
//   H5 predictability     a minority class is less predictable: rho falls as pi grows (what the standard deviation of a
//                         run's share, beside that of single images, is multiplied by when the odds of pi double)
//   H6 first batches      which class the first batches show steers what is generated (logit of the minority's share:
//                         minority first above stratified above majority first)
//   H7 loss               the largest generator loss goes with minority runs
//   H8 class effects      classes are not treated alike where all counts are equal, beyond the judge's error
//
// g is the generated, pi the training share of a class. Runs of one iteration of jobs with one seed form a replicate:
// they share images. H1, H2 bias, H3, H4, H6 and H8 take one value from each replicate and ask Student's t about their
// mean: run-to-run spread of any kind is in it, and dependence between bias points does no harm, as it does where runs
// or pairs of runs are taken for independent. H2, H3 and H6 compare runs that were trained on the same images; the
// notes of H3 and H6 add what tests say that suppose no normal distribution (signed ranks, sign flips). H2 bias is not
// about the distances of single runs, which are above 0 for a model that is unbiased and varies: one that varies twice
// as much as another is then further away in half of all studies of 5 iterations. It takes products of different
// iterations, in which the spread cancels out (SquaredDistanceValues in divergence.h); total variation has no such
// estimate, and is in the note. Only replicates with all bias points count, so that none weighs more for what it lacks.
// H2 erratic compares independent contrasts between the iterations of a bias point. Each bias point counts the same:
// logits of the rarest shares vary most, and of summed variances nine tenths would be theirs, where a model that
// magnifies bias (H1) has smaller shares, and larger logit variances for that alone. It supposes that what an iteration
// adds differs from bias point to bias point; H5 ranks the bias points' rho (Jonckheere's J; effect and interval are
// the slope and interval of Theil and Sen, of log2(rho + 1/n) on log2 odds, n images a run, which invert the same
// test), H7 runs. H5 supposes that bias points deviate independently of each other: their training images are nested
// draws, and were the deviations of neighbours correlated at 0.7 or 0.9 (autoregressive, over 7 points), a trend would
// be seen by chance in 10% or 20% of studies instead of 3%. Corrected values of tests by Student's t hold what the
// judge's confusion counts leave open (see cell.h); the others use the mean correction only.
//
// Findings of arms that train nothing say whether the instrument is fair; their images are always the same ones, on
// which the judge's errors are others than its rates (JudgedOn in judge.h). They are a family of their own for Holm.
#ifndef SKEW_COMMON_STATS_CLAIMS_H_
#define SKEW_COMMON_STATS_CLAIMS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/interval.h"
#include "common/stats/judge.h"

namespace skew::stats {

enum class Family { kOther, kGan, kVae };  // kOther: trains nothing
// In which order the first batches show the classes.
enum class FirstBatches { kShuffled, kStratified, kMajorityFirst, kMinorityFirst };

struct StudyRun {
  std::string arm;  // the model with its settings, but for first_batches: runs of an arm are alike but for the data
  Family family = Family::kOther;
  FirstBatches first_batches = FirstBatches::kShuffled;
  std::string job;
  uint32_t job_seed = 0;  // iterations of jobs with one seed draw the same images
  int iteration = 0;
  std::string images;  // equal for runs that were trained on the same images
  uint32_t seed = 0;
  // Of training, and how it was judged: runs of a GAN and a VAE are pairs where it is the same.
  std::string budget;
  std::map<int, int64_t> trained;  // class -> images, positive
  std::map<int, int64_t> counts;   // the same classes -> accepted images, at least one in all
  int judge = -1;                  // index into Study::judges; -1: not known
  std::optional<double> largest_generator_loss;
  std::map<int, double> vendi;    // within the class
  std::map<int, double> frechet;  // from real images of the class
};

struct Study {
  std::vector<StudyRun> runs;
  std::vector<ConfusionMatrix> judges;
};

struct AnalysisOptions {
  double alpha = 0.05;             // family-wise, for Holm and the verdicts
  double slope_margin = 0.1;       // a slope this near to 1 is as good as 1
  double delta_margin = 0.1;       // a difference of logits this near to 0 is as good as 0 (odds within 10%)
  std::optional<int> focus_class;  // of H4; default: class 1, or the smallest label when there is none
  int judge_draws = 200;
  int64_t permutations = 10'000;
  uint64_t seed = 1;
};

enum class Verdict {
  kUndecided,
  kSupported,  // the effect differs from the null hypothesis, as claimed
  kOpposite,   // it differs the other way
  kPreserved,  // it lies within the margin around the null hypothesis (whether it differs or not)
};

struct ClaimTest {
  std::string statistic_name;  // "t", "J", "rho", ...
  double statistic = 0;
  double effect = 0;
  std::optional<Interval> interval;  // 95%
  std::optional<double> p;           // two-sided; absent when there is too little to test
  // Holm, over all findings of the analysis, raw and corrected apart (those without corrected values count among these
  // with the others); over those of untrained arms by themselves; H3 closer, which is the test of H2 bias, is not
  // counted again.
  std::optional<double> adjusted_p;
  std::optional<double> equivalence_p;
  std::optional<double> adjusted_equivalence_p;  // Holm, over the equivalence tests
  Verdict verdict = Verdict::kUndecided;
  // Of an undecided claim: how many units would decide it with 80% power, if the effect is as large as it came out (or,
  // near the null hypothesis, by showing equivalence). Absent when no number would, or nothing is known.
  std::optional<int> units_needed;
};

struct Finding {
  std::string claim;  // "H1"
  std::string part;   // "slope"
  std::string arm;
  std::string against;       // the arm it is compared with; empty when there is none
  bool untrained = false;    // the arm trains nothing: the finding is about the instrument
  std::optional<int> label;  // the class in question
  std::string effect_name;   // "beta"
  double null = 0;           // the effect when the claim is false
  double margin = 0;         // of equivalence; 0: not tested
  int predicted = 0;         // sign of effect - null when the claim is true; 0: either
  int units = 0;             // independent values the test rests on
  std::string unit;          // "iterations", "contrasts", "bias points" or "runs"
  ClaimTest raw;
  std::optional<ClaimTest> corrected;  // absent without judges, and where shares play no part
  std::string note;                    // what is missing, or must be known to read it
};

struct Analysis {
  int runs = 0;  // that went in
  std::vector<Finding> findings;
};

// Findings in the order of the claims, then arms. A claim that the runs cannot speak to has one finding that says why.
// Runs that repeat another one (same arm, images and seed) count once. INVALID_ARGUMENT: runs with different classes,
// a class without training images, no accepted image in a run, or a judge that cannot be corrected for.
absl::StatusOr<Analysis> AnalyseStudy(const Study& study, const AnalysisOptions& options);

}  // namespace skew::stats

#endif  // SKEW_COMMON_STATS_CLAIMS_H_
