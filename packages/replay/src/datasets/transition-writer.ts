// Writes transitions to a Parquet file, a row group at a time, so that a dataset never has to be in memory as a whole.
import {
  InvalidArgumentError,
  NonFiniteError,
  type Observation,
  type ObservationSpec,
  requireInteger,
  ShapeError,
} from '@moe-rl/core';
import { ByteWriter, ParquetWriter, type Writer } from 'hyparquet-writer';
import type { ReplayStep } from '../replay-interface.ts';
import { type DatasetInfo, frameBytesOf, infoMetadata, TRANSITION_SCHEMA } from './transition-schema.ts';

export interface TransitionWriterConfig {
  readonly observationSpec: ObservationSpec;
  readonly notes?: DatasetInfo['notes'];
  /** Steps with other actions than `0..actionCount - 1` are refused; readers can check against it. */
  readonly actionCount?: number;
  readonly part?: DatasetInfo['part'];
  /** Where bytes go; default: into memory (`finish` returns them). `@moe-rl/replay/node` has a function that writes files. */
  readonly writer?: Writer;
  /** Default 2,048. */
  readonly rowGroupRows?: number;
}

interface Columns {
  observation: Uint8Array[];
  action: number[];
  reward: number[];
  terminated: boolean[];
  truncated: boolean[];
  next_observation: (Uint8Array | null)[];
}

/**
 * Writes a dataset of transitions as Parquet, a row per step: the newest frame [...frameShape], action, reward, terminated, truncated, and the next
 * observation where an episode was truncated (`TRANSITION_SCHEMA`). Rows go to the file in groups, so that memory stays flat.
 * @throws InvalidArgumentError naming the setting that is wrong
 */
export class TransitionWriter {
  readonly #spec: ObservationSpec;
  readonly #frameBytes: number;
  readonly #actionCount: number | undefined;
  readonly #rowGroupRows: number;
  readonly #bytes: ByteWriter | undefined;
  readonly #parquet: ParquetWriter;
  #columns = emptyColumns();
  #rows = 0;
  #isEpisodeOpen = false;

  constructor(config: TransitionWriterConfig) {
    const { observationSpec, notes = {}, actionCount, part } = config;
    this.#actionCount = actionCount === undefined ? undefined : requireInteger('actionCount', actionCount, 1, 2 ** 31);
    this.#spec = observationSpec;
    this.#frameBytes = frameBytesOf(observationSpec);
    this.#rowGroupRows = requireInteger('rowGroupRows', config.rowGroupRows ?? 2048, 1);
    this.#bytes = config.writer === undefined ? new ByteWriter() : undefined;
    this.#parquet = new ParquetWriter({
      writer: (config.writer ?? this.#bytes) as Writer,
      schema: TRANSITION_SCHEMA,
      statistics: false,
      kvMetadata: infoMetadata({
        version: 1,
        observationSpec,
        notes,
        ...(actionCount === undefined ? {} : { actionCount }),
        ...(part === undefined ? {} : { part }),
      }),
      createdBy: 'moe-rl',
    });
  }

  /** Steps added so far. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Adds one step; observations are copied.
   * @throws ShapeError when an observation has another length or dtype than `observationSpec` says
   * @throws NonFiniteError when the reward is NaN, or infinite in single precision; InvalidArgumentError when the action is not an int32
   */
  async add(step: ReplayStep): Promise<void> {
    if (!Number.isInteger(step.action) || step.action !== (step.action | 0)) {
      throw new InvalidArgumentError(`action is ${step.action} at row ${this.#rows}; expected a 32-bit integer`);
    }
    if (this.#actionCount !== undefined && (step.action < 0 || step.action >= this.#actionCount)) {
      throw new InvalidArgumentError(
        `action is ${step.action} at row ${this.#rows}; expected 0 to ${this.#actionCount - 1}`,
      );
    }
    // Rewards are written in single precision, where 1e39 is infinite: no reader would take the file.
    if (!Number.isFinite(Math.fround(step.reward))) {
      throw new NonFiniteError(
        `reward is ${step.reward} at row ${this.#rows}; expected a finite number in single precision`,
      );
    }
    const isCut = step.truncated && !step.terminated;
    const whole = this.#bytesOf('observation', step.observation);
    const next = isCut && step.nextObservation ? this.#bytesOf('nextObservation', step.nextObservation) : undefined;
    const columns = this.#columns;
    columns.observation.push(this.#isEpisodeOpen ? whole.slice(-this.#frameBytes) : whole.slice());
    columns.action.push(step.action);
    columns.reward.push(step.reward);
    columns.terminated.push(step.terminated);
    columns.truncated.push(step.truncated);
    columns.next_observation.push(next === undefined ? null : next.slice(-this.#frameBytes));
    this.#isEpisodeOpen = !(step.terminated || step.truncated);
    this.#rows++;
    if (columns.action.length === this.#rowGroupRows) await this.#flush();
  }

  /** Ends the file. Returns its bytes when they were kept in memory. */
  async finish(): Promise<ArrayBuffer | undefined> {
    if (this.#columns.action.length > 0) await this.#flush();
    await this.#parquet.finish();
    return this.#bytes?.getBuffer();
  }

  async #flush(): Promise<void> {
    const columns = this.#columns;
    this.#columns = emptyColumns();
    await this.#parquet.write({
      // Frames hardly repeat: without this, each byte of each frame is hashed to look for repetitions (a third of the time of a write).
      columnData: Object.entries(columns).map(([name, data]) =>
        name.endsWith('observation') ? { name, data, encoding: 'PLAIN' as const } : { name, data },
      ),
      rowGroupSize: columns.action.length,
    });
  }

  #bytesOf(name: string, observation: Observation): Uint8Array {
    const { dtype, frameShape, stackSize } = this.#spec;
    const isRightDtype = dtype === 'uint8' ? observation instanceof Uint8Array : observation instanceof Float32Array;
    const { byteLength } = observation;
    if (!isRightDtype || (byteLength !== this.#frameBytes && byteLength !== this.#frameBytes * stackSize)) {
      throw new ShapeError(
        `${name} at row ${this.#rows} is ${observation.constructor.name} of ${observation.length} elements; expected ${dtype} ` +
          `[${frameShape}] or [${[stackSize, ...frameShape]}]`,
      );
    }
    return new Uint8Array(observation.buffer, observation.byteOffset, byteLength);
  }
}

function emptyColumns(): Columns {
  return { observation: [], action: [], reward: [], terminated: [], truncated: [], next_observation: [] };
}
