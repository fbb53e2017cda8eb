// `moe-rl quickstart`, which `npm start` runs: trains the embedded game for some minutes, shows that the agent learned, and says what to try next.
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';
import { type RecordedEpisode, recordEpisode } from '@moe-rl/figures';
import { createRunFolder, lockRunFolder, type RunFolder, runFolderPaths } from '@moe-rl/runs';
import { checkRun, finishRun, makeEnvironment, newRunConfig } from '@moe-rl/training';
import { describeFilm, writeVideo } from './play.ts';
import { note, print, programName } from './terminal.ts';
import { openToGoOn, trainAndFinish } from './train.ts';

/** Episodes played for the film; the best is kept. */
const FILMED_EPISODES = 3;

/** Settings of the run beside the preset's. */
const QUICKSTART_SETTINGS = {
  game: 'windfall',
  preset: 'quickstart',
  logPeriodAgentSteps: 500,
  checkpointPeriodAgentSteps: 5000,
  evaluationEpisodes: 30,
  // Some seconds in all: the curve shows what the agent can do, not how it explores.
  evaluation: { periodAgentSteps: 2000, episodes: 3, agentSteps: null, maxEpisodeAgentSteps: 1500 },
  // On WebAssembly or a slow machine training ends here: what was learned by then is evaluated.
  maxTrainingSeconds: 840,
};

interface QuickstartOptions {
  readonly agentSteps?: number;
  readonly seed?: number;
  readonly episodes?: number;
  readonly backend?: string;
  readonly threads?: number;
  readonly runFolder: string;
  readonly resume?: boolean;
}

export async function quickstart(options: QuickstartOptions): Promise<void> {
  const folder = await openFolder(options);
  print(`Training a Soft MoE agent on ${folder.config.game}, our own Atari 2600 game, from its pixels.`);
  await trainAndFinish(folder, 'quickstart', { isResume: options.resume === true }, async (session, signal) => {
    print(await finishRun(folder, session, signal, note));
    await film(folder, session.agent);
    print(nextSteps(folder));
  });
}

async function film(folder: RunFolder, agent: Parameters<typeof recordEpisode>[0]['agent']): Promise<void> {
  const environment = makeEnvironment(folder.config);
  try {
    let best: RecordedEpisode | undefined;
    for (let attempt = 0; attempt < FILMED_EPISODES; attempt++) {
      const seed = folder.config.seed + attempt;
      const episode = await recordEpisode({
        agent,
        environment,
        seed,
        showAgentView: true,
        maxAgentSteps: 600,
      });
      if (best === undefined || episode.episodeReturn > best.episodeReturn) best = episode;
    }
    const file = join(folder.videosFolder, 'trained.gif');
    await writeVideo(file, 'gif', best!, 2);
    print(`filmed the best of ${FILMED_EPISODES} episodes (${describeFilm(best!)}): ${file}`);
  } finally {
    environment.close?.();
  }
}

/** The folder of a new run, or of the one that goes on: what is not asked for stays as it is there. */
export async function openFolder(options: QuickstartOptions): Promise<RunFolder> {
  const { agentSteps, seed, backend, threads, episodes, runFolder } = options;
  const requested = {
    options: { trainingAgentSteps: agentSteps, seed, backend, threads, evaluationEpisodes: episodes },
  };
  const exists = existsSync(runFolderPaths(runFolder).configFile);
  if (options.resume === true) {
    if (!exists) throw new NotFoundError(`there is no run in ${runFolder} to resume; leave out --resume to start one`);
    return openToGoOn(runFolder, requested);
  }
  const config = newRunConfig(requested, QUICKSTART_SETTINGS);
  await checkRun(config);
  if (exists) moveAside(runFolder);
  return createRunFolder(runFolder, config);
}

/** Keeps the run of an earlier start under another name. */
function moveAside(path: string): void {
  lockRunFolder(path)(); // throws when it is running right now
  const stamp = statSync(path).mtime.toISOString().slice(0, 19).replace(/[:T]/g, '-');
  let target = `${path}-${stamp}`;
  for (let count = 2; existsSync(target); count++) target = `${path}-${stamp}-${count}`;
  try {
    renameSync(path, target);
  } catch (cause) {
    throw storageError('move aside', path, cause);
  }
  note(`the run of an earlier start is now in ${target}`);
}

function nextSteps(folder: RunFolder): string {
  const program = programName();
  return [
    '',
    'What to try next:',
    `  ${program} play ${folder.path} --scale 2 --agent-view      another film`,
    `  ${program} evaluate ${folder.path} --episodes 100          a smaller error bar`,
    `  ${program} roms --fetch                                   get Atari games (from the ale-py wheel)`,
    `  ${program} train --game breakout --preset dqn-soft-moe --agent-steps 200000`,
    `  ${program} doctor                                         which tensor backend is used here, and why`,
    `  tensorboard --logdir ${folder.path}/events`,
  ].join('\n');
}
