// A vector environment over worker threads: each worker plays some of the copies and writes into one shared memory; the main thread only sends actions.
// The worker's program is this package's own `./node` entry, started with a marker in its data: the one file that can be found however the package was built.
import { createRequire } from 'node:module';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  type AutoresetMode,
  InvalidArgumentError,
  MoeRlError,
  type ObservationSpec,
  requireInteger,
  requireOneOf,
  type VectorEnvironment,
  type VectorResetOptions,
  type VectorStepOutput,
} from '@moe-rl/core';
import { type MakeAtariOptions, type ResolvedGame, resolveGame } from './atari-environment.ts';
import { AtariVectorEnvironment } from './atari-vector-environment.ts';
import { AUTORESET_MODES, checkReset, requireNoneEnded } from './autoreset.ts';
import { requireAction } from './consoles.ts';

const SIDE = 84;

export interface MakeAtariPoolOptions extends MakeAtariOptions {
  /** N, copies of the game. */
  readonly environmentCount: number;
  /** Worker threads. Default: as many as copies, at most 4. */
  readonly workerCount?: number;
  /** When a copy whose episode has ended starts the next one. Default `next-step`. */
  readonly autoreset?: AutoresetMode;
}

/** What a worker is told when it starts. */
interface WorkerTask {
  readonly isMoeRlAtariWorker: true;
  /** A known game's id, or a description; undefined: as the ROM says. */
  readonly game: MakeAtariOptions['game'] | undefined;
  readonly gameId: string;
  readonly rom: Uint8Array;
  readonly config: ResolvedGame['config'];
  readonly autoreset: AutoresetMode;
  /** The copies `first .. first + count - 1` are this worker's. */
  readonly first: number;
  readonly count: number;
  readonly memory: SharedArrayBuffer;
  readonly environmentCount: number;
}

type Request =
  | { readonly kind: 'reset'; readonly seed: number | undefined; readonly mask: Uint8Array | undefined }
  | { readonly kind: 'step' };
type Reply = { readonly error?: { readonly code: string; readonly message: string } };

/** Views on the memory that all threads share. */
interface SharedArrays {
  readonly observations: Uint8Array;
  readonly rewards: Float32Array;
  readonly actions: Int32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** Last info of the episodes that this step has ended (`same-step`). */
  readonly finalLives: Int32Array;
  readonly finalFrames: Int32Array;
  /** `same-step`: their last observations; otherwise empty. */
  readonly finalObservations: Uint8Array;
}

function sharedBytes(environmentCount: number, stackSize: number, autoreset: AutoresetMode): number {
  const pictures = autoreset === 'same-step' ? 2 : 1;
  return environmentCount * (4 + 4 + 4 + 4 + 2 + pictures * stackSize * SIDE * SIDE);
}

function sharedArrays(
  memory: SharedArrayBuffer,
  environmentCount: number,
  stackSize: number,
  autoreset: AutoresetMode,
): SharedArrays {
  const n = environmentCount;
  const pictures = n * stackSize * SIDE * SIDE;
  return {
    rewards: new Float32Array(memory, 0, n),
    actions: new Int32Array(memory, 4 * n, n),
    finalLives: new Int32Array(memory, 8 * n, n),
    finalFrames: new Int32Array(memory, 12 * n, n),
    terminated: new Uint8Array(memory, 16 * n, n),
    truncated: new Uint8Array(memory, 17 * n, n),
    observations: new Uint8Array(memory, 18 * n, pictures),
    finalObservations: new Uint8Array(memory, 18 * n + pictures, autoreset === 'same-step' ? pictures : 0),
  };
}

/**
 * Makes `environmentCount` copies of a game on worker threads. Plays exactly what `makeAtariVector` plays; `close` ends the threads.
 * @throws as `makeAtari`
 */
