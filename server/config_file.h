// skewd's configuration file.
#ifndef SKEW_SERVER_CONFIG_FILE_H_
#define SKEW_SERVER_CONFIG_FILE_H_

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

namespace skew {

// The flags as a flat YAML map: flag names without dashes as keys, scalars or lists as values. CLI11 calls it; errors
// are CLI11's, with the file, line and column. A key that is no flag of the program is one.
class YamlConfig final : public CLI::Config {
 public:
  // `app` has the flags, one of which names the file; it must outlive this.
  explicit YamlConfig(const CLI::App* app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;

 private:
  const CLI::App* const app_;
};

}  // namespace skew

#endif  // SKEW_SERVER_CONFIG_FILE_H_
