// Public entry of @moe-rl/experiments: suites, protocols, variants, plans, jobs, runners, results and reports.
export { type Claim, type ClaimState, claimJob, claimOf } from './jobs/claims.ts';
export {
  countJobs,
  DEFAULT_LEASE_MS,
  type Failure,
  type FailureKind,
  forgetFailures,
  type JobState,
  type JobStatus,
  jobStates,
} from './jobs/job-state.ts';
export { type FlopBlock, networkFlops } from './jobs/network-cost.ts';
export { type JobProgress, readProgress } from './jobs/progress.ts';
export { type JobRecord, type RunJobOptions, readJobRecord, runJob } from './jobs/run-job.ts';
export {
  type Experiment,
  type Job,
  jobConfig,
  listJobs,
  resolvePlan,
  type Variant,
  type VariantConfig,
} from './plan/experiment.ts';
export {
  createExperimentFolder,
  type ExperimentFolder,
  foreignJobs,
  openExperimentFolder,
} from './plan/experiment-folder.ts';
export { type ExperimentPaths, experimentPaths } from './plan/experiment-paths.ts';
export { makePlan, type Plan, type PlanInput, type PlanVariantInput, readPlanFile } from './plan/plan.ts';
export { requireBatchSeeds } from './plan/require-batchable.ts';
export { type ExperimentEstimate, estimateExperiment, type VariantEstimate } from './probe/estimate.ts';
export { type ProbeResult, probeVariant } from './probe/probe.ts';
export { type ReportOptions, writeReport } from './report/report.ts';
export {
  type Analysis,
  analyze,
  type Comparison,
  type VariantAggregates,
  type VariantScores,
  type Verdict,
  variantScores,
} from './results/analysis.ts';
export { type Overlay, readOverlays } from './results/overlays.ts';
export {
  curveOf,
  type ExperimentResults,
  type RunResult,
  readResults,
  SCORE_KINDS,
  type ScoreKind,
  type ScorePoint,
  scoreOf,
} from './results/results.ts';
export { type ExperimentStatus, experimentStatus, type StatusInterval } from './results/status.ts';
export { intervalText, resultsText, verdictText } from './results/texts.ts';
export type { WorkerEvent, WorkerOptions } from './runners/claimed-job.ts';
export { createJobTable, type JobTable } from './runners/job-table.ts';
export {
  controlQueue,
  QUEUE_ACTIONS,
  type QueueAction,
  type QueueCounts,
  type QueueWorkerOptions,
  runQueueWorker,
  superviseQueue,
} from './runners/queue.ts';
export { type SlurmOptions, slurmScript } from './runners/slurm.ts';
export { runWorker } from './runners/worker.ts';
export { getProtocol, listProtocols, PROTOCOL_NAMES, type Protocol, type ProtocolName } from './suites/protocols.ts';
export { normalizedScore, type ReferencePoints, referencePoints } from './suites/reference-scores.ts';

export type { Settings } from './suites/settings.ts';
export { getSuite, listSuites, SUITE_NAMES, type Suite } from './suites/suites.ts';

export { listVariants, VARIANT_NAMES, type VariantSpec } from './suites/variants.ts';