export async function makeAtariPool(options: MakeAtariPoolOptions): Promise<VectorEnvironment> {
  const {
    environmentCount,
    workerCount = Math.min(options.environmentCount, 4),
    autoreset = 'next-step',
    ...rest
  } = options;
  requireInteger('environmentCount', environmentCount, 1, 1024);
  requireInteger('workerCount', workerCount, 1, environmentCount);
  requireOneOf('autoreset', autoreset, AUTORESET_MODES);
  const { game, rom, config } = resolveGame(rest);
  const memory = new SharedArrayBuffer(sharedBytes(environmentCount, config.stackSize, autoreset));
  const workers: PoolWorker[] = [];
  try {
    for (let index = 0; index < workerCount; index++) {
      const first = Math.floor((index * environmentCount) / workerCount);
      const count = Math.floor(((index + 1) * environmentCount) / workerCount) - first;
      workers.push(
        startWorker({
          isMoeRlAtariWorker: true,
          game: rest.game,
          gameId: game.id,
          rom,
          config,
          autoreset,
          first,
          count,
          memory,
          environmentCount,
        }),
      );
    }
    // Each answers once when its consoles are ready.
    await Promise.all(workers.map(({ answer }) => answer()));
  } catch (error) {
    for (const worker of workers) await worker.close();
    throw error;
  }
  const actionCount = config.fullActionSet ? 18 : game.minimalActions.length;
  return new AtariPool(game.id, config.stackSize, actionCount, environmentCount, autoreset, memory, workers);
}

interface PoolWorker {
  /** Set once the worker has ended, for whatever reason. */
  readonly ended: Error | undefined;
  send(request: Request): void;
  /** Waits for the worker's next answer. */
  answer(): Promise<void>;
  close(): Promise<unknown>;
}

function startWorker(task: WorkerTask): PoolWorker {
  const entry = createRequire(import.meta.url).resolve('@moe-rl/ale-env/node');
  const worker = new Worker(entry, { workerData: task });
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const unread: (Error | undefined)[] = [];
  /** Why no answer will come any more. */
  let ended: Error | undefined;
  const deliver = (error: Error | undefined): void => {
    const next = waiting.shift();
    if (next === undefined) unread.push(error);
    else if (error === undefined) next.resolve();
    else next.reject(error);
  };
  const end = (error: Error): void => {
    ended ??= error;
    while (waiting.length > 0) deliver(ended);
  };
  worker.on('message', ({ error }: Reply) => deliver(error && new MoeRlError(error.code, error.message)));
  const who = `atari/${task.gameId}: the worker of environments ${task.first} to ${task.first + task.count - 1}`;
  worker.on('error', (cause) => end(new MoeRlError('WORKER', `${who} has died: ${cause.message}`, { cause })));
  worker.on('exit', (code) => end(new MoeRlError('WORKER', `${who} has ended with exit code ${code}`)));
  return {
    get ended() {
      return ended;
    },
    send: (request) => worker.postMessage(request),
    answer: () =>
      new Promise((resolve, reject) => {
        if (unread.length === 0) {
          if (ended === undefined) waiting.push({ resolve, reject });
          else reject(ended);
          return;
        }
        const error = unread.shift();
        if (error === undefined) resolve();
        else reject(error);
      }),
    close: () => worker.terminate(),
  };
}

class AtariPool implements VectorEnvironment {
  readonly id: string;
  readonly environmentCount: number;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  readonly autoreset: AutoresetMode;
  readonly #arrays: SharedArrays;
  readonly #workers: readonly PoolWorker[];
  #isBusy = false;
  #isReset = false;
  #isClosed = false;

  constructor(
    gameId: string,
    stackSize: number,
    actionCount: number,
    environmentCount: number,
    autoreset: AutoresetMode,
    memory: SharedArrayBuffer,
    workers: readonly PoolWorker[],
  ) {
    this.id = `atari/${gameId}`;
    this.environmentCount = environmentCount;
    this.observationSpec = { frameShape: [SIDE, SIDE], stackSize, dtype: 'uint8' };
    this.actionCount = actionCount;
    this.autoreset = autoreset;
    this.#arrays = sharedArrays(memory, environmentCount, stackSize, autoreset);
    this.#workers = workers;
  }

  async reset(options: VectorResetOptions = {}): Promise<Uint8Array> {
    // The first reset seeds every copy, so that no two workers' copies play the same.
    const { seed = this.#isReset ? undefined : 0, mask } = checkReset(
      this.id,
      this.environmentCount,
      this.#isReset,
      options,
    );
    await this.#ask({ kind: 'reset', seed, mask });
    this.#isReset = true;
    return this.#arrays.observations;
  }

