#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "server/train/engine/tensor_archive.h"

namespace skew::train {
namespace {

// Python's pickle opcodes that are used (protocol 2).
enum Opcode : char {
  kMark = '(',
  kStop = '.',
  kReduce = 'R',
  kGlobal = 'c',
  kText = 'X',
  kInt1 = 'K',
  kInt2 = 'M',
  kInt4 = 'J',
  kLong = '\x8a',
  kPut = 'q',
  kLongPut = 'r',
  kGet = 'h',
  kLongGet = 'j',
  kTuple = 't',
  kTuple2 = '\x86',
  kEmptyTuple = ')',
  kEmptyDict = '}',
  kSetItems = 'u',
  kFalse = '\x89',
  kTrue = '\x88',
  kPersistentId = 'Q',
};

constexpr char kTypeTag[] = "torch.jit._pickle restore_type_tag";
constexpr char kRebuild[] = "torch._utils _rebuild_tensor_v2";
constexpr char kOrderedDict[] = "collections OrderedDict";
constexpr absl::string_view kTorchModule = "torch ";
constexpr size_t kMostDimensions = 64;

// What can be named again by a number.
struct Remembered {
  enum class Kind { kText, kGlobal, kStorage } kind = Kind::kText;
  std::string text;           // of a global: "module name"
  TensorDescription storage;  // its type, key and size
};

// Reads by the grammar of what LibTorch writes. The first problem ends it: from then on everything reads as empty.
class PickleReader {
 public:
  explicit PickleReader(absl::string_view bytes) : rest_(bytes) {}

  absl::StatusOr<std::vector<TensorDescription>> Read() {
    Expect(absl::string_view("\x80\x02", 2));
    ExpectGlobal(kTypeTag);
    Expect(kEmptyDict);
    std::vector<TensorDescription> tensors;
    if (Take(kMark)) {
      while (problem_.ok() && !Take(kSetItems)) tensors.push_back(ReadTensor());
    }
    ReadText();  // the dict's type
    Expect(kTuple2);
    Expect(kReduce);
    TakeNumberToPut();
    Expect(kStop);
    if (problem_.ok() && !rest_.empty()) Fail("something follows its end");
    if (!problem_.ok()) return problem_;
    return tensors;
  }

 private:
  void Fail(absl::string_view what) {
    if (problem_.ok()) {
      problem_ = absl::DataLossError(
          absl::StrCat("not a dict of tensors: ", what, ", ", rest_.size(), " bytes before its end"));
    }
    rest_ = {};
  }

  bool Take(char opcode) {
    if (rest_.empty() || rest_[0] != opcode) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char opcode) { Expect(absl::string_view(&opcode, 1)); }
  void Expect(absl::string_view bytes) {
    if (!absl::ConsumePrefix(&rest_, bytes)) Fail("unexpected content");
  }

