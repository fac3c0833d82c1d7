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
  EXPECT_THAT(BackupDetails(backup), HasSubstr("left out: 1 damaged artifacts"));
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

}  // namespace
}  // namespace skew
