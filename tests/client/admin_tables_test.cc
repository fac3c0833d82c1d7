#include "client/render/admin_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skew {
namespace {

using ::testing::HasSubstr;

TEST(AdminTablesTest, ABackupSaysWhatItHasAndHowItIsRestored) {
  v1::BackUpResponse backup;
  backup.set_name("monday");
  backup.set_path("/backups/monday");
  backup.mutable_manifest()->set_revision(17);
  backup.mutable_manifest()->mutable_database()->set_size_bytes(2048);
  backup.mutable_manifest()->add_artifacts()->set_size_bytes(1024);
  backup.mutable_manifest()->add_artifacts()->set_size_bytes(1024);
  EXPECT_EQ(BackupDetails(backup),
            "backup monday: the store up to revision 17, database 2.0 KiB, 2 artifacts 2.0 KiB\n"
            "on the server: /backups/monday\n"
            "to restore it, stop skewd, move its state directory away, and: skewd --state-dir DIR --restore "
            "/backups/monday\n");
  EXPECT_THAT(BackupTable({backup}).ToCsv(), HasSubstr("monday,/backups/monday,17,2048,2,2048,0"));
  backup.mutable_manifest()->add_damaged("ab");
  EXPECT_THAT(BackupDetails(backup), HasSubstr("left out: 1 damaged artifact;"));
}

TEST(AdminTablesTest, QuarantineNamesArtifactsAndProblem) {
  v1::QuarantinedContent content;
  content.set_digest("ab");
  content.set_problem("its file is missing");
  content.add_artifacts("j1.1/samples.png");
  content.add_artifacts("j2.1/samples.png");
  EXPECT_THAT(QuarantineTable({content}).ToCsv(),
              HasSubstr("ab,,j1.1/samples.png j2.1/samples.png,its file is missing,"));
}

TEST(AdminTablesTest, AChecksCountsAreNumbersForPrograms) {
  v1::CheckArtifactsResponse check;
  check.set_checked(3);
  check.set_checked_bytes(4096);
  check.add_damaged("ab");
  check.set_quarantined(1);
  EXPECT_THAT(CheckTable({check}).ToCsv(), HasSubstr("3,4096,1,0,1"));
}

TEST(AdminTablesTest, GarbageIsWhatWentOrWouldGo) {
  v1::CollectGarbageResponse collected;
  EXPECT_EQ(GarbageDetails(collected, /*dry_run=*/false), "nothing to remove: everything is to be kept\n");
  v1::Garbage& jobs = *collected.add_garbage();
  jobs.set_kind("jobs");
  jobs.set_count(2);
  v1::Garbage& samples = *collected.add_garbage();
  samples.set_kind("samples");
  samples.set_count(3);
  samples.set_size_bytes(2048);
  collected.add_purged_jobs("j3");
  collected.add_purged_jobs("j5");
  EXPECT_EQ(GarbageTable({collected}).ToCsv(), "kind,count,size_bytes\njobs,2,0\nsamples,3,2048\n");
  EXPECT_THAT(GarbageDetails(collected, /*dry_run=*/false),
              testing::AllOf(HasSubstr("2.0 KiB"), HasSubstr("jobs that went: j3 j5\n")));
  EXPECT_THAT(GarbageDetails(collected, /*dry_run=*/true),
              testing::AllOf(HasSubstr("jobs that would go: j3 j5\n"), HasSubstr("nothing was removed")));
}

}  // namespace
}  // namespace skew
