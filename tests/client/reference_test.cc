// Completion and manual pages from command definitions.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/reference/completion.h"
#include "client/reference/man_page.h"
#include "tests/client/testing.h"

namespace skew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

CommandDoc Program() {
  CommandDoc jobs{.name = "jobs", .text = "List jobs"};
  jobs.flags = {{.names = {"--state"}, .text = "Any", .value = "TEXT", .repeated = true},
                {.names = {"--all", "-a"}, .text = "All"},
                {.names = {"--timeout"}, .text = "Its own", .value = "TEXT"}};
  CommandDoc cancel{.name = "cancel", .text = "Cancel"};
  cancel.arguments = {{.name = "ID", .text = "Which", .required = true}};
  CommandDoc diff{.name = "diff", .text = "Compare", .exit_codes = "1: they differ"};
  diff.arguments = {{.name = "LEFT_JOB", .text = ""}, {.name = "RUN", .text = ""}};
  CommandDoc wait{.name = "wait", .text = "Wait"};
  wait.arguments = {{.name = "JOB", .text = "", .required = true, .repeated = true}};
  CommandDoc fetch{.name = "fetch", .text = "Fetch"};
  fetch.flags = {{.names = {"--out"}, .text = "Where to", .value = "FILE"}};
  CommandDoc token{.name = "token", .text = "Tokens"};
  token.commands = {{.name = "create", .text = "New"}, {.name = "list", .text = "All"}};
  CommandDoc completion{.name = "completion", .text = "Shells"};
  completion.arguments = {{.name = "SHELL", .text = "", .choices = {"bash", "zsh"}}};
  CommandDoc program{.name = "skewctl", .text = "Client"};
  program.flags = {{.names = {"--output", "-o"}, .text = "Form", .value = "TEXT", .choices = {"table", "json"}},
                   {.names = {"--server", "-s"}, .text = "Whom", .value = "TEXT"},
                   {.names = {"--ca"}, .text = "CA", .value = "FILE", .environment = "SKEW_CA"},
                   {.names = {"--timeout"}, .text = "How long", .value = "DURATION", .default_value = "10s"}};
  program.commands = {jobs, cancel, diff, wait, fetch, token, completion};
  return program;
}

std::vector<std::string> Words(const std::vector<std::string>& line) {
  const CommandDoc program = Program();
  std::vector<std::string> words;
  for (const Candidate& one : Complete(program, line).candidates) words.push_back(one.word);
  return words;
}

Values ValuesAt(const std::vector<std::string>& line) { return Complete(Program(), line).values; }

TEST(CompletionTest, Commands) {
  EXPECT_THAT(Words({"c"}), ElementsAre("cancel", "completion"));
  EXPECT_THAT(Words({"--output", "json", "jo"}), ElementsAre("jobs"));
  EXPECT_THAT(Words({"token", ""}), ElementsAre("create", "list"));
  EXPECT_THAT(Words({"jobs", ""}), IsEmpty());
  EXPECT_THAT(Words({"token", "create", ""}), IsEmpty());
}

TEST(CompletionTest, FlagsOfTheCommandThenOfTheProgram) {
  EXPECT_THAT(Words({"jobs", "--"}), ElementsAre("--state", "--all", "--timeout", "--output", "--server", "--ca"));
  EXPECT_THAT(Words({"jobs", "--all", "--state", "x", "-"}),
              ElementsAre("--state", "--timeout", "--output", "-o", "--server", "-s", "--ca"));
  EXPECT_THAT(Words({"jobs", "--", "--"}), IsEmpty());
}

TEST(CompletionTest, ValuesOfFlags) {
  EXPECT_THAT(Words({"--output", ""}), ElementsAre("table", "json"));
  EXPECT_THAT(Words({"jobs", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(Words({"jobs", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_EQ(ValuesAt({"fetch", "--out", ""}), Values::kFiles);
  EXPECT_EQ(ValuesAt({"--ca=c"}), Values::kFiles);
  EXPECT_EQ(ValuesAt({"--server", ""}), Values::kNone);
  EXPECT_THAT(Words({"--server", ""}), IsEmpty());
}

TEST(CompletionTest, ValuesOfArguments) {
  EXPECT_THAT(Words({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(Words({"completion", "bash", ""}), IsEmpty());
  EXPECT_EQ(ValuesAt({"cancel", "j"}), Values::kIds);
  EXPECT_EQ(ValuesAt({"cancel", "j1", ""}), Values::kNone);
  EXPECT_EQ(ValuesAt({"diff", ""}), Values::kJobs);
  EXPECT_EQ(ValuesAt({"diff", "j1", ""}), Values::kRuns);
  EXPECT_EQ(ValuesAt({"wait", "j1", "j2", ""}), Values::kJobs);
  EXPECT_EQ(ValuesAt({"wait", "-o", "json", "--", "j1", ""}), Values::kJobs);
}

TEST(CompletionTest, FlagsOfTheProgramAreKeptForTheQuestionWhichIdsThereAre) {
  const Completion completion =
      Complete(Program(), {"-s", "box:1", "jobs", "--timeout", "5", "--output=json", "--ca", "ca.pem", "x"});
  EXPECT_THAT(completion.program_flags, ElementsAre("-s", "box:1", "--output=json", "--ca", "ca.pem"));
}

TEST(CompletionTest, ScriptsOfKnownShells) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(CompletionScript(shell).value(), HasSubstr(kCompleteCommand)) << shell;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(CompletionScript("csh").status()));
}

TEST(ManPageTest, OnePageForEachCommand) {
  std::vector<std::string> names;
  for (const ManPage& page : ManPages(Program(), "1.0", absl::UnixEpoch())) names.push_back(page.name);
  EXPECT_THAT(names,
              ElementsAre("skewctl", "skewctl-jobs", "skewctl-cancel", "skewctl-diff", "skewctl-wait", "skewctl-fetch",
                          "skewctl-token", "skewctl-token-create", "skewctl-token-list", "skewctl-completion"));
}

TEST(ManPageTest, SaysWhatThereIs) {
  const std::vector<ManPage> pages = ManPages(Program(), "1.0", absl::UnixEpoch());
  EXPECT_THAT(pages[0].text, HasSubstr(".TH SKEWCTL 1 1970-01-01 \"Skew 1.0\""));
  EXPECT_THAT(pages[0].text, HasSubstr("\\fB\\-\\-timeout\\fR \\fIDURATION\\fR\nHow long. Default: 10s\n"));
  EXPECT_THAT(pages[0].text, HasSubstr("\\fBSKEW_CA\\fR\nStands in for \\-\\-ca\n"));
  EXPECT_THAT(pages[1].text, HasSubstr("\\fB\\-\\-all\\fR, \\fB\\-a\\fR\nAll\n"));
  EXPECT_THAT(pages[1].text, HasSubstr("May be given more than once"));
  EXPECT_THAT(pages[1].text, Not(HasSubstr("EXIT STATUS")));
  EXPECT_THAT(pages[3].text, HasSubstr(".SH EXIT STATUS\n1: they differ\n"));
  EXPECT_THAT(pages[4].text, HasSubstr("\\fIJOB\\fR ..."));
}

TEST(ManPageTest, TextIsNoRoff) {
  CommandDoc program{.name = "skewctl", .text = ".so /etc/passwd\n'x \\n ~^`"};
  const std::string text = ManPages(program, "1.0", absl::UnixEpoch())[0].text;
  EXPECT_THAT(text, HasSubstr("\n\\&.so /etc/passwd \\(aqx \\en \\(ti\\(ha\\(ga"));
}

}  // namespace
}  // namespace skew
