// What clients read of a daemon: lists, artifacts, logs, results, what it has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/test_daemon.h"

namespace skew {
namespace {

using ::testing::HasSubstr;

class ReadingTest : public ::testing::Test {
 protected:
  TestDaemon daemon_;
};

TEST_F(ReadingTest, ListsJobsNewestFirstInPages) {
  for (int i = 0; i < 3; ++i) daemon_.MustSubmit(TestDaemon::Spec("finish"));
  v1::ListJobsRequest request;
  request.set_page_size(2);
  request.mutable_filter()->set_kind(v1::STUDY);
  std::vector<std::string> ids;
  do {
    grpc::ClientContext context;
    v1::ListJobsResponse response;
    ASSERT_TRUE(daemon_.jobs().ListJobs(&context, request, &response).ok());
    EXPECT_LE(response.jobs_size(), 2);
    for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre("j4", "j3", "j2"));
  request.set_page_token("nonsense");
  grpc::ClientContext context;
  v1::ListJobsResponse response;
  EXPECT_EQ(daemon_.jobs().ListJobs(&context, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ReadingTest, ArtifactsAreReadFromAnyOffsetAndDamageIsFound) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  const auto read = [&](int64_t offset, std::string& content) {
    grpc::ClientContext context;
    v1::ReadArtifactRequest request;
    request.set_run_id("j2.1");
    request.set_name("samples.txt");
    request.set_offset(offset);
    const auto stream = daemon_.artifacts().ReadArtifact(&context, request);
    v1::ReadArtifactResponse response;
    while (stream->Read(&response)) content += response.data();
    return stream->Finish();
  };
  std::string content;
  ASSERT_TRUE(read(0, content).ok());
  EXPECT_EQ(content, "samples of j2.1");
  content.clear();
  ASSERT_TRUE(read(8, content).ok());
  EXPECT_EQ(content, "of j2.1");
  EXPECT_EQ(read(16, content).error_code(), grpc::StatusCode::OUT_OF_RANGE);

  grpc::ClientContext context;
  v1::ListArtifactsRequest list;
  list.set_run_id("j2.1");
  v1::ListArtifactsResponse artifacts;
  ASSERT_TRUE(daemon_.artifacts().ListArtifacts(&context, list, &artifacts).ok());
  ASSERT_EQ(artifacts.artifacts_size(), 1);
  const std::string digest = artifacts.artifacts(0).digest();
  std::ofstream(daemon_.folder() + "/state/artifacts/" + digest.substr(0, 2) + "/" + digest) << "samples of j2.2";
  EXPECT_EQ(read(0, content).error_code(), grpc::StatusCode::DATA_LOSS);
}

TEST_F(ReadingTest, LogsAreReadPerAttempt) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  grpc::ClientContext context;
  v1::ReadLogRequest request;
  request.set_run_id("j2.1");
  request.set_follow(true);  // ends because the attempt has
  const auto stream = daemon_.runs().ReadLog(&context, request);
  std::string log;
  v1::ReadLogResponse response;
  while (stream->Read(&response)) log += response.data();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(log, "scripted worker of j2.1\n");
}

TEST_F(ReadingTest, ALogThatCannotBeReadIsAnError) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  const std::string log = daemon_.folder() + "/state/logs/j2.1-1.log";
  ASSERT_TRUE(std::filesystem::remove(log));
  std::filesystem::create_directory(log);
  grpc::ClientContext context;
  v1::ReadLogRequest request;
  request.set_run_id("j2.1");
  const auto stream = daemon_.runs().ReadLog(&context, request);
  v1::ReadLogResponse response;
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("cannot read"));
}

TEST_F(ReadingTest, ResultsComeFromTheStoredHistograms) {
  daemon_.Await(daemon_.MustSubmit(TestDaemon::Spec("finish")));
  grpc::ClientContext context;
  v1::GetResultsRequest request;
  request.set_job_id("j2");
  v1::GetResultsResponse results;
  ASSERT_TRUE(daemon_.jobs().GetResults(&context, request, &results).ok());
  ASSERT_EQ(results.cells_size(), 1);
  EXPECT_DOUBLE_EQ(results.cells(0).classes(1).generated().mean(), 5.0 / 45);
  EXPECT_DOUBLE_EQ(results.cells(0).classes(1).amplification(), 1.0);
  ASSERT_EQ(results.classifiers_size(), 1);
  EXPECT_EQ(results.classifiers(0).digest(), "scripted");
}

TEST_F(ReadingTest, TellsWhatItHas) {
  grpc::ClientContext first;
  v1::ListDevicesResponse devices;
  ASSERT_TRUE(daemon_.server().ListDevices(&first, {}, &devices).ok());
  ASSERT_EQ(devices.devices_size(), 1);
  EXPECT_EQ(devices.devices(0).name(), "cpu0");
  grpc::ClientContext second;
  v1::ListDatasetsResponse datasets;
  ASSERT_TRUE(daemon_.server().ListDatasets(&second, {}, &datasets).ok());
  ASSERT_EQ(datasets.datasets_size(), 1);
  EXPECT_EQ(datasets.datasets(0).train_counts().at(2), 40);
  grpc::ClientContext third;
  v1::ServerInfo info;
  ASSERT_TRUE(daemon_.server().GetServerInfo(&third, {}, &info).ok());
  EXPECT_FALSE(info.draining());
  EXPECT_EQ(info.commit(), "c0mm17");
  EXPECT_EQ(info.addresses_size(), 1);
}

}  // namespace
}  // namespace skew