  async step(actions: ArrayLike<number>): Promise<VectorStepOutput> {
    if (actions.length !== this.environmentCount) {
      throw new InvalidArgumentError(
        `${this.id}: got ${actions.length} actions for ${this.environmentCount} environments`,
      );
    }
    // All are checked before any worker moves: otherwise one refused action would leave the copies at different steps.
    for (let index = 0; index < actions.length; index++) requireAction(this.id, actions[index]!, this.actionCount);
    if (!this.#isReset) throw new InvalidArgumentError(`${this.id}: no episode was begun; call reset() first`);
    this.#requireWorkers();
    if (this.autoreset === 'disabled') requireNoneEnded(this.id, this.#arrays.terminated, this.#arrays.truncated);
    this.#arrays.actions.set(actions);
    await this.#ask({ kind: 'step' });
    const { observations, rewards, terminated, truncated } = this.#arrays;
    const output = { observations, rewards, terminated, truncated };
    return this.autoreset === 'same-step' ? { ...output, ...this.#finals() } : output;
  }

  #finals(): Pick<VectorStepOutput, 'finalObservations' | 'finalInfo'> {
    const { terminated, truncated, finalObservations, finalLives, finalFrames } = this.#arrays;
    const size = finalObservations.length / this.environmentCount;
    const whereEnded = <T>(take: (index: number) => T): (T | undefined)[] =>
      Array.from(terminated, (isTerminated, index) => (isTerminated || truncated[index] ? take(index) : undefined));
    return {
      finalObservations: whereEnded((index) => finalObservations.subarray(index * size, (index + 1) * size)),
      finalInfo: whereEnded((index) => ({ lives: finalLives[index]!, episodeFrameNumber: finalFrames[index]! })),
    };
  }

  /** Ends the workers. A call that is under way, and every later one, is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  #requireWorkers(): void {
    if (this.#isClosed) throw new InvalidArgumentError(`${this.id}: the pool is closed`);
    if (this.#isBusy) throw new InvalidArgumentError(`${this.id}: a call is under way; wait for it before the next`);
    for (const { ended } of this.#workers) if (ended !== undefined) throw ended;
  }

  async #ask(request: Request): Promise<void> {
    this.#requireWorkers();
    this.#isBusy = true;
    try {
      for (const worker of this.#workers) worker.send(request);
      // Waits for all, also when one fails: the next call must not take an answer of this one.
      const answers = await Promise.allSettled(this.#workers.map((worker) => worker.answer()));
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    } finally {
      this.#isBusy = false;
    }
  }
}

/** A worker's life: makes its consoles, then answers each request once its part of the shared memory is written. */
function serve(port: MessagePort, task: WorkerTask): void {
  const reply = (work: () => void): void => {
    try {
      work();
      port.postMessage({});
    } catch (error) {
      const { code = 'WORKER', message } = error as { code?: string; message: string };
      port.postMessage({ error: { code, message } });
    }
  };
  const { first, count, config } = task;
  const arrays = sharedArrays(task.memory, task.environmentCount, config.stackSize, task.autoreset);
  const size = config.stackSize * SIDE * SIDE;
  const part = first * size;
  let environments: AtariVectorEnvironment;
  reply(() => {
    const game = task.game === undefined ? {} : { game: task.game };
    environments = new AtariVectorEnvironment(
      resolveGame({ ...config, ...game, rom: task.rom }),
      count,
      task.autoreset,
    );
  });
  port.on('message', (request: Request) => {
    reply(() => {
      if (request.kind === 'reset') {
        const { seed } = request;
        const mask = request.mask?.subarray(first, first + count);
        if (mask?.includes(1) === false) return;
        const options = {
          ...(seed === undefined ? {} : { seed: seed + first }),
          ...(mask === undefined ? {} : { mask }),
        };
        arrays.observations.set(environments.reset(options), part);
        for (let index = 0; index < count; index++) {
          if (mask?.[index] === 0) continue;
          arrays.terminated[first + index] = 0;
          arrays.truncated[first + index] = 0;
        }
        return;
      }
      const output = environments.step(arrays.actions.subarray(first, first + count));
      arrays.observations.set(output.observations as Uint8Array, part);
      arrays.rewards.set(output.rewards, first);
      arrays.terminated.set(output.terminated, first);
      arrays.truncated.set(output.truncated, first);
      output.finalObservations?.forEach((observation, index) => {
        if (observation === undefined) return;
        const { lives, episodeFrameNumber } = output.finalInfo![index]!;
        arrays.finalObservations.set(observation as Uint8Array, part + index * size);
        arrays.finalLives[first + index] = Number(lives);
        arrays.finalFrames[first + index] = Number(episodeFrameNumber);
      });
    });
  });
}

const task = workerData as Partial<WorkerTask> | null;
if (!isMainThread && parentPort !== null && task?.isMoeRlAtariWorker === true) serve(parentPort, task as WorkerTask);
