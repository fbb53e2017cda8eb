// `moe-rl train`: trains one agent on one game, in a run folder, and evaluates it at the end.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '@moe-rl/core';
import {
  changeOnResume,
  createRunFolder,
  newRunConfig,
  openRunFolder,
  type RunConfig,
  type RunFolder,
  runFolderPaths,
} from '@moe-rl/runs';
import { finishRun, makeEnvironment, type TrainedSession, trainInFolder } from '@moe-rl/training';
import { type RunOptions, requestedSettings } from './options.ts';
import { INTERRUPTED_EXIT_CODE, interruptible, note, print, programName } from './terminal.ts';

interface TrainOptions extends RunOptions {
  readonly runFolder?: string;
  readonly resume?: boolean;
}

export async function train(options: TrainOptions): Promise<void> {
  const folder = await openFolder(options);
  await trainAndFinish(folder, 'train', options.resume === true, async (session, signal) => {
    print(await finishRun(folder, session, signal, note));
  });
}

/**
 * Trains in an open run folder, calls `finish` when the training is complete, and lets the folder go. Ctrl-C ends it at any point with a checkpoint and a hint.
 */
export async function trainAndFinish(
  folder: RunFolder,
  command: 'train' | 'quickstart',
  isResume: boolean,
  finish: (session: TrainedSession, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await interruptible(async (signal) => {
      const session = await trainInFolder(folder, isResume, signal, note);
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
        process.exitCode = INTERRUPTED_EXIT_CODE;
      }
    });
  } finally {
    folder.unlock();
  }
}

async function openFolder(options: TrainOptions): Promise<RunFolder> {
  const requested = requestedSettings(options);
  if (options.resume === true) {
    const path = options.runFolder ?? defaultRunFolder(newRunConfig(requested));
    if (!existsSync(runFolderPaths(path).configFile)) {
      throw new NotFoundError(`there is no run in ${path} to resume; name its folder with --run-folder`);
    }
    return openRunFolder(path, (stored) => changeOnResume(stored, requested));
  }
  const config = newRunConfig(requested);
  // Before anything is written: an unknown game or a missing ROM should leave no folder behind.
  const environment = makeEnvironment(config);
  environment.close?.();
  return createRunFolder(options.runFolder ?? defaultRunFolder(config), config);
}

function defaultRunFolder({ game, preset, seed }: RunConfig): string {
  return join('runs', `${game}-${preset}-s${seed}`.replace(/[^\w.-]/g, '_'));
}
