#include "server/store/job_listing.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "common/status.h"

namespace skew {
namespace {

// A few milliseconds' worth.
constexpr int kMostSeeks = 4000;

constexpr std::array kKinds = {v1::STUDY, v1::CLASSIFIER_TRAINING};
constexpr std::array kStates = {v1::JOB_QUEUED, v1::JOB_RUNNING, v1::JOB_SUCCEEDED, v1::JOB_FAILED, v1::JOB_CANCELLED};

// A sorted range of an index: the jobs for which one condition holds. What the last seek found answers later ones, too,
// as long as they ask for numbers between that and what the last one asked for.
class JobRange {
 public:
  // `seek` executes the query for the greatest number in the range that is at most the given one.
  explicit JobRange(absl::AnyInvocable<Statement(int64_t)> seek) : seek_(std::move(seek)) {}

  // The greatest number in the range that is at most `at_most`, which must not grow from call to call; 0 when there is
  // none. Counts the queries in `seeks`.
  absl::StatusOr<int64_t> Seek(int64_t at_most, int& seeks) {
    if (known_ && found_ <= at_most) return found_;
    ++seeks;
    Statement row = seek_(at_most);
    found_ = row.Step() ? row.Int(0) : 0;
    known_ = true;
    SKEW_RETURN_IF_ERROR(row.status());
    return found_;
  }

