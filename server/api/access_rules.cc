#include "server/api/access_rules.h"

namespace skew {
namespace {

constexpr AccessRule kRules[] = {
    {"skew.v1.AccessService.CreateToken", Need::kSelf, true},
    {"skew.v1.AccessService.CreateUser", Need::kAdmin, true},
    {"skew.v1.AccessService.ListAuditEvents", Need::kAdmin, false},
    {"skew.v1.AccessService.ListTokens", Need::kSelf, false},
    {"skew.v1.AccessService.ListUsers", Need::kAdmin, false},
    {"skew.v1.AccessService.RevokeToken", Need::kSelf, true},
    {"skew.v1.AccessService.UpdateUser", Need::kAdmin, true},
    {"skew.v1.AccessService.WhoAmI", Need::kViewer, false},
    {"skew.v1.AdminService.BackUp", Need::kAdmin, true},
    {"skew.v1.AdminService.CheckArtifacts", Need::kAdmin, true},
    {"skew.v1.AdminService.CollectGarbage", Need::kAdmin, true},
    {"skew.v1.AdminService.ListQuarantine", Need::kAdmin, false},
    {"skew.v1.AnalysisService.AnalyseJobs", Need::kViewer, false},
    {"skew.v1.ArtifactService.ListArtifacts", Need::kViewer, false},
    {"skew.v1.ArtifactService.ReadArtifact", Need::kViewer, false},
    {"skew.v1.JobService.CancelJob", Need::kJobOwner, true},
    {"skew.v1.JobService.DeleteJob", Need::kJobOwner, true},
    {"skew.v1.JobService.GetJob", Need::kViewer, false},
    {"skew.v1.JobService.GetResults", Need::kViewer, false},
    {"skew.v1.JobService.ListJobs", Need::kViewer, false},
    {"skew.v1.JobService.PauseJob", Need::kJobOwner, true},
    {"skew.v1.JobService.ResumeJob", Need::kJobOwner, true},
    {"skew.v1.JobService.RetryJob", Need::kJobOwner, true},
    {"skew.v1.JobService.SetJobPriority", Need::kJobOwner, true},
    {"skew.v1.JobService.SubmitJob", Need::kMember, true},
    {"skew.v1.JobService.UndeleteJob", Need::kJobOwner, true},
    {"skew.v1.JobService.WatchJob", Need::kViewer, false},
    {"skew.v1.JobService.WatchJobs", Need::kViewer, false},
    {"skew.v1.QueueService.DrainDevice", Need::kAdmin, true},
    {"skew.v1.QueueService.GetQueue", Need::kViewer, false},
    {"skew.v1.QueueService.ListShares", Need::kViewer, false},
    {"skew.v1.QueueService.SetShare", Need::kAdmin, true},
    {"skew.v1.QueueService.UndrainDevice", Need::kAdmin, true},
    {"skew.v1.ReuseService.CompareRuns", Need::kViewer, false},
    {"skew.v1.ReuseService.ExtendJob", Need::kMember, true},
    {"skew.v1.ReuseService.ReproduceRun", Need::kMember, true},
    {"skew.v1.RunService.CancelRun", Need::kJobOwner, true},
    {"skew.v1.RunService.GetRun", Need::kViewer, false},
    {"skew.v1.RunService.ListHistograms", Need::kViewer, false},
    {"skew.v1.RunService.ListRuns", Need::kViewer, false},
    {"skew.v1.RunService.PauseRun", Need::kJobOwner, true},
    {"skew.v1.RunService.ReadLog", Need::kViewer, false},
    {"skew.v1.RunService.ResumeRun", Need::kJobOwner, true},
    {"skew.v1.RunService.RetryRun", Need::kJobOwner, true},
    {"skew.v1.RunService.SetRunPriority", Need::kJobOwner, true},
    {"skew.v1.ServerService.GetServerInfo", Need::kViewer, false},
    {"skew.v1.ServerService.ListClassifiers", Need::kViewer, false},
    {"skew.v1.ServerService.ListDatasets", Need::kViewer, false},
    {"skew.v1.ServerService.ListDevices", Need::kViewer, false},
};

}  // namespace

absl::Span<const AccessRule> AccessRules() { return kRules; }

}  // namespace skew
