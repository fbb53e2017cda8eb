// `moe-rl play`: films an episode of a run's agent as GIF or MP4.
import { dirname, extname, join } from 'node:path';
import {
  createRandomAgent,
  InvalidArgumentError,
  MissingDependencyError,
  requireInteger,
  requireOneOf,
} from '@moe-rl/core';
import { makeFolder } from '@moe-rl/core/node';
import {
  encodeGif,
  hasFfmpeg,
  MAX_FILM_AGENT_STEPS,
  type RecordedEpisode,
  recordEpisode,
  writeMp4,
} from '@moe-rl/figures';
import { number, runFolderPaths } from '@moe-rl/runs';
import { loadTrainedAgent, makeEnvironment } from '@moe-rl/training';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { MAX_SEED, openStoredRun, type StoredRunOptions } from './stored-run.ts';
import { note, print } from './terminal.ts';

interface PlayOptions extends StoredRunOptions {
  readonly output?: string;
  readonly format?: string;
  readonly seed: number;
  readonly scale: number;
  readonly agentView?: boolean;
  readonly randomAgent?: boolean;
  readonly bestOf: number;
  readonly maxAgentSteps: number;
}

/** Agent steps are four frames of 60 Hz; other environments have no clock of their own. */
const PICTURES_PER_SECOND = 15;

export async function play(path: string, options: PlayOptions): Promise<void> {
  requireInteger('--scale', options.scale, 1, 16);
  requireInteger('--seed', options.seed, 0, MAX_SEED);
  requireInteger('--best-of', options.bestOf, 1, 1000);
  if (options.seed + options.bestOf - 1 > MAX_SEED) {
    throw new InvalidArgumentError(
      `--best-of is ${options.bestOf} and --seed is ${options.seed}; expected seeds of at most ${MAX_SEED} for all of the episodes`,
    );
  }
  requireInteger('--max-agent-steps', options.maxAgentSteps, 1, MAX_FILM_AGENT_STEPS);
  if (options.randomAgent === true && (options.backend ?? options.threads) !== undefined) {
    throw new InvalidArgumentError(
      `--${options.backend === undefined ? 'threads' : 'backend'} would do nothing: --random-agent computes nothing`,
    );
  }
  const formats = chosenFormats(options);
  const config = await openStoredRun(path, options);
  requireOutputFile('--output', options.output ?? join(runFolderPaths(path).videosFolder, 'film'));
  const environment = makeEnvironment(config, 'evaluation');
  const trained = options.randomAgent === true ? undefined : await loadTrainedAgent(path, config, note);
  try {
    const agent = trained?.agent ?? createRandomAgent(environment.actionCount, options.seed);
    let best: RecordedEpisode | undefined;
    for (let index = 0; index < options.bestOf; index++) {
      const recorded = await recordEpisode({
        agent,
        environment,
        seed: options.seed + index,
        showAgentView: options.agentView === true,
        maxAgentSteps: options.maxAgentSteps,
      });
      note(`episode ${index + 1} of ${options.bestOf}: ${describeFilm(recorded)}`);
      if (best === undefined || recorded.episodeReturn > best.episodeReturn) best = recorded;
    }
    const name = `${options.randomAgent === true ? 'random' : `agent-${trained?.agent.trainingAgentSteps ?? 0}`}-seed-${options.seed}`;
    for (const format of formats) {
      const file = options.output ?? join(runFolderPaths(path).videosFolder, `${name}.${format}`);
      await writeVideo(file, format, best!, options.scale);
      print(file);
    }
  } finally {
    environment.close?.();
    trained?.dispose();
  }
}

type VideoFormat = 'gif' | 'mp4';

/** Writes an episode in one format, `scale` film pixels per game pixel. */
export async function writeVideo(
  file: string,
  format: VideoFormat,
  { frames }: RecordedEpisode,
  scale: number,
): Promise<void> {
  if (format === 'gif') writeOutputFile(file, encodeGif(frames, PICTURES_PER_SECOND, scale));
  else {
    makeFolder(dirname(file));
    await writeMp4(file, frames, PICTURES_PER_SECOND, scale);
  }
}

/** `return 3, 812 agent steps`, and that it is not the whole episode where that is so. */
export function describeFilm({ episodeReturn, agentSteps, isCut }: RecordedEpisode): string {
  const steps = `${agentSteps.toLocaleString('en-US')} agent steps`;
  return isCut
    ? `return ${number(episodeReturn)} so far, cut after ${steps} with the episode still under way`
    : `return ${number(episodeReturn)}, ${steps}`;
}

/** @throws InvalidArgumentError for another format; MissingDependencyError, before anything is played, for an MP4 without ffmpeg */
function chosenFormats({ output, format }: PlayOptions): VideoFormat[] {
  if (output === undefined && format === undefined) return hasFfmpeg() ? ['gif', 'mp4'] : ['gif'];
  const extension = output === undefined ? undefined : filmFormat('--output', output);
  const named = format === undefined ? undefined : requireOneOf('--format', format, ['gif', 'mp4', 'both']);
  if (extension !== undefined && named !== undefined && named !== extension) {
    throw new InvalidArgumentError(
      `--format is ${named}, but --output is ${JSON.stringify(output)}, which says it itself; expected one of them`,
    );
  }
  const choice = extension ?? named;
  const formats: VideoFormat[] = choice === 'both' ? ['gif', 'mp4'] : [choice as VideoFormat];
  if (formats.includes('mp4')) requireFfmpeg('--format gif, or an --output that ends with .gif');
  return formats;
}

/**
 * The format that the name of a film says.
 * @param option that the name was given by
 * @throws InvalidArgumentError for another one; before anything is played StorageError where it could not be written, MissingDependencyError for an MP4 without
 *   ffmpeg
 */
export function filmFormat(option: string, file: string): VideoFormat {
  requireOutputFile(option, file, ['.gif', '.mp4']);
  if (extname(file).toLowerCase() === '.gif') return 'gif';
  requireFfmpeg(`a name for ${option} that ends with .gif`);
  return 'mp4';
}

function requireFfmpeg(instead: string): void {
  if (hasFfmpeg()) return;
  throw new MissingDependencyError(
    `writing an MP4 needs the ffmpeg program on the path; without it, ask for a GIF (${instead})`,
  );
}
