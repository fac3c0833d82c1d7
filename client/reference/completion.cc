#include "client/reference/completion.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace skew {
namespace {

Values ValuesNamed(absl::string_view name) {
  if (absl::EndsWith(name, "JOB")) return Values::kJobs;
  if (name == "RUN") return Values::kRuns;
  if (name == "ID") return Values::kIds;
  if (name == "SPEC" || name == "FILE") return Values::kFiles;
  return Values::kNone;
}

bool IsFlag(absl::string_view word) { return word.size() > 1 && word[0] == '-' && word != "--"; }
bool IsLong(absl::string_view word) { return absl::StartsWith(word, "--"); }

// "--out" of "--out=x" and "--out"; "-o" of "-ojson".
std::string NameIn(absl::string_view word) {
  return std::string(IsLong(word) ? word.substr(0, word.find('=')) : word.substr(0, 2));
}

// Follows the words of a command line as the parser would.
class Walk {
 public:
  explicit Walk(const CommandDoc& program) : path_({&program}) {}

  void Pass(const std::string& word) {
    if (open_ != nullptr) {
      open_ = nullptr;
      if (of_program_) program_flags_.push_back(word);
    } else if (!only_arguments_ && word == "--") {
      only_arguments_ = true;
    } else if (!only_arguments_ && IsFlag(word)) {
      PassFlag(word);
    } else {
      PassArgument(word);
    }
  }

  Completion At(const std::string& word) {
    completion_.prefix = word;
    completion_.program_flags = program_flags_;
    if (open_ != nullptr) {
      AddValues(open_->choices, open_->value);
    } else if (!only_arguments_ && IsLong(word) && absl::StrContains(word, '=')) {
      AddValuesAfterName(word);
    } else if (!only_arguments_ && absl::StartsWith(word, "-")) {
      AddFlags();
    } else {
      AddCommandsOrArgument();
    }
    return completion_;
  }

 private:
  // A flag of the innermost command that has one of this name; those of the outer ones work, too.
  const FlagDoc* Find(const std::string& name) {
    for (auto command = path_.rbegin(); command != path_.rend(); ++command) {
      for (const FlagDoc& flag : (*command)->flags) {
        if (std::find(flag.names.begin(), flag.names.end(), name) == flag.names.end()) continue;
        of_program_ = *command == path_.front();
        return &flag;
      }
    }
    return nullptr;
  }

  void PassFlag(const std::string& word) {
    const std::string name = NameIn(word);
    const FlagDoc* flag = Find(name);
    if (flag == nullptr) return;
    used_.insert(flag);
    if (of_program_) program_flags_.push_back(word);
    if (!flag->value.empty() && name == word) open_ = flag;
  }

  void PassArgument(const std::string& word) {
    const auto& commands = path_.back()->commands;
    const auto found =
        std::find_if(commands.begin(), commands.end(), [&](const CommandDoc& one) { return one.name == word; });
    if (found != commands.end() && arguments_ == 0) {
      path_.push_back(&*found);
    } else {
      ++arguments_;
    }
  }

  void AddValuesAfterName(const std::string& word) {
    completion_.head = absl::StrCat(NameIn(word), "=");
    completion_.prefix = word.substr(completion_.head.size());
    const FlagDoc* flag = Find(NameIn(word));
    if (flag != nullptr) AddValues(flag->choices, flag->value);
  }

  void AddFlags() {
    for (auto command = path_.rbegin(); command != path_.rend(); ++command) {
      for (const FlagDoc& flag : (*command)->flags) {
        if (flag.repeated || !used_.contains(&flag)) AddNames(flag);
      }
    }
  }

  void AddNames(const FlagDoc& flag) {
    for (const std::string& name : flag.names) {
      if (Find(name) == &flag) Add(name, flag.text);
    }
  }

  void AddCommandsOrArgument() {
    if (arguments_ == 0 && !only_arguments_) {
      for (const CommandDoc& one : path_.back()->commands) Add(one.name, one.text);
    }
    const auto& arguments = path_.back()->arguments;
    if (arguments.empty()) return;
    const ArgumentDoc& argument = arguments[std::min(arguments_, arguments.size() - 1)];
    if (arguments_ < arguments.size() || argument.repeated) AddValues(argument.choices, argument.name);
  }

  void AddValues(const std::vector<std::string>& choices, const std::string& name) {
    for (const std::string& choice : choices) Add(choice, "");
    if (choices.empty()) completion_.values = ValuesNamed(name);
  }

  void Add(const std::string& word, const std::string& text) {
    if (absl::StartsWith(word, completion_.prefix)) {
      completion_.candidates.push_back({absl::StrCat(completion_.head, word), text});
    }
  }

  // The program and the commands named so far, each within the one before.
  std::vector<const CommandDoc*> path_;
  size_t arguments_ = 0;
  // A flag whose value comes next.
  const FlagDoc* open_ = nullptr;
  // Whether the flag that was found last is the program's own.
  bool of_program_ = false;
  bool only_arguments_ = false;
  std::set<const FlagDoc*> used_;
  std::vector<std::string> program_flags_;
  Completion completion_;
};

// The words are taken from the line itself: bash would break them at '=' and ':', and replaces only what comes after.
constexpr char kBash[] = R"(# bash completion of skewctl, from 'skewctl completion bash'
_skewctl() {
  local line=${COMP_LINE:0:COMP_POINT} word answer
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  word=${words[-1]}
  local last=${COMP_WORDS[COMP_CWORD]}
  [[ $last == [=:] ]] && last=
  local head=${word%"$last"}
  COMPREPLY=()
  while IFS=$'\t' read -r answer _; do
    if [[ $answer == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "${last}")
    elif [[ -n $answer ]]; then
      COMPREPLY+=("${answer#"$head"}")
    fi
  done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.=] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _skewctl skewctl
)";

constexpr char kZsh[] = R"(#compdef skewctl
# zsh completion of skewctl, from 'skewctl completion zsh'
_skewctl() {
  local line word text
  local -a full part files
  for line in "${(@f)$("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    word=${line%%$'\t'*}
    text=${line#*$'\t'}
    if [[ $word == :files ]]; then
      files=(yes)
    elif [[ $word == *[.=] ]]; then
      part+=("$word")
    elif [[ -n $word ]]; then
      full+=("${word//:/\\:}:$text")
    fi
  done
  (( $#full )) && _describe -V skewctl full
  (( $#part )) && compadd -S '' -- "${part[@]}"
  if (( $#files )); then
    compset -P '*='
    _files
  fi
}
if [ "$funcstack[1]" = _skewctl ]; then
  _skewctl "$@"
else
  compdef _skewctl skewctl
fi
)";

constexpr char kFish[] = R"(# fish completion of skewctl, from 'skewctl completion fish'
function __skewctl_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$word" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$word")
        else
            echo $line
        end
    end
end
complete -c skewctl -f -a '(__skewctl_complete)'
)";

}  // namespace

Completion Complete(const CommandDoc& program, const std::vector<std::string>& words) {
  Walk walk(program);
  for (size_t i = 0; i + 1 < words.size(); ++i) walk.Pass(words[i]);
  return walk.At(words.back());
}

absl::StatusOr<std::string> CompletionScript(absl::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return absl::InvalidArgumentError(absl::StrCat("completion is there for bash, zsh and fish, not for ", shell));
}

}  // namespace skew
