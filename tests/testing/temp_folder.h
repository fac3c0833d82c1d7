// A folder for one test.
#ifndef SKEW_TESTS_TESTING_TEMP_FOLDER_H_
#define SKEW_TESTS_TESTING_TEMP_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace skew {

// New and empty, below the system's temporary folder; removed with its content at the end. Its path is short: sockets
// in it must be reachable. As a test's first member it outlives what the others keep in it.
class TempFolder {
 public:
  TempFolder() {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "skew-test-XXXXXX";
};

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_TEMP_FOLDER_H_
