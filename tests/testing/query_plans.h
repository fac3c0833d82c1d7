// Whether statements would read whole tables.
#ifndef SKEW_TESTS_TESTING_QUERY_PLANS_H_
#define SKEW_TESTS_TESTING_QUERY_PLANS_H_

#include <string>
#include <vector>

#include "server/store/sqlite.h"

namespace skew {

// The steps of SQLite's plans for `statements` (on the schema of `db`) whose work grows with a table instead of with
// the answer: a SCAN of a table or of an index that has an entry for every row, or a sort. Each is named with its
// statement. Statements that neither read nor write rows (BEGIN, PRAGMA, ...) have no plan. A few scans are meant to
// be: see kMeantToBe in the source.
std::vector<std::string> CostlySteps(Database& db, const std::vector<std::string>& statements);

// The steps of SQLite's plan for `statement`.
std::vector<std::string> PlanOf(Database& db, const std::string& statement);

}  // namespace skew

#endif  // SKEW_TESTS_TESTING_QUERY_PLANS_H_
