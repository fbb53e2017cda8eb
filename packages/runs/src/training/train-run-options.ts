// What a training run is given.
import type { Agent, AgentMetrics, Environment, MetricRow, RewardDesign } from '@moe-rl/core';
import type { BatchPlace } from '../folder/batch-note.ts';
import type { RunFolder } from '../folder/run-folder.ts';
import type { RunSink } from '../registry/kinds.ts';
import type { ProgressOutput } from '../sinks/status-line.ts';
import type { ReplayPersistence, TransitionRecorder } from './replay-persistence.ts';

export interface TrainRunOptions {
  readonly folder: RunFolder;
  readonly environment: Environment;
  /** Makes an environment for evaluations during training; needed where `config.evaluation.periodAgentSteps` is set. */
  readonly makeEvaluationEnvironment?: () => Environment;
  readonly agent: Agent;
  /** What the agent learns from in place of the environment's reward, which stays what is logged and recorded. */
  readonly reward?: RewardDesign;
  /** Absent for agents whose `getState` holds everything. */
  readonly replay?: ReplayPersistence;
  /** Learns by this, and takes no step in the environment; each call counts as an agent step. */
  readonly learnOffline?: () => Promise<AgentMetrics | undefined>;
  /** Rows that can be written only when training has ended. They stand behind the last checkpoint, so that a longer run makes them anew. */
  readonly finalRows?: () => readonly MetricRow[];
  /** Where the run is computed together with others, for the note in its folder. Absent: alone. */
  readonly batch?: BatchPlace;
  /** Gets every transition of the training. */
  readonly recorder?: TransitionRecorder;
  readonly isResume: boolean;
  /** On resume: goes on with what was learned and an empty replay memory, whatever state the saved one is in. */
  readonly freshReplay?: boolean;
  /** Who gets the rows beside `metrics.jsonl`, by name. */
  readonly sinks?: Readonly<Record<string, RunSink>>;
  /** Called after each step, before an evaluation or a checkpoint that is due then, with the agent steps so far. */
  readonly onStep?: (agentSteps: number) => void;
  /** Asked after each step: true makes a checkpoint. */
  readonly wantsCheckpoint?: () => boolean;
  readonly output: ProgressOutput;
  /** Aborting ends the run after the step under way (of training or of an evaluation), with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Live tensors of the tensor library, for the log. */
  readonly tensorCount?: () => number;
}
