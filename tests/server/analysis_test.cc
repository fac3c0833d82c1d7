// AnalysisService over a real server and store; the training is scripted, and its judge has no confusion matrix.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "skew/v1/analysis_service.grpc.pb.h"
#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class AnalysisServiceTest : public ::testing::Test {
 protected:
  grpc::Status Analyse(const std::vector<std::string>& jobs, v1::AnalyseJobsResponse& response) {
    grpc::ClientContext context;
    v1::AnalyseJobsRequest request;
    request.mutable_job_ids()->Assign(jobs.begin(), jobs.end());
    return v1::AnalysisService::NewStub(daemon_.channel())->AnalyseJobs(&context, request, &response);
  }

  TestDaemon daemon_;
};

TEST_F(AnalysisServiceTest, ReadsRunsAndLossesFromTheStore) {
  v1::JobSpec spec = TestDaemon::Spec("losses");
  spec.mutable_models(0)->mutable_dcgan();
  spec.mutable_bias()->mutable_varied()->add_counts(10);
  spec.mutable_bias()->mutable_varied()->add_counts(15);
  const std::string job = daemon_.MustSubmit(spec);
  daemon_.Await(job);
  v1::AnalyseJobsResponse response;
  const grpc::Status status = Analyse({job}, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.runs(), 3);
  EXPECT_THAT(response.notes(0), HasSubstr("nothing is corrected"));
  int claims = 0;
  for (const v1::Finding& finding : response.findings()) {
    EXPECT_FALSE(finding.has_corrected());
    if (finding.claim() != "H7") continue;
    ++claims;
    EXPECT_EQ(finding.units(), 3);
    EXPECT_NEAR(finding.raw().effect(), -1, 1e-12);  // the rank correlation of 95, 90 and 85 with 5, 10 and 15
  }
  EXPECT_EQ(claims, 1);
}

TEST_F(AnalysisServiceTest, Refusals) {
  const std::string job = daemon_.MustSubmit(TestDaemon::Spec("finish"));
  daemon_.Await(job);
  v1::AnalyseJobsResponse response;
  EXPECT_EQ(Analyse({"j99"}, response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Analyse({}, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Analyse({"seventeen"}, response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Analyse({job, "j1"}, response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace skew
