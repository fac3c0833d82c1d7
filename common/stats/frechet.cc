#include "common/stats/frechet.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace skew::stats {
namespace {

using Eigen::Index;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd CovarianceOf(const Gaussian& gaussian) {
  const auto d = static_cast<Index>(gaussian.mean.size());
  const Eigen::Map<const RowMatrix> covariance(gaussian.covariance.data(), d, d);
  return (covariance + covariance.transpose()) / 2;
}

Eigen::MatrixXd SquareRoot(const Eigen::MatrixXd& matrix) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  const Eigen::VectorXd roots = solver.eigenvalues().cwiseMax(0).cwiseSqrt();
  return solver.eigenvectors() * roots.asDiagonal() * solver.eigenvectors().transpose();
}

double TraceOfSquareRoot(const Eigen::MatrixXd& matrix) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver((matrix + matrix.transpose()) / 2,
                                                              Eigen::EigenvaluesOnly);
  return solver.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
}

bool Finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace

absl::StatusOr<Gaussian> FitGaussian(const Features& features) {
  if (features.rows < 2) {
    return absl::InvalidArgumentError(absl::StrCat(features.rows, " images have no covariance"));
  }
  const Index d = features.columns;
  const Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> rows(
      features.values.data(), features.rows, d);
  Eigen::MatrixXd centred = rows.cast<double>();
  const Eigen::RowVectorXd mean = centred.colwise().mean();
  centred.rowwise() -= mean;
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(d, d);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose(), 1.0 / (features.rows - 1));
  covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
  return Gaussian{{mean.data(), mean.data() + d}, {covariance.data(), covariance.data() + d * d}};
}

absl::StatusOr<double> FrechetDistance(const Gaussian& a, const Gaussian& b) {
  const size_t d = a.mean.size();
  if (b.mean.size() != d || a.covariance.size() != d * d || b.covariance.size() != d * d) {
    return absl::InvalidArgumentError("Gaussians of different dimensions");
  }
  for (const std::vector<double>* values : {&a.mean, &b.mean, &a.covariance, &b.covariance}) {
    if (!Finite(*values)) return absl::InvalidArgumentError("a moment of the features is not finite");
  }
  double between_means = 0;
  for (size_t i = 0; i < d; ++i) between_means += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
  const Eigen::MatrixXd first = CovarianceOf(a);
  const Eigen::MatrixXd second = CovarianceOf(b);
  const Eigen::MatrixXd root = SquareRoot(first);
  const double cross = TraceOfSquareRoot(root * second * root);
  return between_means + std::max(0.0, first.trace() + second.trace() - 2 * cross);
}

}  // namespace skew::stats