  absl::string_view TakeBytes(uint64_t count) {
    if (count > rest_.size()) {
      Fail("it is cut short");
      return {};
    }
    const absl::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  // Least significant byte first.
  uint64_t TakeUnsigned(size_t bytes) {
    uint64_t value = 0;
    size_t shift = 0;
    for (const char c : TakeBytes(bytes)) value |= uint64_t{static_cast<unsigned char>(c)} << (8 * shift++);
    return value;
  }

  int64_t ReadInt() {
    if (Take(kInt1)) return static_cast<int64_t>(TakeUnsigned(1));
    if (Take(kInt2)) return static_cast<int64_t>(TakeUnsigned(2));
    if (Take(kInt4)) return static_cast<int32_t>(TakeUnsigned(4));
    if (Take(kLong)) {
      const uint64_t bytes = TakeUnsigned(1);
      if (bytes == 8) return static_cast<int64_t>(TakeUnsigned(8));
    }
    Fail("a number is missing");
    return 0;
  }

  // The number under which what was just read is remembered; absent where nothing is.
  std::pair<bool, uint64_t> TakeNumberToPut() {
    if (Take(kPut)) return {true, TakeUnsigned(1)};
    if (Take(kLongPut)) return {true, TakeUnsigned(4)};
    return {false, 0};
  }

  const Remembered& Remember(Remembered value) {
    const auto [put, number] = TakeNumberToPut();
    last_ = std::move(value);
    if (put) memory_[number] = last_;
    return last_;
  }

  // What a number names, if one stands here; null otherwise.
  const Remembered* TakeRemembered(Remembered::Kind kind) {
    uint64_t number = 0;
    if (Take(kGet)) {
      number = TakeUnsigned(1);
    } else if (Take(kLongGet)) {
      number = TakeUnsigned(4);
    } else {
      return nullptr;
    }
    const auto found = memory_.find(number);
    if (found != memory_.end() && found->second.kind == kind) return &found->second;
    Fail("a number names nothing");
    return nullptr;
  }

  std::string ReadText() {
    if (const Remembered* known = TakeRemembered(Remembered::Kind::kText)) return known->text;
    Expect(kText);
    return Remember({Remembered::Kind::kText, std::string(TakeBytes(TakeUnsigned(4))), {}}).text;
  }

  void ExpectText(absl::string_view text) {
    if (ReadText() != text) Fail(absl::StrCat("no '", text, "'"));
  }

  std::string TakeLine() {
    const size_t end = rest_.find('\n');
    std::string line(TakeBytes(end == absl::string_view::npos ? rest_.size() + 1 : end));
    Expect('\n');
    return line;
  }

  std::string ReadGlobal() {
    if (const Remembered* known = TakeRemembered(Remembered::Kind::kGlobal)) return known->text;
    Expect(kGlobal);
    std::string module = TakeLine();
    return Remember({Remembered::Kind::kGlobal, absl::StrCat(module, " ", TakeLine()), {}}).text;
  }

  void ExpectGlobal(absl::string_view name) {
    if (ReadGlobal() != name) Fail(absl::StrCat("no ", name));
  }

  std::vector<int64_t> ReadInts() {
    std::vector<int64_t> values;
    if (Take(kEmptyTuple)) return values;
    Expect(kMark);
    while (problem_.ok() && !Take(kTuple)) {
      values.push_back(ReadInt());
      if (values.size() > kMostDimensions) Fail("too many dimensions");
    }
    return values;
  }

  TensorDescription ReadStorage() {
    if (const Remembered* known = TakeRemembered(Remembered::Kind::kStorage)) return known->storage;
    TensorDescription storage;
    Expect(kMark);
    ExpectText("storage");
    const std::string type = ReadGlobal();
    if (!absl::StartsWith(type, kTorchModule)) Fail("a storage of an unknown type");
    storage.storage_type = std::string(absl::StripPrefix(type, kTorchModule));
    storage.storage_key = ReadText();
    ExpectText("cpu");
    storage.storage_size = ReadInt();
    Expect(kTuple);
    Expect(kPersistentId);
    return Remember({Remembered::Kind::kStorage, "", std::move(storage)}).storage;
  }

  TensorDescription ReadTensor() {
    std::string name = ReadText();
    ExpectGlobal(kRebuild);
    Expect(kMark);
    TensorDescription tensor = ReadStorage();
    tensor.name = std::move(name);
    tensor.offset = ReadInt();
    tensor.sizes = ReadInts();
    tensor.strides = ReadInts();
    if (!Take(kFalse)) Expect(kTrue);  // whether gradients are recorded
    ExpectGlobal(kOrderedDict);        // of hooks, always empty
    Expect(kEmptyTuple);
    Expect(kReduce);
    Expect(kTuple);
    Expect(kReduce);
    return tensor;
  }

  absl::string_view rest_;
  absl::Status problem_;
  std::map<uint64_t, Remembered> memory_;
  Remembered last_;
};

}  // namespace

absl::StatusOr<std::vector<TensorDescription>> ReadTensorPickle(absl::string_view pickle) {
  return PickleReader(pickle).Read();
}

}  // namespace skew::train
