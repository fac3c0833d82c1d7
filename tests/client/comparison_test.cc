#include "client/render/comparison.h"

#include "tests/client/testing.h"

namespace skew {
namespace {

TEST(ComparisonTest, BitEqualIsALine) {
  const auto equal = Parse<v1::CompareRunsResponse>("run_id: 'j2.3' other_run_id: 'j9.1' verdict: BIT_EQUAL");
  EXPECT_EQ(ComparisonText(equal), "j9.1 is bit-equal to j2.3\n");
}

TEST(ComparisonTest, OtherVerdictsComeWithTheirReasons) {
  auto response = Parse<v1::CompareRunsResponse>(
      "run_id: 'j2.3' other_run_id: 'j9.1' verdict: DRIFTED chi_square: 40.126 chi_square_p: 1e-8 g_statistic: 41 "
      "g_p: 0.00000002 degrees: 3 differences: 'final histogram at step 60' differences: 'artifact losses.csv'");
  EXPECT_EQ(ComparisonText(response),
            "j9.1 has drifted from j2.3\n"
            "histograms: chi-square 40.13, p = 1e-08; G 41.00, p = 2e-08 (3 degrees of freedom)\n"
            "differ: final histogram at step 60, artifact losses.csv\n");
  response.set_verdict(v1::CompareRunsResponse::STATISTICALLY_EQUAL);
  EXPECT_EQ(ComparisonText(response).substr(0, 36), "j9.1 is statistically equal to j2.3\n");
}

TEST(ComparisonTest, ScriptsGetARow) {
  const auto response = Parse<v1::CompareRunsResponse>(
      "run_id: 'j2.3' other_run_id: 'j9.1' verdict: STATISTICALLY_EQUAL chi_square: 0.5 chi_square_p: 0.25 "
      "g_statistic: 0.5 g_p: 0.25 degrees: 2 differences: 'artifact a' differences: 'artifact b'");
  EXPECT_EQ(ComparisonTable({response}).ToCsv(),
            "run,other_run,verdict,chi_square,chi_square_p,g_statistic,g_p,degrees,differences\n"
            "j2.3,j9.1,STATISTICALLY_EQUAL,0.5,0.25,0.5,0.25,2,artifact a; artifact b\n");
}

}  // namespace
}  // namespace skew
