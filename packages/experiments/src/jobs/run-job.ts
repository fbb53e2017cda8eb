// A job: trains one run in its folder, from where it stands, and writes what the report needs beside the metrics. It depends on nothing but the experiment and
// the folder, so that it may be run anywhere and twice with the same result.
import { existsSync, rmSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { ValueAgent } from '@moe-rl/agents';
import { CheckpointError, InvalidArgumentError } from '@moe-rl/core';
import { readJsonObject, replaceFile } from '@moe-rl/core/node';
import { createRunFolder, openRunFolder, type ProgressOutput, type RunConfig, type RunFolder } from '@moe-rl/runs';
import { finishRun, registry, type TrainInFolderOptions, trainInFolder } from '@moe-rl/training';
import { changedPaths } from '../plan/experiment-folder.ts';
import { type FlopBlock, networkFlops } from './network-cost.ts';

/** What a run's folder says about where it was made and what was trained: `job.json`. */
export interface JobRecord {
  readonly backend: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  /** Parameters of the network by block. */
  readonly parameterBlocks: readonly { readonly block: string; readonly parameters: number }[];
  /** Floating-point operations of one forward pass by block. */
  readonly flopBlocks: readonly FlopBlock[];
  readonly residentBytes: number;
}

export interface RunJobOptions {
  readonly runFolder: string;
  readonly config: RunConfig;
  /** Aborting ends the run after the step under way, with a checkpoint. */
  readonly signal: AbortSignal;
  /** Throws when the job belongs to somebody else by now; asked before every checkpoint, at every row and before the result is written. */
  readonly fence?: () => void;
  readonly say?: (line: string) => void;
  /** The run's place in a batch. Default: it is computed alone. */
  readonly member?: NonNullable<TrainInFolderOptions['member']>;
}

/**
 * Runs a job to its end, or until `signal` aborts.
 * @returns true when the run is complete
 * @throws CheckpointError when the folder holds a run with another configuration, and whatever the training throws
 */
export async function runJob({
  runFolder,
  config,
  signal,
  fence = () => {},
  say = () => {},
  member,
}: RunJobOptions): Promise<boolean> {
  const isResume = existsSync(join(runFolder, 'config.json'));
  // What a killed process left before it wrote the configuration is nothing to go on from.
  if (!isResume) rmSync(runFolder, { recursive: true, force: true });
  const folder = isResume ? openJobFolder(runFolder, config) : createRunFolder(runFolder, config);
  try {
    const fenced: RunFolder = {
      ...folder,
      checkpoints: {
        ...folder.checkpoints,
        save: (...args: Parameters<typeof folder.checkpoints.save>) => {
          fence();
          return folder.checkpoints.save(...args);
        },
      },
    };
    let askedMs = performance.now();
    const session = await trainInFolder(fenced, {
      isResume,
      signal,
      say,
      output: SILENT,
      ...(member === undefined ? {} : { member }),
      // Asked at each row that is logged ...
      sinks: { fence: { write: fence, close: () => {} } },
      // ... and after each step, where a process that was stopped wakes up: looking at a file each time would slow fast games down.
      wantsCheckpoint: () => {
        const nowMs = performance.now();
        if (nowMs - askedMs >= FENCE_PERIOD_MS) fence();
        askedMs = nowMs;
        return false;
      },
    });
    try {
      if (!session.output.isComplete || signal.aborted) return false;
      fence();
      const [cpu] = cpus();
      // An agent from elsewhere need not have a network of ours.
      const { network } = session.agent as Partial<ValueAgent>;
      const record: JobRecord = {
        backend: session.backendName ?? 'none',
        cpu: cpu?.model ?? 'unknown',
        cores: cpus().length,
        memoryBytes: totalmem(),
        platform: `${process.platform} ${process.arch}`,
        node: process.version,
        parameterBlocks: network?.parameterBlocks ?? [],
        flopBlocks: network === undefined ? [] : await networkFlops(network, config),
        residentBytes: process.memoryUsage.rss(),
      };
      replaceFile(join(runFolder, 'job.json'), `${JSON.stringify(record, null, 2)}\n`);
      await finishRun(fenced, session, signal, say, SILENT);
      return true;
    } finally {
      session.dispose();
    }
  } finally {
    folder.unlock();
  }
}

/** The record of a job that is done; undefined for a run that was put there by other means. */
export function readJobRecord(runFolder: string): JobRecord | undefined {
  const file = join(runFolder, 'job.json');
  return existsSync(file) ? (readJsonObject(file) as unknown as JobRecord) : undefined;
}

/** A step that took so long may have been interrupted. */
const FENCE_PERIOD_MS = 200;

/** Progress is read from the metrics file, not from text. */
const SILENT: ProgressOutput = { write: () => {} };

function openJobFolder(path: string, config: RunConfig): RunFolder {
  return openRunFolder(
    path,
    (stored) => {
      const changes = changedPaths(normal(stored), normal(config));
      if (changes.length > 0) {
        throw new CheckpointError(
          `${path} is the run of another plan or version: ${changes.slice(0, 3).join(', ')}; move it away to start the job anew`,
        );
      }
      return stored;
    },
    registry,
  );
}

/** As JSON has it: undefined left out. Modules may lie elsewhere on another machine. */
function normal({ modules: _, ...config }: RunConfig): unknown {
  return JSON.parse(JSON.stringify(config));
}

/** Errors that come back each time, wherever the job runs. */
const CONFIGURATION_ERRORS = new Set(['INVALID_ARGUMENT', 'SHAPE', 'NON_FINITE', 'CHECKPOINT', 'ALE_MODE']);

/** Whether it makes sense to try a job again. */
export function failureKindOf(code: string | undefined): 'machine' | 'configuration' {
  return code !== undefined && CONFIGURATION_ERRORS.has(code) ? 'configuration' : 'machine';
}

/** Thrown in a process whose job was taken over. */
export class LostClaimError extends InvalidArgumentError {
  constructor(jobId: string) {
    super(`the job ${jobId} was taken over by another worker; this one stops without writing anything more`);
  }
}
