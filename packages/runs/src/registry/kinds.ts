// What a run is made of, by name: kinds of environments and agents, presets, sinks. A kind brings its settings (form, bounds, defaults, meaning), checks what
// a form can't say, and makes the thing. The built-in ones are in @moe-rl/training; others come from modules of people's own.
import type {
  Agent,
  AgentMetrics,
  Environment,
  MetricRow,
  MetricSink,
  RewardDesign,
  Setting,
  SettingsTree,
  StateTree,
} from '@moe-rl/core';
import type { RunConfig } from '../config/run-settings.ts';
import type { ReplayPersistence } from '../training/replay-persistence.ts';

/** `evaluation`: whole games, also where a lost life ends a training episode; no learning, no replay memory. */
export type Purpose = 'training' | 'evaluation';

/** Facts of a preset about environments, under names that all kinds share. */
export interface PublishedProtocol {
  readonly repeatActionProbability?: number;
  readonly terminalOnLifeLoss?: boolean;
  readonly maxEpisodeAgentSteps?: number;
}

export interface EnvironmentKind {
  readonly description: string;
  /** Names of its games, as `game` has them. */
  readonly games: readonly string[] | (() => readonly string[]);
  /** Whether a name is one of its games, where they have several spellings. Default: it is in `games`. */
  readonly plays?: (game: string) => boolean;
  /** Settings under `environment`. Default: none. */
  readonly settings?: Readonly<Record<string, Setting>>;
  /** Settings that a preset's protocol means here. */
  readonly adopt?: (protocol: PublishedProtocol) => SettingsTree;
  /** Names, under `environment`, of settings that may change on resume, such as where a file lies. */
  readonly changeableOnResume?: readonly string[];
  /** @throws InvalidArgumentError naming the path for what the form can't refuse */
  readonly check?: (settings: SettingsTree, game: string) => void;
  /** Makes one; called once for the training and once for each evaluation. */
  readonly create: (request: {
    readonly game: string;
    readonly settings: SettingsTree;
    readonly purpose: Purpose;
  }) => Environment;
}

/** An agent and what a run needs beside it. */
export interface RunAgent {
  readonly agent: Agent;
  /** Absent for agents whose `getState` holds everything. */
  readonly replay?: ReplayPersistence;
  /** One agent step of learning from a dataset; there when `config.dataset.folder` is set. Returns metrics when it made an update. */
  readonly learnOffline?: () => Promise<AgentMetrics | undefined>;
  /** Rows that can be written only when training has ended, for instance how near choices on the way were to the last ones. */
  readonly finalRows?: () => readonly MetricRow[];
  /** What computes, for the summary. */
  readonly backendName?: string;
  /** Live tensors of the tensor library, for the log. */
  readonly tensorCount?: () => number;
}

export interface AgentRequest {
  readonly config: RunConfig;
  /** What the agent will see and do. */
  readonly environment: Environment;
  readonly purpose: Purpose;
  /** Folder for what is too large to be written whole with every checkpoint. */
  readonly replayFolder: string;
  /** True: a checkpoint of an earlier start is put back afterwards. */
  readonly isResume?: boolean;
  /** Tells people something. */
  readonly say: (line: string) => void;
}

/** Agents of one configuration with several seeds, whose steps are computed together. */
export interface AgentBatch {
  readonly size: number;
  /**
   * Makes the agent of one run. It is used as any other, at the same time as the others.
   * @param place from 0 to `size` - 1, each taken once; results depend on it and on `size`, not on the other runs
   */
  create(request: AgentRequest, place: number): RunAgent | Promise<RunAgent>;
}

/** What `AgentKind.openBatch` is asked for. */
export interface BatchRequest {
  /** Of the runs, which differ in their seeds. */
  readonly config: RunConfig;
  /** Places for runs. */
  readonly size: number;
  /** Tells people something. */
  readonly say: (line: string) => void;
}

