// The batches of an agent's updates. Where another update follows at once, its batch is drawn while the device works on this one; drawn are the same batches in the
// same order.
import type { ReplayBuffer, ReplaySample } from '@moe-rl/replay';
import type { AgentConfig } from '../config/agent-config.ts';

/** The batches of the updates: drawn when they are needed or, where that changes nothing, while the device works on the one before. */
export class Batches {
  readonly #replay: ReplayBuffer;
  readonly #batchSize: number;
  /** Priorities come with the results of the update under way: where they decide, nothing can be drawn before. */
  readonly #canPrepare: boolean;
  #prepared: ReplaySample | undefined;
  /** Two, in turns: one is drawn into while the other is in use. */
  readonly #memories: ReplaySample[] = [];
  #turn = 0;

  constructor(replay: ReplayBuffer, { agent, replay: { sampling } }: Pick<AgentConfig, 'agent' | 'replay'>) {
    this.#replay = replay;
    this.#batchSize = agent.batchSize;
    this.#canPrepare = sampling === 'uniform';
  }

  /**
   * The next batch. It is valid until the batch after the next is drawn.
   * @throws InvalidArgumentError when nothing can be sampled yet
   */
  take(): ReplaySample {
    const batch = this.#prepared ?? this.#draw();
    this.#prepared = undefined;
    return batch;
  }

  /** Draws the batch that `take` gives next, where nothing that is still to come decides on it. Nothing may be stored between. */
  prepare(): void {
    if (this.#canPrepare) this.#prepared = this.#draw();
  }

  /** Leaves a batch that was prepared, after an update that failed. */
  forget(): void {
    this.#prepared = undefined;
  }

  #draw(): ReplaySample {
    this.#turn = 1 - this.#turn;
    this.#memories[this.#turn] ??= this.#replay.allocateSample(this.#batchSize);
    return this.#replay.sample(this.#batchSize, this.#memories[this.#turn]);
  }
}
