#include "common/stats/neighbours.h"

#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace skew::stats {
namespace {

using Eigen::Index;
using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr Index kBlockRows = 256;
constexpr Index kBlockColumns = 1024;

// Rows less a common origin, with their squared norms.
struct Points {
  RowMatrix rows;
  Eigen::VectorXf squares;
};

Eigen::Map<const RowMatrix> RowsOf(const Features& features) {
  return {features.values.data(), features.rows, features.columns};
}

Eigen::RowVectorXf OriginOf(const Features& features) {
  return RowsOf(features).cast<double>().colwise().mean().cast<float>();
}

Points PointsOf(const Features& features, const Eigen::RowVectorXf& origin) {
  Points points;
  points.rows = RowsOf(features).rowwise() - origin;
  points.squares = points.rows.rowwise().squaredNorm();
  return points;
}

// Calls `visit` with blocks of squared distances: entry (r, c) is between row i + r of `from` and row j + c of `to`.
// All blocks of a row follow one another. With `upper`, only blocks that reach the diagonal or above.
void ForBlocks(const Points& from, const Points& to, bool upper,
               absl::FunctionRef<void(Index i, Index j, const RowMatrix& squares)> visit) {
  RowMatrix block;
  for (Index i = 0; i < from.rows.rows(); i += kBlockRows) {
    const Index height = std::min(kBlockRows, from.rows.rows() - i);
    for (Index j = 0; j < to.rows.rows(); j += kBlockColumns) {
      const Index width = std::min(kBlockColumns, to.rows.rows() - j);
      if (upper && j + width <= i) continue;
      block.noalias() = -2.0F * from.rows.middleRows(i, height) * to.rows.middleRows(j, width).transpose();
      block.colwise() += from.squares.segment(i, height);
      block.rowwise() += to.squares.segment(j, width).transpose();
      visit(i, j, block.cwiseMax(0.0F).eval());
    }
  }
}

// Squared distance from each point to its k-th nearest other point.
std::vector<float> Radii(const Points& points, size_t k) {
  const Index n = points.rows.rows();
  // Max-heaps of the k smallest seen, with -infinity's opposite where fewer were seen.
  std::vector<std::vector<float>> nearest(static_cast<size_t>(n),
                                          std::vector<float>(k, std::numeric_limits<float>::infinity()));
  ForBlocks(points, points, false, [&](Index i, Index j, const RowMatrix& squares) {
    for (Index r = 0; r < squares.rows(); ++r) {
      std::vector<float>& heap = nearest[static_cast<size_t>(i + r)];
      for (Index c = 0; c < squares.cols(); ++c) {
        if (squares(r, c) >= heap.front() || i + r == j + c) continue;
        std::pop_heap(heap.begin(), heap.end());
        heap.back() = squares(r, c);
        std::push_heap(heap.begin(), heap.end());
      }
    }
  });
  std::vector<float> radii;
  radii.reserve(nearest.size());
  for (const std::vector<float>& heap : nearest) radii.push_back(heap.front());
  return radii;
}

double ShareOf(const std::vector<bool>& flags) {
  return static_cast<double>(std::count(flags.begin(), flags.end(), true)) / static_cast<double>(flags.size());
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double CopiedShare(const TwoNearest& nearest) {
  double copied = 0;
  // Strictly: of two equal training images neither is the one that was copied.
  for (size_t i = 0; i < nearest.first.size(); ++i) copied += 3 * nearest.first[i] < nearest.second[i] ? 1 : 0;
  return copied / static_cast<double>(nearest.first.size());
}

double MedianDistance(const TwoNearest& nearest) { return Median({nearest.first.begin(), nearest.first.end()}); }

}  // namespace

absl::StatusOr<Fidelity> MeasureFidelity(const Features& real, const Features& generated, int k) {
  if (k < 1 || real.rows <= k || generated.rows <= k || real.columns != generated.columns) {
    return absl::InvalidArgumentError(absl::StrCat("neighbour ", k, " of ", real.rows, " real and ", generated.rows,
                                                   " generated images with ", real.columns, " and ", generated.columns,
                                                   " features"));
  }
  const Eigen::RowVectorXf origin = OriginOf(real);
  const Points real_points = PointsOf(real, origin);
  const Points generated_points = PointsOf(generated, origin);
  const std::vector<float> real_radii = Radii(real_points, static_cast<size_t>(k));
  const std::vector<float> generated_radii = Radii(generated_points, static_cast<size_t>(k));
  std::vector<bool> precise(generated_radii.size(), false);
  std::vector<bool> recalled(real_radii.size(), false);
  std::vector<bool> covered(real_radii.size(), false);
  int64_t balls = 0;
  ForBlocks(real_points, generated_points, false, [&](Index i, Index j, const RowMatrix& squares) {
    for (Index r = 0; r < squares.rows(); ++r) {
      const auto real_row = static_cast<size_t>(i + r);
      for (Index c = 0; c < squares.cols(); ++c) {
        const auto generated_row = static_cast<size_t>(j + c);
        if (squares(r, c) <= generated_radii[generated_row]) recalled[real_row] = true;
        if (squares(r, c) > real_radii[real_row]) continue;
        precise[generated_row] = true;
        covered[real_row] = true;
        ++balls;
      }
    }
  });
  return Fidelity{ShareOf(precise), ShareOf(recalled), static_cast<double>(balls) / k / generated.rows,
                  ShareOf(covered)};
}

TwoNearest FindTwoNearest(const Features& from, const Features& to) {
  const Eigen::RowVectorXf origin = OriginOf(to);
  TwoNearest nearest;
  nearest.first.assign(static_cast<size_t>(from.rows), std::numeric_limits<float>::infinity());
  nearest.second = nearest.first;
  ForBlocks(PointsOf(from, origin), PointsOf(to, origin), false, [&](Index i, Index, const RowMatrix& squares) {
    for (Index r = 0; r < squares.rows(); ++r) {
      float& first = nearest.first[static_cast<size_t>(i + r)];
      float& second = nearest.second[static_cast<size_t>(i + r)];
      for (Index c = 0; c < squares.cols(); ++c) {
        if (squares(r, c) >= second) continue;
        second = std::max(first, squares(r, c));
        first = std::min(first, squares(r, c));
      }
    }
  });
  for (float& square : nearest.first) square = std::sqrt(square);
  for (float& square : nearest.second) square = std::sqrt(square);
  return nearest;
}

absl::StatusOr<Memorisation> MeasureMemorisation(const Features& generated, const Features& training,
                                                 const Features& held_out) {
  if (generated.rows < 1 || held_out.rows < 1 || training.rows < 2 || generated.columns != training.columns ||
      held_out.columns != training.columns) {
    return absl::InvalidArgumentError("memorisation needs generated, held-out and two training images, of one kind");
  }
  const TwoNearest of_generated = FindTwoNearest(generated, training);
  const TwoNearest of_held_out = FindTwoNearest(held_out, training);
  const double usual = MedianDistance(of_held_out);
  if (!(usual > 0)) return absl::InvalidArgumentError("held-out images are training images");
  return Memorisation{MedianDistance(of_generated) / usual, CopiedShare(of_generated), CopiedShare(of_held_out)};
}

absl::StatusOr<SupportEstimate> EstimateSupport(const Features& features, float distance) {
  if (features.rows < 2 || !(distance >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(features.rows, " images within ", distance));
  }
  const Points points = PointsOf(features, OriginOf(features));
  int64_t near_pairs = 0;
  ForBlocks(points, points, true, [&](Index i, Index j, const RowMatrix& squares) {
    for (Index r = 0; r < squares.rows(); ++r) {
      for (Index c = std::max<Index>(0, i + r + 1 - j); c < squares.cols(); ++c) {
        if (squares(r, c) <= distance * distance) ++near_pairs;
      }
    }
  });
  return SupportOf(near_pairs, 0.5 * features.rows * (features.rows - 1.0));
}

SupportEstimate SupportOf(int64_t near_pairs, double pairs) {
  SupportEstimate estimate;
  estimate.near_pairs = near_pairs;
  const auto near = static_cast<double>(near_pairs);
  const double most = boost::math::quantile(boost::math::complement(boost::math::chi_squared(2 * near + 2), 0.025)) / 2;
  const double least = near > 0 ? boost::math::quantile(boost::math::chi_squared(2 * near), 0.025) / 2 : 0;
  estimate.support = pairs / near;
  estimate.interval = {pairs / most, pairs / least};
  return estimate;
}

}  // namespace skew::stats
