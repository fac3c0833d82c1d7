#include "client/yaml_decoder.h"

#include <yaml-cpp/eventhandler.h>

#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/scalar.h"
#include "client/text.h"
#include "common/nearest.h"
#include "common/status.h"

namespace skew {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string FieldPath(const std::string& path, absl::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, ".", name);
}

std::string PlaceOf(absl::string_view source, const YAML::Mark& mark) {
  if (mark.is_null()) return std::string(source);
  return absl::StrCat(source, ":", mark.line + 1, ":", mark.column + 1);
}

std::string Describe(const YAML::Node& node) {
  if (node.IsMap()) return "a map";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return Quoted(node.Scalar());
  return "nothing";
}

std::string Mismatch(const YAML::Node& node, absl::string_view needed) {
  return node.IsNull() ? absl::StrCat("has no value; ", needed, " is needed")
                       : absl::StrCat(Describe(node), " is not ", needed);
}

const google::protobuf::OneofDescriptor* FamilyOf(const Descriptor& type) {
  return type.real_oneof_decl_count() == 1 ? type.oneof_decl(0) : nullptr;
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = Nearest(name, known);
  return nearest.empty() ? "" : absl::StrCat("did you mean '", nearest, "'? ");
}

// yaml-cpp takes bytes that are no text for some and may then never come to an end, taking memory all the while.
absl::Status CheckIsText(const std::string& text, absl::string_view source) {
  YAML::Mark place;
  place.line = place.column = 0;
  for (absl::string_view rest = text; !rest.empty();) {
    const size_t bytes = CharacterLength(rest);
    const bool is_control = rest[0] >= 0 && rest[0] < ' ' && rest[0] != '\t' && rest[0] != '\n' && rest[0] != '\r';
    if (bytes == 0 || is_control) {
      return absl::InvalidArgumentError(absl::StrCat(PlaceOf(source, place), ": this is not text in UTF-8"));
    }
    place.column = rest[0] == '\n' ? 0 : place.column + 1;
    place.line += rest[0] == '\n' ? 1 : 0;
    rest.remove_prefix(bytes);
  }
  return absl::OkStatus();
}

// Notes where a document begins.
class DocumentPlace final : public YAML::EventHandler {
 public:
  const YAML::Mark& mark() const { return mark_; }

  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark mark_;
};

// Whether there is exactly one document. YAML::LoadAll would not do: it finds documents without end in "[],".
absl::Status CheckDocuments(const std::string& text, absl::string_view source) {
  std::istringstream input(text);
  YAML::Parser parser(input);
  DocumentPlace place;
  if (!parser.HandleNextDocument(place)) return absl::InvalidArgumentError(absl::StrCat(source, ": is empty"));
  if (!parser.HandleNextDocument(place)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(PlaceOf(source, place.mark()), ": a second document begins; only one is allowed"));
}

}  // namespace

absl::StatusOr<YAML::Node> ParseYaml(const std::string& text, absl::string_view source) {
  SKEW_RETURN_IF_ERROR(CheckIsText(text, source));
  try {
    SKEW_RETURN_IF_ERROR(CheckDocuments(text, source));
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(PlaceOf(source, error.mark), ": broken YAML: ", error.msg));
  }
}

const FieldDescriptor* FindField(const Descriptor& type, absl::string_view name) {
  const FieldDescriptor* field = type.FindFieldByName(std::string(name));
  for (int i = 0; field == nullptr && i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) field = type.field(i);
  }
  return field;
}

std::string UnknownField(const Descriptor& type, absl::string_view name) {
  const std::vector<std::string> known = FieldNames(type);
  if (known.empty()) return "unknown field (there are no settings here)";
  return absl::StrCat("unknown field (", DidYouMean(name, known), "known: ", absl::StrJoin(known, ", "), ")");
}

const FieldDescriptor* RivalOf(const FieldDescriptor& field, const Message& message) {
  if (field.real_containing_oneof() == nullptr) return nullptr;
  const FieldDescriptor* set = message.GetReflection()->GetOneofFieldDescriptor(message, field.real_containing_oneof());
  return set == &field ? nullptr : set;
}

