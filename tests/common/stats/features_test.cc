#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/stats/frechet.h"
#include "common/stats/kernels.h"
#include "common/stats/neighbours.h"
#include "common/stats/random.h"

namespace skew::stats {
namespace {

// Rows of one length, and the view of them.
struct Cloud {
  std::vector<float> values;
  int rows = 0;
  int columns = 0;

  Features view() const { return {values, rows, columns}; }
};

Cloud NormalCloud(int rows, int columns, float shift, float scale, uint64_t seed) {
  Random random(seed);
  Cloud cloud{{}, rows, columns};
  for (int i = 0; i < rows * columns; ++i) cloud.values.push_back(shift + scale * static_cast<float>(random.Normal()));
  return cloud;
}

double Squared(const Cloud& a, int i, const Cloud& b, int j) {
  double sum = 0;
  for (int c = 0; c < a.columns; ++c) {
    const double difference = static_cast<double>(a.values[static_cast<size_t>(i * a.columns + c)]) -
                              static_cast<double>(b.values[static_cast<size_t>(j * b.columns + c)]);
    sum += difference * difference;
  }
  return sum;
}

Gaussian Isotropic(std::vector<double> mean, double variance) {
  const size_t d = mean.size();
  Gaussian gaussian{std::move(mean), std::vector<double>(d * d, 0)};
  for (size_t i = 0; i < d; ++i) gaussian.covariance[i * d + i] = variance;
  return gaussian;
}

TEST(FrechetDistanceTest, ClosedForms) {
  const Gaussian standard = Isotropic({0, 0, 0, 0}, 1);
  EXPECT_NEAR(*FrechetDistance(standard, Isotropic({1, -2, 0, 3}, 1)), 14, 1e-12);         // |mu|^2
  EXPECT_NEAR(*FrechetDistance(standard, Isotropic({0, 0, 0, 0}, 6.25)), 4 * 2.25, 1e-9);  // d (s - 1)^2
  EXPECT_NEAR(*FrechetDistance(standard, standard), 0, 1e-12);
}

// With scipy.linalg.sqrtm of the product, for covariances that do not commute.
TEST(FrechetDistanceTest, AgainstAnotherSquareRoot) {
  const Gaussian a{{0, 0}, {2, 0.5, 0.5, 1}};
  const Gaussian b{{1, 2}, {1, -0.3, -0.3, 3}};
  EXPECT_NEAR(*FrechetDistance(a, b), 5.929311854967773, 1e-10);
  EXPECT_NEAR(*FrechetDistance(b, a), 5.929311854967773, 1e-10);
}

TEST(FrechetDistanceTest, SingularCovariancesAreFine) {
  const Gaussian line{{0, 0}, {1, 1, 1, 1}};
  EXPECT_NEAR(*FrechetDistance(line, line), 0, 1e-7);
  EXPECT_NEAR(*FrechetDistance(line, Isotropic({0, 0}, 0)), 2, 1e-12);
  EXPECT_FALSE(FrechetDistance(line, Isotropic({0}, 1)).ok());
  EXPECT_FALSE(FrechetDistance(line, Isotropic({0, std::numeric_limits<double>::quiet_NaN()}, 1)).ok());
}

TEST(FrechetDistanceTest, FitsMoments) {
  const Cloud cloud{{1, 2, 3, 6, 5, 4}, 3, 2};
  const Gaussian gaussian = *FitGaussian(cloud.view());
  EXPECT_THAT(gaussian.mean, ::testing::ElementsAre(3, 4));
  EXPECT_THAT(gaussian.covariance, ::testing::ElementsAre(4, 2, 2, 4));
  EXPECT_FALSE(FitGaussian({cloud.values, 1, 2}).ok());
}

TEST(VendiScoreTest, OfAKernel) {
  EXPECT_NEAR(*VendiScore({1, 0.9, 0, 0.9, 1, 0, 0, 0, 1}, 3), 2.1573005, 1e-7);
  EXPECT_NEAR(*VendiScore({1, 0, 0, 1}, 2), 2, 1e-12);
  EXPECT_NEAR(*VendiScore({1, 1, 1, 1}, 2), 1, 1e-12);
  EXPECT_FALSE(VendiScore({1, 0, 0}, 2).ok());
}

TEST(VendiScoreTest, OfFeaturesIsThatOfTheirCosineKernel) {
  const Cloud cloud = NormalCloud(40, 7, 0.3F, 1, 1);
  std::vector<double> kernel;
  for (int i = 0; i < cloud.rows; ++i) {
    for (int j = 0; j < cloud.rows; ++j) {
      double products[3] = {0, 0, 0};
      for (int c = 0; c < cloud.columns; ++c) {
        const double x = cloud.values[static_cast<size_t>(i * cloud.columns + c)];
        const double y = cloud.values[static_cast<size_t>(j * cloud.columns + c)];
        products[0] += x * y;
        products[1] += x * x;
        products[2] += y * y;
      }
      kernel.push_back(products[0] / std::sqrt(products[1] * products[2]));
    }
  }
  EXPECT_NEAR(*VendiScore(cloud.view()), *VendiScore(kernel, cloud.rows), 1e-6);
  EXPECT_FALSE(VendiScore(Cloud{{0, 0}, 1, 2}.view()).ok());
}

double KernelDistanceByDefinition(const Cloud& a, const Cloud& b) {
  const auto mean = [](const Cloud& x, const Cloud& y, bool same) {
    double sum = 0;
    for (int i = 0; i < x.rows; ++i) {
      for (int j = 0; j < y.rows; ++j) {
        if (same && i == j) continue;
        double product = 0;
        for (int c = 0; c < x.columns; ++c) {
          product += static_cast<double>(x.values[static_cast<size_t>(i * x.columns + c)]) *
                     static_cast<double>(y.values[static_cast<size_t>(j * y.columns + c)]);
        }
        sum += std::pow(product / x.columns + 1, 3);
      }
    }
    return sum / (x.rows * (y.rows - (same ? 1.0 : 0.0)));
  };
  return mean(a, a, true) + mean(b, b, true) - 2 * mean(a, b, false);
}

TEST(KernelDistanceTest, BlocksAddUpToTheDefinition) {
  const Cloud a = NormalCloud(600, 3, 0, 1, 2);
  const Cloud b = NormalCloud(550, 3, 0.2F, 1.1F, 3);
  EXPECT_NEAR(*KernelDistance(a.view(), b.view()), KernelDistanceByDefinition(a, b), 1e-4);
  EXPECT_FALSE(KernelDistance(a.view(), NormalCloud(600, 2, 0, 1, 1).view()).ok());
}

// Real images at 0, 1, 2, 3 (radius to the next: 1); generated ones at 0.5, 2.25, 2.75 and 100 (radii 1.75, 0.5, 0.5,
// 97.25). Worked out by hand.
TEST(FidelityTest, OnALine) {
  const Cloud real{{0, 1, 2, 3}, 4, 1};
  const Cloud generated{{0.5, 2.25, 2.75, 100}, 4, 1};
  const Fidelity fidelity = *MeasureFidelity(real.view(), generated.view(), 1);
  EXPECT_EQ(fidelity.precision, 0.75);
  EXPECT_EQ(fidelity.recall, 1);
  EXPECT_EQ(fidelity.density, 6.0 / 4);  // 0.5 is in two balls, 2.25 and 2.75 are in two each
  EXPECT_EQ(fidelity.coverage, 1);
  EXPECT_FALSE(MeasureFidelity(real.view(), generated.view(), 4).ok());
}

TEST(FidelityTest, BlocksAgreeWithAllPairs) {
  const Cloud real = NormalCloud(300, 3, 0, 1, 4);
  const Cloud generated = NormalCloud(1100, 3, 1, 0.7F, 5);
  const auto radius = [](const Cloud& cloud, int i) {
    std::vector<double> all;
    for (int j = 0; j < cloud.rows; ++j) {
      if (i != j) all.push_back(Squared(cloud, i, cloud, j));
    }
    std::nth_element(all.begin(), all.begin() + 4, all.end());
    return all[4];
  };
  int precise = 0;
  int balls = 0;
  std::vector<bool> covered(300, false);
  std::vector<double> radii;
  for (int i = 0; i < 300; ++i) radii.push_back(radius(real, i));
  for (int j = 0; j < 1100; ++j) {
    int in = 0;
    for (int i = 0; i < 300; ++i) {
      if (Squared(real, i, generated, j) > radii[static_cast<size_t>(i)]) continue;
      ++in;
      covered[static_cast<size_t>(i)] = true;
    }
    precise += in > 0 ? 1 : 0;
    balls += in;
  }
  const Fidelity fidelity = *MeasureFidelity(real.view(), generated.view());
  // One image may fall on the other side of a ball's edge by rounding.
  EXPECT_NEAR(fidelity.precision, precise / 1100.0, 1.5 / 1100);
  EXPECT_NEAR(fidelity.density, balls / 5.0 / 1100, 1e-3);
  EXPECT_NEAR(fidelity.coverage, static_cast<double>(std::count(covered.begin(), covered.end(), true)) / 300,
              1.5 / 300);
}

// As run.proto says of ImageMeasures: how many there are decides on coverage, and repeats, as the null arm's, lower it
// and recall, but not precision and density.
TEST(FidelityTest, OfImagesThatAreAsRealAndAsVarious) {
  const auto share = [](double generated, double real) { return 1 - std::pow(real / (real + generated), 5); };
  const Cloud real = NormalCloud(2000, 8, 0, 1, 10);
  const Fidelity as_many = *MeasureFidelity(real.view(), NormalCloud(2000, 8, 0, 1, 11).view());
  EXPECT_NEAR(as_many.density, 1, 0.03);
  EXPECT_NEAR(as_many.precision, as_many.recall, 0.02);
  EXPECT_NEAR(as_many.coverage, share(2000, 2000), 0.01);
  const Cloud distinct = NormalCloud(500, 8, 0, 1, 12);
  EXPECT_NEAR(MeasureFidelity(real.view(), distinct.view())->coverage, share(500, 2000), 0.03);
  Cloud repeats{{}, 2000, 8};
  for (int i = 0; i < 4; ++i) {
    repeats.values.insert(repeats.values.end(), distinct.values.begin(), distinct.values.end());
  }
  const Fidelity repeated = *MeasureFidelity(real.view(), repeats.view());
  EXPECT_NEAR(repeated.density, 1, 0.06);
  EXPECT_NEAR(repeated.precision, as_many.precision, 0.02);
  EXPECT_NEAR(repeated.coverage, share(500, 2000), 0.03);
  EXPECT_LT(repeated.recall, as_many.recall - 0.2);
}

TEST(MemorisationTest, TellsCopiesFromFreshImages) {
  const Cloud training = NormalCloud(400, 8, 0, 1, 6);
  const Cloud held_out = NormalCloud(400, 8, 0, 1, 7);
  const Memorisation fresh =
      *MeasureMemorisation(NormalCloud(400, 8, 0, 1, 8).view(), training.view(), held_out.view());
  EXPECT_NEAR(fresh.distance_ratio, 1, 0.1);
  EXPECT_NEAR(fresh.copied, fresh.copied_held_out, 0.02);
  Cloud copies = training;
  Random random(9);
  for (float& value : copies.values) value += 0.01F * static_cast<float>(random.Normal());
  const Memorisation copied = *MeasureMemorisation(copies.view(), training.view(), held_out.view());
  EXPECT_LT(copied.distance_ratio, 0.05);
  EXPECT_GT(copied.copied, 0.95);
}

TEST(MemorisationTest, TwoNearestOnALine) {
  const TwoNearest nearest = FindTwoNearest(Cloud{{1, 8}, 2, 1}.view(), Cloud{{0, 3, 10}, 3, 1}.view());
  EXPECT_THAT(nearest.first, ::testing::Pointwise(::testing::FloatNear(1e-5F), {1.0F, 2.0F}));
  EXPECT_THAT(nearest.second, ::testing::Pointwise(::testing::FloatNear(1e-5F), {2.0F, 5.0F}));
}

// 2000 images drawn evenly from 300: about 2000 * 1999 / 2 / 300 equal pairs.
TEST(SupportEstimateTest, CountsEqualImages) {
  const Cloud distinct = NormalCloud(300, 6, 0, 1, 10);
  Random random(11);
  Cloud cloud{{}, 2000, 6};
  for (int i = 0; i < cloud.rows; ++i) {
    const auto begin = distinct.values.begin() + static_cast<std::ptrdiff_t>(6 * random.Below(300));
    cloud.values.insert(cloud.values.end(), begin, begin + 6);
  }
  const SupportEstimate estimate = *EstimateSupport(cloud.view(), 0.01F);
  EXPECT_NEAR(estimate.support, 300, 15);
  EXPECT_TRUE(estimate.interval.Contains(estimate.support));
}

// Three pairs: Garwood's interval for a count of 3 is (0.6187, 8.7673).
TEST(SupportEstimateTest, PairsOnALine) {
  const SupportEstimate estimate = *EstimateSupport(Cloud{{0, 0.1F, 5, 5.1F, 9, 20, 20.1F}, 7, 1}.view(), 0.2F);
  EXPECT_EQ(estimate.near_pairs, 3);
  EXPECT_EQ(estimate.support, 7);
  EXPECT_NEAR(estimate.interval.low, 21 / 8.767273, 1e-5);
  EXPECT_NEAR(estimate.interval.high, 21 / 0.618672, 1e-4);
  EXPECT_TRUE(std::isinf(EstimateSupport(Cloud{{0, 1}, 2, 1}.view(), 0.2F)->support));
}

}  // namespace
}  // namespace skew::stats
