#include "server/config_file.h"

#include <yaml-cpp/yaml.h>

namespace skew {
namespace {

CLI::ConfigItem ItemOf(const std::string& key, const YAML::Node& value) {
  CLI::ConfigItem item;
  item.name = key;
  if (value.IsScalar()) {
    item.inputs.push_back(value.Scalar());
  } else if (value.IsSequence()) {
    for (const YAML::Node& one : value) item.inputs.push_back(one.as<std::string>());
  } else {
    throw CLI::ConversionError(key, "a value or a list of values");
  }
  return item;
}

}  // namespace

std::vector<CLI::ConfigItem> YamlConfig::from_config(std::istream& input) const {
  try {
    std::vector<CLI::ConfigItem> items;
    const YAML::Node root = YAML::Load(input);
    if (root.IsNull()) return items;
    if (!root.IsMap()) throw CLI::FileError("configuration file: not a map of settings");
    for (const auto& entry : root) items.push_back(ItemOf(entry.first.as<std::string>(), entry.second));
    return items;
  } catch (const YAML::Exception& error) {
    throw CLI::FileError(std::string("configuration file: ") + error.what());
  }
}

std::string YamlConfig::to_config(const CLI::App* app, bool /*default_also*/, bool /*write_description*/,
                                  std::string prefix) const {
  std::string text;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& value : option->results()) text += prefix + option->get_single_name() + ": " + value + "\n";
  }
  return text;
}

}  // namespace skew
