// The agent interface: acts, observes, learns. Agents never log, never save, never touch the environment: the run loop and its consumers do.
import type { Checkpointable } from './checkpointable.ts';
import type { Observation, Transition } from './transition.ts';

/** `train` explores by the training schedule, `evaluate` by the evaluation rule (a small fixed epsilon, no learning). */
export type ActMode = 'train' | 'evaluate';

/** Numbers about learning, keyed by metric tag (`train/loss`, `train/epsilon`, `router/entropy`). */
export type AgentMetrics = Readonly<Record<string, number>>;

export interface Agent extends Checkpointable {
  /** Agent steps observed in training so far. */
  readonly trainingAgentSteps: number;
  /** Gradient updates made so far. */
  readonly updates: number;
  /** Chooses an action for one observation. Must not keep a reference to it. */
  act(observation: Observation, mode: ActMode): number | Promise<number>;
  /**
   * Takes in one transition of training experience, and learns when its schedule says so.
   * Returns the newest metrics when an update was made, else undefined.
   * @throws NonFiniteError when the reward or the loss is not finite, naming the agent step and the batch's indices.
   */
  observe(transition: Transition): AgentMetrics | undefined | Promise<AgentMetrics | undefined>;
  /**
   * Probabilities `[A]` with which `act` in this mode would choose each action now; moves no random stream that acting or learning draws from. Absent for
   * agents that can't tell.
   */
  actionProbabilities?(observation: Observation, mode: ActMode): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** Frees tensors and sessions. */
  dispose(): void;
}