void YamlDecoder::DecodeMessage(const YAML::Node& node, const std::string& path, Message& message) {
  if (node.IsNull()) return;
  if (node.IsScalar() && FamilyOf(*message.GetDescriptor()) != nullptr) return DecodeFamilyName(node, path, message);
  if (!node.IsMap()) return Report(node.Mark(), path, Mismatch(node, "a map of settings"));
  std::set<const FieldDescriptor*> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      Report(entry.first.Mark(), path, absl::StrCat(Describe(entry.first), " is not the name of a field"));
      continue;
    }
    const FieldDescriptor* field = FindField(*message.GetDescriptor(), entry.first.Scalar());
    if (field != nullptr && !seen.insert(field).second) {
      Report(entry.first.Mark(), FieldPath(path, field->name()), "is there twice");
      continue;
    }
    DecodeEntry(entry.first, entry.second, path, message);
  }
}

void YamlDecoder::DecodeEntry(const YAML::Node& key, const YAML::Node& value, const std::string& path,
                              Message& message) {
  const std::string field_path = FieldPath(path, Printable(key.Scalar()));
  const FieldDescriptor* field = FindField(*message.GetDescriptor(), key.Scalar());
  if (field == nullptr) return Report(key.Mark(), field_path, UnknownField(*message.GetDescriptor(), key.Scalar()));
  if (const FieldDescriptor* rival = RivalOf(*field, message); rival != nullptr) {
    return Report(key.Mark(), path,
                  absl::StrCat(rival->name(), " and ", field->name(), " are both there; one entry takes one of them"));
  }
  DecodeField(value, field_path, *field, message);
}

void YamlDecoder::DecodeFamilyName(const YAML::Node& node, const std::string& path, Message& message) {
  const google::protobuf::OneofDescriptor& family = *FamilyOf(*message.GetDescriptor());
  std::vector<std::string> known;
  for (int i = 0; i < family.field_count(); ++i) known.push_back(family.field(i)->name());
  const FieldDescriptor* field = FindField(*message.GetDescriptor(), node.Scalar());
  if (field == nullptr || field->real_containing_oneof() != &family || IsScalar(*field)) {
    return Report(node.Mark(), path,
                  absl::StrCat(Describe(node), " is not known (", DidYouMean(node.Scalar(), known),
                               "known: ", absl::StrJoin(known, ", "), ")"));
  }
  message.GetReflection()->MutableMessage(&message, field);
}

void YamlDecoder::DecodeField(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                              Message& message) {
  if (field.is_map()) return DecodeMap(node, path, field, message);
  if (field.is_repeated()) return DecodeList(node, path, field, message);
  DecodeOne(node, path, field, message);
}

void YamlDecoder::DecodeOne(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                            Message& message) {
  if (!IsScalar(field)) {
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    Message& child =
        field.is_repeated() ? *reflection.AddMessage(&message, &field) : *reflection.MutableMessage(&message, &field);
    return DecodeMessage(node, path, child);
  }
  if (!node.IsScalar()) return Report(node.Mark(), path, Mismatch(node, NeededBy(field)));
  const absl::Status status = SetScalar(node.Scalar(), field, message);
  if (!status.ok()) Report(node.Mark(), path, status.message());
}

void YamlDecoder::DecodeMap(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                            Message& message) {
  if (node.IsNull()) return;
  if (!node.IsMap()) return Report(node.Mark(), path, Mismatch(node, "a map"));
  const Descriptor& entry_type = *field.message_type();
  std::set<std::string> seen;
  for (const auto& pair : node) {
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : Describe(pair.first);
    const std::string entry_path = absl::StrCat(path, "[", Printable(key), "]");
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    const size_t problems = problems_.size();
    DecodeOne(pair.first, entry_path, *entry_type.map_key(), entry);
    // The entry holds nothing but its key so far. Compared by value: 1 and 01 are the same class.
    if (problems_.size() == problems && !seen.insert(entry.SerializeAsString()).second) {
      Report(pair.first.Mark(), entry_path, "is there twice");
    }
    DecodeOne(pair.second, entry_path, *entry_type.map_value(), entry);
  }
}

void YamlDecoder::DecodeList(const YAML::Node& node, const std::string& path, const FieldDescriptor& field,
                             Message& message) {
  if (node.IsNull()) return;
  if (!node.IsSequence()) return Report(node.Mark(), path, Mismatch(node, "a list"));
  int index = 0;
  for (const YAML::Node& element : node) DecodeOne(element, absl::StrCat(path, "[", index++, "]"), field, message);
}

void YamlDecoder::Report(const YAML::Mark& mark, const std::string& path, absl::string_view problem) {
  const std::string place = source_.empty() ? "" : PlaceOf(source_, mark) + ": ";
  problems_.push_back(absl::StrCat(place, path.empty() ? "" : path + ": ", problem));
}

absl::Status YamlDecoder::status() const {
  return problems_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
}

}  // namespace skew
