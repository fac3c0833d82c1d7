#include "client/contexts.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/local_file.h"
#include "client/scalar.h"
#include "client/yaml_decoder.h"
#include "common/file.h"
#include "common/status.h"

namespace skew {
namespace {

// An empty map when there is no file.
absl::StatusOr<YAML::Node> Load(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, size_t{1} << 20);
  if (absl::IsNotFound(text.status())) return YAML::Node(YAML::NodeType::Map);
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  SKEW_ASSIGN_OR_RETURN(YAML::Node root, ParseYaml(*text, path));
  const YAML::Node contexts = root.IsMap() ? root["contexts"] : YAML::Node();
  if (!root.IsMap() || (contexts && !contexts.IsMap())) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a map with a map 'contexts'"));
  }
  return root;
}

absl::Status Store(const std::string& path, const YAML::Node& root) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  mkdir(folder.c_str(), 0700);  // the file below says why, if it fails
  YAML::Emitter text;
  text << root;
  return WritePrivateFile(path, absl::StrCat(text.c_str(), "\n"));
}

std::string TextOf(const YAML::Node& node) { return node && node.IsScalar() ? node.Scalar() : ""; }

void SetPath(YAML::Node& context, const char* key, const std::string& path) {
  if (!path.empty()) context[key] = std::filesystem::absolute(path).lexically_normal().string();
}

std::vector<NamedContext> ContextsIn(const YAML::Node& root) {
  std::vector<NamedContext> list;
  const std::string current = TextOf(root["current-context"]);
  const YAML::Node contexts = root["contexts"];
  if (!contexts) return list;
  for (const auto& entry : contexts) {
    const std::string name = TextOf(entry.first);
    const bool map = entry.second.IsMap();
    list.push_back({name, map ? TextOf(entry.second["server"]) : "", map && !TextOf(entry.second["token"]).empty(),
                    name == current});
  }
  std::sort(list.begin(), list.end(), [](const NamedContext& a, const NamedContext& b) { return a.name < b.name; });
  return list;
}

}  // namespace

absl::StatusOr<std::vector<NamedContext>> ListContexts(const std::string& path) {
  SKEW_ASSIGN_OR_RETURN(const YAML::Node root, Load(path));
  return ContextsIn(root);
}

absl::Status SaveContext(const std::string& path, const std::string& name, const ServerAddress& address) {
  SKEW_ASSIGN_OR_RETURN(YAML::Node root, Load(path));
  YAML::Node context(YAML::NodeType::Map);
  context["server"] = address.target;
  if (!address.token.empty()) context["token"] = address.token;
  SetPath(context, "ca", address.tls.ca);
  SetPath(context, "cert", address.tls.certificate);
  SetPath(context, "key", address.tls.key);
  if (address.insecure) context["insecure"] = true;
  root["contexts"][name] = context;
  root["current-context"] = name;
  return Store(path, root);
}

absl::Status UseContext(const std::string& path, const std::string& name) {
  SKEW_ASSIGN_OR_RETURN(YAML::Node root, Load(path));
  const std::vector<NamedContext> contexts = ContextsIn(root);
  const auto is_it = [&name](const NamedContext& one) { return one.name == name; };
  if (std::none_of(contexts.begin(), contexts.end(), is_it)) {
    const std::string known = absl::StrJoin(
        contexts, ", ", [](std::string* out, const NamedContext& one) { absl::StrAppend(out, one.name); });
    return absl::NotFoundError(
        absl::StrCat(path, " has no context ", Quoted(name), known.empty() ? "" : absl::StrCat("; known: ", known)));
  }
  root["current-context"] = name;
  return Store(path, root);
}

}  // namespace skew
