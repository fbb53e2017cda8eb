// `moe-rl train`: trains one agent on one game, in a run folder, and evaluates it at the end.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import {
  createRunFolder,
  moduleReference,
  ORIGINAL_REWARD,
  openRunFolder,
  type RequestedSettings,
  type RunConfig,
  type RunFolder,
  readRunModules,
  runFolderPaths,
} from '@moe-rl/runs';
import {
  changeOnResume,
  checkRun,
  finishRun,
  newRunConfig,
  registry,
  type TrainedSession,
  trainInFolder,
} from '@moe-rl/training';
import { modulesOf, type RunOptions, requestedSettings, useModules } from './options.ts';
import { interruptible, note, print, programName, stoppedExitCode, watchCheckpointRequests } from './terminal.ts';

interface TrainOptions extends RunOptions {
  readonly runFolder?: string;
  readonly resume?: boolean;
  readonly freshReplay?: boolean;
}

export async function train(options: TrainOptions): Promise<void> {
  if (options.freshReplay && !options.resume) {
    throw new InvalidArgumentError('--fresh-replay belongs to --resume: a new run has no replay memory yet');
  }
  const folder = options.resume ? await resumedFolder(options) : await newFolder(options);
  const start = { isResume: options.resume === true, freshReplay: options.freshReplay === true };
  await trainAndFinish(folder, 'train', start, async (session, signal) => {
    print(await finishRun(folder, session, signal, note));
  });
}

/**
 * Trains in an open run folder, calls `finish` when the training is complete, and lets the folder go. Ctrl-C ends it at any point with a checkpoint and a hint.
 */
export async function trainAndFinish(
  folder: RunFolder,
  command: 'train' | 'quickstart',
  start: { readonly isResume: boolean; readonly freshReplay?: boolean },
  finish: (session: TrainedSession, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const requests = watchCheckpointRequests();
  try {
    await interruptible(async (signal) => {
      const session = await trainInFolder(folder, {
        ...start,
        signal,
        say: note,
        wantsCheckpoint: requests.isRequested,
      });
      try {
        if (session.output.isComplete) await finish(session, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        session.dispose();
      }
      if (!session.output.isComplete || signal.aborted) {
        note(
          `stopped at agent step ${session.output.agentSteps}; continue with: ${programName()} ${command} --resume --run-folder ${folder.path}`,
        );
        process.exitCode = stoppedExitCode();
      }
    });
  } finally {
    requests.stop();
    folder.unlock();
  }
}

async function newFolder(options: TrainOptions): Promise<RunFolder> {
  const requested = await requestedSettings(options);
  const modules = await useModules(options.module, ...modulesOf(requested.file, options.config));
  const config = newRunConfig(requested);
  // Before anything is written: an unknown game, a missing ROM or a run that could never learn should leave no folder behind.
  await checkRun(config);
  const path = options.runFolder ?? defaultRunFolder(config);
  const references = modules.map((module) => moduleReference(module, path));
  const folder = createRunFolder(path, { ...config, modules: references });
  if (folder.replacesUnfinished) note(`${path} held a run that never came to a checkpoint: this one takes its place`);
  return folder;
}

async function resumedFolder(options: TrainOptions): Promise<RunFolder> {
  const requested = await requestedSettings(options);
  if (options.runFolder === undefined) await useModules(options.module, ...modulesOf(requested.file, options.config));
  const path = options.runFolder ?? defaultRunFolder(newRunConfig(requested));
  if (!existsSync(runFolderPaths(path).configFile)) {
    throw new NotFoundError(`there is no run in ${path} to resume; name its folder with --run-folder`);
  }
  await useModules(options.module, readRunModules(path), path);
  return openToGoOn(path, requested);
}

/**
 * Opens the folder of a run that goes on, with what may change on resume.
 * @throws InvalidArgumentError for another change, or fewer agent steps than it has trained
 */
export function openToGoOn(path: string, requested: RequestedSettings): RunFolder {
  return openRunFolder(
    path,
    (stored) => {
      const changed = changeOnResume(stored, requested);
      requireNotTrainedFurther(path, changed.trainingAgentSteps, stored.trainingAgentSteps);
      return changed;
    },
    registry,
  );
}

/** A run can be made longer, or end where it stands; what it learned since cannot be taken back. @throws InvalidArgumentError */
function requireNotTrainedFurther(path: string, asked: number, stored: number): void {
  const trained = runFolderPaths(path).checkpoints.list().at(-1) ?? 0;
  if (asked === stored || asked >= trained) return;
  throw new InvalidArgumentError(
    `trainingAgentSteps is ${asked}, but ${path} has ${trained} agent steps of training already; expected at least those`,
  );
}

function defaultRunFolder({ game, preset, reward, seed }: RunConfig): string {
  const design = reward.type === ORIGINAL_REWARD ? '' : `-${String(reward.type)}`;
  return join('runs', `${game}-${preset}${design}-s${seed}`.replace(/[^\w.-]/g, '_'));
}
