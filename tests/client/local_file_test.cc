#include "client/local_file.h"

#include <filesystem>
#include <string>

#include "common/file.h"
#include "tests/client/testing.h"
#include "tests/testing/temp_folder.h"

namespace skew {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LocalFileTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }

  TempFolder folder_;
};

TEST_F(LocalFileTest, WhatCanBeWrittenIsFine) {
  EXPECT_TRUE(CheckOutputFile(Path("report.html")).ok());
  EXPECT_TRUE(CheckOutputFile("report.html").ok());
  EXPECT_TRUE(CheckOutputFolder(folder_.path()).ok());
  EXPECT_TRUE(CheckOutputFolder(Path("new/and/newer")).ok());
  EXPECT_TRUE(CheckOutputFolder("new").ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "asking writes nothing";
}

TEST_F(LocalFileTest, SaysBeforeWritingWhatIsWrong) {
  ASSERT_TRUE(WriteOutputFile(Path("file"), "text").ok());
  EXPECT_EQ(CheckOutputFile(Path("none/report.html")).message(),
            "cannot write " + Path("none/report.html") + ": there is no folder " + Path("none"));
  EXPECT_EQ(CheckOutputFile(folder_.path()).message(), "cannot write " + folder_.path() + ": it is a folder");
  for (const absl::Status& status : {CheckOutputFile(Path("file/report.html")), CheckOutputFolder(Path("file/csv"))}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
    EXPECT_THAT(std::string(status.message()), HasSubstr("not a folder to write in: " + Path("file")));
  }
}

TEST_F(LocalFileTest, ErrorsNameTheFileThatWasAskedFor) {
  EXPECT_THAT(std::string(WriteOutputFile(Path("none/report.html"), "text").message()),
              AllOf(HasSubstr(Path("none/report.html")), Not(HasSubstr(".tmp"))));
}

}  // namespace
}  // namespace skew
