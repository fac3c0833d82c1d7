// What can follow on a command line, for the completion of shells.
#ifndef SKEW_CLIENT_REFERENCE_COMPLETION_H_
#define SKEW_CLIENT_REFERENCE_COMPLETION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/reference/command_doc.h"

namespace skew {

// The command by which shells ask: its arguments are the words after the program's name up to the one to complete,
// which is there also when it is empty. It answers a line for each candidate: the word, a tab, what it is. The line
// ":files" asks for names of files beside them.
inline constexpr char kCompleteCommand[] = "__complete";

struct Candidate {
  std::string word;
  std::string text;
};

// What the definitions do not list.
enum class Values {
  kNone,
  kFiles,
  kJobs,  // ids of jobs
  kRuns,  // ids of runs
  kIds,   // both
};

struct Completion {
  // Those that begin with the word to complete.
  std::vector<Candidate> candidates;
  // What else can stand there.
  Values values = Values::kNone;
  // Of the word to complete: "--out=" for "--out=fi", and "fi". Candidates and other values stand after the head; those
  // in `candidates` have it.
  std::string head;
  std::string prefix;
  // The flags of the program itself among the words, with their values.
  std::vector<std::string> program_flags;
};

// `words` is never empty; the last one is to be completed.
Completion Complete(const CommandDoc& program, const std::vector<std::string>& words);

// The script that a shell sources. INVALID_ARGUMENT for another shell than "bash", "zsh" or "fish".
absl::StatusOr<std::string> CompletionScript(absl::string_view shell);

}  // namespace skew

#endif  // SKEW_CLIENT_REFERENCE_COMPLETION_H_
