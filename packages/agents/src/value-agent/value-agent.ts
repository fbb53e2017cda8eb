// The value-based agent as others see it. DQN, Double DQN, Rainbow, DER, DrQ(eps) and CQL are configurations of it: their learning rules are records in
// `../variants`, the rest are switches, as in the official code.
import type { ActMode, Agent, AgentMetrics, MetricRow, Observation, TensorData } from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Network } from '../networks/network-interface.ts';

/** An agent with what a trainer needs beside core's interface. */
export interface ValueAgent extends Agent {
  readonly config: AgentConfig;
  readonly network: Network;
  /** The experience. Saved apart from the agent's state (`@moe-rl/replay/node`), because it is large. */
  readonly replay: ReplayBuffer;
  /** True when act and learn run as recorded graphs. */
  readonly isRecorded: boolean;
  /** What this configuration silently can't do, in sentences that name the setting (a router that gets no gradient); for logs. */
  readonly warnings: readonly string[];
  /** The exploration rate that `act` would use now. */
  epsilon(mode: ActMode): number;
  /** Action values `[A]` of one observation, as `act` in this mode sees them. */
  values(observation: Observation, mode?: ActMode): Promise<Float32Array>;
  /**
   * One agent step of learning from a dataset in `replay`: as `observe`, but without a transition and without waiting for a history. Step 0 is the first. Returns
   * the metrics of its last update, if it made one.
   */
  trainOffline(): Promise<AgentMetrics | undefined>;
  /**
   * One update on a batch from `replay`, whatever the schedule says.
   * @throws NonFiniteError when the loss is not finite; InvalidArgumentError when the buffer holds too little
   */
  learn(): Promise<AgentMetrics>;
  /** Copies the online network to the target network. */
  syncTarget(): Promise<void>;
  /** Measures the network on a batch from `replay`: dormant units, effective rank, feature norm, router metrics. */
  measure(): Promise<AgentMetrics>;
  /**
   * With `statistics.followsRouters`: for every measurement so far, the share of the routers' choices for the probe batch that are those of the newest
   * measurement, too (`router/saturation`). Rows to log when training has ended.
   */
  routerSaturation(): MetricRow[];
  /** The online network's parameters, by their official names. */
  readParameters(): Promise<Record<string, TensorData>>;
  /**
   * Sets parameters of the online network (and of the target network with `both`), for instance official ones.
   * @throws ShapeError for an unknown name or another shape
   */
  writeParameters(values: Readonly<Record<string, TensorData>>, networks?: 'online' | 'both'): Promise<void>;
}
