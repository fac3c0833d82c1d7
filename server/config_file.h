// skewd's configuration file.
#ifndef SKEW_SERVER_CONFIG_FILE_H_
#define SKEW_SERVER_CONFIG_FILE_H_

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

namespace skew {

// The flags as a flat YAML map: flag names without dashes as keys, scalars or lists as values. CLI11 calls it; errors
// are CLI11's, with line and column.
class YamlConfig final : public CLI::Config {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;
};

}  // namespace skew

#endif  // SKEW_SERVER_CONFIG_FILE_H_