export interface AgentKind {
  readonly description: string;
  /** Groups of settings that stand beside the run's own: `{ network: group, replay: group }`. Default: none. */
  readonly settings?: Readonly<Record<string, Setting>>;
  /** @throws InvalidArgumentError naming the path for what the form can't refuse */
  readonly check?: (config: RunConfig) => void;
  /** Asked before a new run starts. @throws InvalidArgumentError naming the path for a run that could never learn */
  readonly checkRun?: (config: RunConfig) => void | Promise<void>;
  /** True: it can learn from a dataset (`RunAgent.learnOffline`). */
  readonly learnsOffline?: boolean;
  /** What somebody should know before a run with this configuration starts. */
  readonly notes?: (config: RunConfig) => readonly string[];
  readonly create: (request: AgentRequest) => RunAgent | Promise<RunAgent>;
  /** Absent for agents that run alone only. @throws InvalidArgumentError naming the setting that stands against a batch */
  readonly openBatch?: (request: BatchRequest) => AgentBatch | Promise<AgentBatch>;
}

/** What a reward design is made from. */
export interface RewardRequest {
  readonly config: RunConfig;
  /** Those under `reward`, `type` aside. */
  readonly settings: SettingsTree;
  /** The environment of the training itself: what it shows beside observations may be read in `begin` and `reward`. */
  readonly environment: Environment;
  /** Who learns from the reward. */
  readonly agent: Agent;
  /** Folder for files of the design, in the run folder; not made yet in a new run. A run that goes on finds there what it left. */
  readonly folder: string;
  /** True: the run goes on, and `setState` will be called where it has a checkpoint. */
  readonly isResume: boolean;
  /** Tells people something. */
  readonly say: (line: string) => void;
}

/** Rewards to learn from in place of the environment's own, which stays what is reported, recorded and evaluated. */
export interface RewardKind {
  readonly description: string;
  /** Settings under `reward`. Default: none. */
  readonly settings?: Readonly<Record<string, Setting>>;
  /** Names, under `reward`, of settings that may change on resume, such as a limit. */
  readonly changeableOnResume?: readonly string[];
  /** @throws InvalidArgumentError naming the path for what the form can't refuse */
  readonly check?: (settings: SettingsTree, config: RunConfig) => void;
  /** Asked before a new run starts. @throws InvalidArgumentError naming `reward.type` for an environment that it can't be used with */
  readonly checkRun?: (request: Pick<RewardRequest, 'config' | 'settings' | 'environment'>) => void | Promise<void>;
  readonly create: (request: RewardRequest) => RewardDesign | Promise<RewardDesign>;
}

/** Settings of an agent under a name. */
export interface Preset {
  readonly description: string;
  /** Name of the kind of agent. */
  readonly agent: string;
  /** The kind's settings, whole or in part: the rest are the kind's defaults. */
  readonly settings?: SettingsTree;
  readonly trainingAgentSteps?: number;
  /** True: it is meant for a dataset and refused without one. */
  readonly isOffline?: boolean;
  readonly protocol?: PublishedProtocol;
}

/** Takes the rows of a run. `write` has taken its row when it returns: one that returns a promise is refused. */
export interface RunSink extends MetricSink {
  /** Called with every checkpoint, after everything was written: what it returns comes back through `setState`. */
  getState?(): StateTree;
  /** The run goes on from a checkpoint: rows behind it come again. Not called for a new run; undefined when the checkpoint knows nothing of this sink. */
  setState?(state: StateTree | undefined): void;
  /** Asked after `setState`: what people should be told of rows that were kept before the checkpoint and are no more; undefined when there are none. */
  lost?(): string | undefined;
  /** Called once, at the end. */
  close?(): void;
}

export interface SinkKind {
  readonly description: string;
  /** True: it is on where nothing else is said. Default false. */
  readonly isOn?: boolean;
  /** Settings under `sinks.<name>`, beside `isOn`. */
  readonly settings?: Readonly<Record<string, Setting>>;
  readonly create: (request: {
    readonly config: RunConfig;
    readonly settings: SettingsTree;
    readonly runFolder: string;
  }) => RunSink;
}
