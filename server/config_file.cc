#include "server/config_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/nearest.h"

namespace skew {
namespace {

// What a file can set: everything but what ends the program or names the file itself.
std::vector<std::string> Settings(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    const bool set_elsewhere =
        option == app.get_help_ptr() || option == app.get_version_ptr() || option == app.get_config_ptr();
    if (!set_elsewhere) names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  }
  return names;
}

std::string UnknownKey(const std::string& key, const std::vector<std::string>& known) {
  const std::string nearest = Nearest(key, known);
  return absl::StrCat("there is no setting '", key, "'",
                      nearest.empty() ? "; the settings are the flags of skewd --help, without their dashes"
                                      : absl::StrCat("; did you mean '", nearest, "'?"));
}

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
  const std::string file = app_->get_config_ptr()->as<std::string>();
  const auto fail = [&file](const YAML::Mark& place, const std::string& problem) {
    const std::string line = place.is_null() ? "" : absl::StrCat(":", place.line + 1, ":", place.column + 1);
    return CLI::FileError(absl::StrCat("--config: ", file, line, ": ", problem));
  };
  try {
    std::vector<CLI::ConfigItem> items;
    const YAML::Node root = YAML::Load(input);
    if (root.IsNull()) return items;
    if (!root.IsMap()) throw fail(root.Mark(), "this is not a map of settings");
    const std::vector<std::string> known = Settings(*app_);
    std::set<std::string> seen;
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        throw fail(entry.first.Mark(), UnknownKey(key, known));
      }
      if (!seen.insert(key).second) throw fail(entry.first.Mark(), absl::StrCat("'", key, "' is there twice"));
      items.push_back(ItemOf(key, entry.second));
    }
    return items;
  } catch (const YAML::Exception& error) {
    throw fail(error.mark, error.msg);
  }
}

std::string YamlConfig::to_config(const CLI::App* app, bool /*default_also*/, bool /*write_description*/,
                                  std::string prefix) const {
  std::string text;
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& value : option->results()) {
      absl::StrAppend(&text, prefix, option->get_single_name(), ": ", value, "\n");
    }
  }
  return text;
}

}  // namespace skew