 private:
  absl::AnyInvocable<Statement(int64_t)> seek_;
  bool known_ = false;
  int64_t found_ = 0;
};

// Jobs in any of some ranges.
using Condition = std::vector<JobRange>;

absl::StatusOr<int64_t> Seek(Condition& condition, int64_t at_most, int& seeks) {
  int64_t found = 0;
  for (JobRange& range : condition) {
    SKEW_ASSIGN_OR_RETURN(const int64_t one, range.Seek(at_most, seeks));
    found = std::max(found, one);
  }
  return found;
}

JobRange AllJobs(Database& db) {
  return JobRange([&db](int64_t at_most) {
    Statement row = db.Prepare("SELECT id FROM jobs WHERE id <= ? ORDER BY id DESC LIMIT 1");
    row.Bind(at_most);
    return row;
  });
}

JobRange DeletedJobs(Database& db) {
  return JobRange([&db](int64_t at_most) {
    Statement row = db.Prepare(
        "SELECT id FROM jobs WHERE delete_time IS NOT NULL AND purge_time IS NOT 1 AND id <= ? ORDER BY id DESC LIMIT "
        "1");
    row.Bind(at_most);
    return row;
  });
}

JobRange JobsInState(Database& db, v1::JobKind kind, v1::JobState state) {
  return JobRange([&db, kind, state](int64_t at_most) {
    Statement row = db.Prepare("SELECT id FROM jobs WHERE kind = ? AND state = ? AND id <= ? ORDER BY id DESC LIMIT 1");
    row.Bind(kind).Bind(state).Bind(at_most);
    return row;
  });
}

JobRange JobsOfOwner(Database& db, const std::string& owner, v1::JobKind kind, v1::JobState state) {
  return JobRange([&db, owner, kind, state](int64_t at_most) {
    Statement row = db.Prepare(
        "SELECT id FROM jobs WHERE owner = ? AND kind = ? AND state = ? AND id <= ? ORDER BY id DESC LIMIT 1");
    row.Bind(owner).Bind(kind).Bind(state).Bind(at_most);
    return row;
  });
}

JobRange JobsWithLabel(Database& db, const std::string& key, const std::string& value) {
  return JobRange([&db, key, value](int64_t at_most) {
    Statement row = db.Prepare(
        "SELECT job_id FROM job_labels WHERE key = ? AND value = ? AND job_id <= ? ORDER BY job_id DESC LIMIT 1");
    row.Bind(key).Bind(value).Bind(at_most);
    return row;
  });
}

std::vector<v1::JobKind> KindsOf(const v1::JobFilter& filter) {
  if (filter.kind() != v1::JOB_KIND_UNSPECIFIED) return {filter.kind()};
  return {kKinds.begin(), kKinds.end()};
}

std::vector<v1::JobState> StatesOf(const v1::JobFilter& filter) {
  std::vector<v1::JobState> states;
  for (const v1::JobState state : kStates) {
    const bool asked = std::find(filter.states().begin(), filter.states().end(), state) != filter.states().end();
    if (asked || filter.states().empty()) states.push_back(state);
  }
  return states;
}

std::vector<Condition> ConditionsOf(Database& db, const v1::JobFilter& filter) {
  std::vector<Condition> conditions;
  if (filter.deleted()) conditions.emplace_back().push_back(DeletedJobs(db));
  for (const auto& [key, value] : filter.labels()) {
    conditions.emplace_back().push_back(JobsWithLabel(db, key, value));
  }
  const bool any_state = filter.states().empty() && filter.kind() == v1::JOB_KIND_UNSPECIFIED;
  if (!any_state || !filter.owner().empty()) {
    Condition& condition = conditions.emplace_back();
    for (const v1::JobKind kind : KindsOf(filter)) {
      for (const v1::JobState state : StatesOf(filter)) {
        condition.push_back(filter.owner().empty() ? JobsInState(db, kind, state)
                                                   : JobsOfOwner(db, filter.owner(), kind, state));
      }
    }
  }
  if (conditions.empty()) conditions.emplace_back().push_back(AllJobs(db));
  return conditions;
}

// The greatest number, at most `at_most`, that all conditions hold for; or, when `seeks` runs out, one that all such
// numbers are at most. 0 when there is none.
struct Meeting {
  int64_t number = 0;
  bool complete = true;
};
absl::StatusOr<Meeting> FindMeeting(std::vector<Condition>& conditions, int64_t at_most, int& seeks) {
  size_t agreed = 0;
  for (size_t i = 0; agreed < conditions.size() && at_most > 0; i = (i + 1) % conditions.size()) {
    if (seeks > kMostSeeks) return Meeting{at_most, false};
    SKEW_ASSIGN_OR_RETURN(const int64_t found, Seek(conditions[i], at_most, seeks));
    agreed = found == at_most ? agreed + 1 : 1;
    at_most = found;
  }
  return Meeting{at_most, true};
}

// Deleted jobs are few: each is found by the conditions and passed over, rather than kept out of every index.
absl::StatusOr<bool> IsPassedOver(Database& db, const v1::JobFilter& filter, int64_t number, int& seeks) {
  if (filter.deleted()) return false;
  ++seeks;
  Statement row = db.Prepare("SELECT 1 FROM jobs WHERE id = ? AND delete_time IS NOT NULL");
  row.Bind(number);
  const bool deleted = row.Step();
  SKEW_RETURN_IF_ERROR(row.status());
  return deleted;
}

}  // namespace

absl::StatusOr<JobIdPage> FindJobs(Database& db, const v1::JobFilter& filter, int64_t before, int limit) {
  std::vector<Condition> conditions = ConditionsOf(db, filter);
  JobIdPage page;
  page.before = before;
  int seeks = 0;
  while (true) {
    SKEW_ASSIGN_OR_RETURN(const Meeting meeting, FindMeeting(conditions, page.before - 1, seeks));
    if (meeting.number == 0) {
      page.before = 0;
      return page;
    }
    // One that is not taken tells that there is another page.
    if (!meeting.complete || static_cast<int>(page.ids.size()) == limit) {
      page.before = meeting.number + 1;
      return page;
    }
    SKEW_ASSIGN_OR_RETURN(const bool passed_over, IsPassedOver(db, filter, meeting.number, seeks));
    if (!passed_over) page.ids.push_back(JobId{meeting.number});
    page.before = meeting.number;
  }
}

}  // namespace skew
