#include "tests/testing/query_plans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace skew {
namespace {

// A step that may scan or sort, in statements with this beginning.
struct MeantToBe {
  absl::string_view step;
  absl::string_view statement;
};
constexpr std::array kMeantToBe = {
    // Two rows.
    MeantToBe{"SCAN sqlite_sequence", "SELECT seq FROM sqlite_sequence"},
    // The answer is the whole table, one row per trained classifier.
    MeantToBe{"SCAN c", "SELECT c.data, j.spec FROM classifiers c"},
    MeantToBe{"USE TEMP B-TREE FOR ORDER BY", "SELECT c.data, j.spec FROM classifiers c"},
    // Of the tokens that were made with one that is revoked, which all are revoked.
    MeantToBe{"SCAN made", "WITH RECURSIVE made"},
    // The answer is the whole table, one row per user.
    MeantToBe{"SCAN users", "SELECT name, role, disabled, create_time FROM users ORDER BY"},
    // The answers are the whole tables, one row per user or per drained device.
    MeantToBe{"SCAN shares", "SELECT user FROM shares"},
    MeantToBe{"SCAN use", "SELECT user FROM use"},
    MeantToBe{"SCAN use", "SELECT user, slot_time, time FROM use"},
    MeantToBe{"SCAN drained_devices", "SELECT device FROM drained_devices"},
    // The answer is the whole table, one row per damaged content.
    MeantToBe{"SCAN quarantine", "SELECT digest, problem, time FROM quarantine"},
    // That none of them refers to the job; one row per trained classifier.
    MeantToBe{"SCAN classifiers", "DELETE FROM jobs"},
    // The answer is the whole table, one row per file to be removed.
    MeantToBe{"SCAN removals", "SELECT path FROM removals"},
    // The whole tables, at a start after the system's clock was set back.
    MeantToBe{"SCAN queue", "UPDATE queue SET waiting_since = ?1 WHERE waiting_since"},
    MeantToBe{"SCAN use", "UPDATE use SET"},
    // One row.
    MeantToBe{"SCAN use_decay", "SELECT half_life FROM use_decay"},
    MeantToBe{"SCAN use_decay", "SELECT j.owner, a.start_time, u.slot_time"},
};

bool IsMeantToBe(absl::string_view statement, absl::string_view step) {
  return std::any_of(kMeantToBe.begin(), kMeantToBe.end(), [&](const MeantToBe& one) {
    return one.step == step && absl::StartsWith(statement, one.statement);
  });
}

bool HasPlan(absl::string_view statement) {
  constexpr std::array kVerbs = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"};
  return std::any_of(kVerbs.begin(), kVerbs.end(),
                     [&](absl::string_view verb) { return absl::StartsWith(statement, verb); });
}

// Has entries for some rows only; such indexes are made for the few rows that a query wants.
bool IsPartialIndex(Database& db, absl::string_view name) {
  Statement row = db.Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? AND sql LIKE '% WHERE %'");
  return row.Bind(name).Step();
}

bool IsCostly(Database& db, absl::string_view step) {
  if (absl::StartsWith(step, "USE TEMP B-TREE")) return true;
  if (!absl::StartsWith(step, "SCAN") || step == "SCAN CONSTANT ROW") return false;
  const std::vector<absl::string_view> words = absl::StrSplit(step, ' ');
  const auto index = std::find(words.begin(), words.end(), "INDEX");
  return index == words.end() || index + 1 == words.end() || !IsPartialIndex(db, index[1]);
}

}  // namespace

std::vector<std::string> CostlySteps(Database& db, const std::vector<std::string>& statements) {
  std::vector<std::string> costly;
  for (const std::string& statement : statements) {
    if (!HasPlan(statement)) continue;
    for (const std::string& step : PlanOf(db, statement)) {
      if (IsCostly(db, step) && !IsMeantToBe(statement, step)) costly.push_back(absl::StrCat(step, ": ", statement));
    }
  }
  return costly;
}

std::vector<std::string> PlanOf(Database& db, const std::string& statement) {
  std::vector<std::string> steps;
  Statement plan = db.Prepare(absl::StrCat("EXPLAIN QUERY PLAN ", statement));
  while (plan.Step()) steps.push_back(plan.Text(3));
  EXPECT_TRUE(plan.status().ok()) << plan.status();
  return steps;
}

}  // namespace skew
