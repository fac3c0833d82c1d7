#include "common/stats/kernels.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace skew::stats {
namespace {

using Eigen::Index;
using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const RowMatrix>;

constexpr Index kBlock = 512;

Rows RowsOf(const Features& features) { return {features.values.data(), features.rows, features.columns}; }

double ExpEntropy(const Eigen::VectorXd& eigenvalues) {
  double entropy = 0;
  for (const double value : eigenvalues) {
    if (value > 0) entropy -= value * std::log(value);
  }
  return std::exp(entropy);
}

double SumOfKernel(const RowMatrix& products, float columns) {
  return (products.array() / columns + 1.0F).cube().cast<double>().sum();
}

// Over all pairs of a row of `a` and a row of `b`.
double CrossSum(const Rows& a, const Rows& b) {
  double sum = 0;
  RowMatrix products;
  for (Index i = 0; i < a.rows(); i += kBlock) {
    for (Index j = 0; j < b.rows(); j += kBlock) {
      products.noalias() =
          a.middleRows(i, std::min(kBlock, a.rows() - i)) * b.middleRows(j, std::min(kBlock, b.rows() - j)).transpose();
      sum += SumOfKernel(products, static_cast<float>(a.cols()));
    }
  }
  return sum;
}

// Over all ordered pairs of two different rows.
double OwnSum(const Rows& a) {
  double blocks = 0;
  double diagonal = 0;
  const auto columns = static_cast<float>(a.cols());
  RowMatrix products;
  for (Index i = 0; i < a.rows(); i += kBlock) {
    const Index height = std::min(kBlock, a.rows() - i);
    for (Index j = i; j < a.rows(); j += kBlock) {
      products.noalias() = a.middleRows(i, height) * a.middleRows(j, std::min(kBlock, a.rows() - j)).transpose();
      blocks += (i == j ? 1 : 2) * SumOfKernel(products, columns);
      if (i == j) diagonal += (products.diagonal().array() / columns + 1.0F).cube().cast<double>().sum();
    }
  }
  return blocks - diagonal;
}

}  // namespace

absl::StatusOr<double> VendiScore(absl::Span<const double> kernel, int n) {
  if (n < 1 || kernel.size() != static_cast<size_t>(n) * static_cast<size_t>(n)) {
    return absl::InvalidArgumentError(absl::StrCat(kernel.size(), " values are no kernel of ", n, " images"));
  }
  const Eigen::MatrixXd matrix = Eigen::Map<const Eigen::MatrixXd>(kernel.data(), n, n) / n;
  if (!matrix.allFinite()) return absl::InvalidArgumentError("a value of the kernel is not finite");
  return ExpEntropy(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix, Eigen::EigenvaluesOnly).eigenvalues());
}

absl::StatusOr<double> VendiScore(const Features& features) {
  if (features.rows < 1) return absl::InvalidArgumentError("no images have no diversity");
  Eigen::MatrixXd rows = RowsOf(features).cast<double>();
  const Eigen::VectorXd norms = rows.rowwise().norm();
  if (!rows.allFinite() || !(norms.minCoeff() > 0)) {
    return absl::InvalidArgumentError("features of an image are all zero or not finite: it has no direction");
  }
  rows.array().colwise() /= norms.array();
  const Eigen::MatrixXd gram = rows.transpose() * rows / features.rows;
  return ExpEntropy(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(gram, Eigen::EigenvaluesOnly).eigenvalues());
}

absl::StatusOr<double> KernelDistance(const Features& a, const Features& b) {
  if (a.rows < 2 || b.rows < 2 || a.columns != b.columns) {
    return absl::InvalidArgumentError("a kernel distance needs two images a side, with equally many features");
  }
  const double n = a.rows;
  const double m = b.rows;
  const Rows first = RowsOf(a);
  const Rows second = RowsOf(b);
  return OwnSum(first) / (n * (n - 1)) + OwnSum(second) / (m * (m - 1)) - 2 * CrossSum(first, second) / (n * m);
}

}  // namespace skew::stats
