#include "server/jobs/work_order.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace skew {

absl::Status CheckSources(const JobSources& sources, const OrderSources& from) {
  SKEW_ASSIGN_OR_RETURN(const v1::Dataset dataset, from.datasets->Find(sources.spec.dataset()));
  if (dataset.digest() != sources.dataset_digest) {
    return absl::FailedPreconditionError(absl::StrCat(from.datasets->FolderOf(sources.spec.dataset()), " has digest ",
                                                      dataset.digest(), "; the job was accepted with ",
                                                      sources.dataset_digest));
  }
  for (const StoredJudge& judge : sources.judges) {
    const std::string context = absl::StrCat("the weights of classifier ", judge.classifier.digest());
    if (judge.weights.empty()) return absl::NotFoundError(absl::StrCat(context, " are not stored"));
    SKEW_RETURN_IF_ERROR(Annotate(from.artifacts->CheckPresence(judge.weights), context));
  }
  return absl::OkStatus();
}

worker::v1::WorkOrder OrderFor(const Claim& claim, const Lease& lease, const OrderSources& from) {
  worker::v1::WorkOrder order;
  order.set_run_id(claim.attempt.run.ToString());
  order.set_attempt(claim.attempt.number);
  *order.mutable_spec() = claim.spec;
  order.set_model_index(claim.run.model_index());
  *order.mutable_bias_point() = claim.run.bias_point();
  order.set_iteration(claim.run.iteration());
  order.set_seed(claim.run.seed());
  order.set_dataset_dir(from.datasets->FolderOf(claim.spec.dataset()));
  order.set_dataset_digest(claim.dataset_digest);
  for (const StoredJudge& judge : claim.judges) {
    if (!order.has_classifier()) {
      *order.mutable_classifier() = judge.classifier;
      order.set_classifier_file(from.artifacts->PathOf(judge.weights));
      continue;
    }
    worker::v1::Judge& further = *order.add_more_judges();
    *further.mutable_classifier() = judge.classifier;
    further.set_file(from.artifacts->PathOf(judge.weights));
  }
  order.set_work_dir(from.state_dir->WorkDir(claim.attempt.run));
  order.set_device(lease.torch_device);
  order.set_threads(static_cast<int32_t>(lease.cores.size()));
  if (!lease.whole_device) {
    order.set_memory_bytes(lease.memory_bytes);
    order.set_device_memory_bytes(lease.device_memory_bytes);
  }
  order.set_checkpoint_seconds(static_cast<int32_t>(absl::ToInt64Seconds(from.checkpoint_interval)));
  return order;
}

}  // namespace skew
