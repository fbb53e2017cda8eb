// `moe-rl reward-design study`: how soon learners become optimal under designed rewards, run by run; `moe-rl reward-design map`: the rewards of a run as a picture.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, requireOneOf } from '@moe-rl/core';
import { lockFolder, makeFolder, readBytes, replaceFile, storageError } from '@moe-rl/core/node';
import { heatMapSvg, svgToPng } from '@moe-rl/figures';
import {
  designedRewards,
  designStudy,
  isTabular,
  type LearnerName,
  MAX_EPISODES,
  rewardMap,
  runDesignStudy,
  STUDY_DESIGNS,
  type StudyDesign,
  type StudyResult,
  summarizeDesigns,
} from '@moe-rl/reward-design';
import { ORIGINAL_REWARD, readRunConfig, readRunModules, runFolderPaths, table } from '@moe-rl/runs';
import { makeEnvironment, registry } from '@moe-rl/training';
import { useModules } from './options.ts';
import { designStudySvg } from './reward-design-figure.ts';
import { interruptible, note, print, programName } from './terminal.ts';

const LEARNERS: readonly LearnerName[] = ['q-learning', 'reinforce'];

interface StudyCommandOptions {
  readonly folder?: string;
  readonly learner?: string;
  readonly designs?: readonly string[];
  readonly seeds: number;
  readonly maxEpisodes?: number;
}

export async function rewardDesignStudy(name: string, options: StudyCommandOptions): Promise<void> {
  designStudy(name);
  const learners = options.learner === undefined ? LEARNERS : [requireOneOf('--learner', options.learner, LEARNERS)];
  const designs: readonly StudyDesign[] =
    options.designs?.map((design) => requireOneOf('--designs', design, STUDY_DESIGNS)) ?? STUDY_DESIGNS;
  const folder = options.folder ?? join('runs', `reward-design-${name}`);
  makeFolder(folder);
  // Two at once would make every run twice.
  const unlock = lockFolder(folder, { noun: 'folder of results' });
  try {
    await studyInFolder(name, folder, learners, designs, options);
  } finally {
    unlock();
  }
}

async function studyInFolder(
  name: string,
  folder: string,
  learners: readonly LearnerName[],
  designs: readonly StudyDesign[],
  options: StudyCommandOptions,
): Promise<void> {
  const { title } = designStudy(name);
  const file = join(folder, 'results.jsonl');
  const { maxEpisodes } = options;
  const limitOf = (learner: LearnerName): number => maxEpisodes ?? MAX_EPISODES[learner];
  const isWanted = (result: StudyResult): boolean =>
    result.study === name && result.maxEpisodes === limitOf(result.learner);
  const results = readResults(file);
  const foreign = results.find((result) => !isWanted(result));
  if (foreign !== undefined) {
    throw new InvalidArgumentError(
      `${file} has results of ${foreign.study} with at most ${foreign.maxEpisodes} episodes; expected ${name} with ${limitOf(foreign.learner)}, or another --folder`,
    );
  }
  endLine(file);
  note(`${title}: ${learners.length * designs.length * options.seeds} runs, in ${folder}`);
  await interruptible(async (signal) => {
    for (const learner of learners) {
      for (const design of designs) {
        const done = new Set(
          results.filter((one) => one.learner === learner && one.design === design).map(({ seed }) => seed),
        );
        const seeds = Array.from({ length: options.seeds }, (_, seed) => seed).filter((seed) => !done.has(seed));
        await runDesignStudy(name, {
          learner,
          design,
          seeds,
          signal,
          ...(maxEpisodes === undefined ? {} : { maxEpisodes }),
          onResult(result) {
            results.push(result);
            try {
              appendFileSync(file, `${JSON.stringify(result)}\n`);
            } catch (cause) {
              throw storageError('write', file, cause);
            }
          },
        });
        if (seeds.length > 0) note(`${learner}, ${design}: ${seeds.length} runs`);
      }
    }
  }, `stopping; every finished run is kept: go on with ${programName()} reward-design study ${name} --folder ${folder}`);
  const rows = summarizeDesigns(results).map(({ learner, design, mean, low, high, reached, seeds }) => [
    learner,
    design,
    // Nothing is known of how a single run varies.
    seeds === 1 ? mean.toFixed(0) : `${mean.toFixed(0)} [${low.toFixed(0)}, ${high.toFixed(0)}]`,
    `${reached} of ${seeds}`,
  ]);
  print(table(['learner', 'reward', 'mean episodes until optimal [95 % interval]', 'became optimal'], rows));
  const picture = join(folder, `${name}.svg`);
  replaceFile(picture, designStudySvg(title, results));
  print(`\nresults: ${file}\npicture: ${picture}`);
}

/** Draws the designed rewards of a run as its newest checkpoint has them. */
export async function rewardDesignMap(path: string, { output }: { readonly output?: string }): Promise<void> {
  await useModules([], readRunModules(path), path);
  const config = readRunConfig(path, registry);
  const { type } = config.reward;
  if (type === ORIGINAL_REWARD) {
    throw new InvalidArgumentError(`${path}: reward.type is ${ORIGINAL_REWARD}; expected a run with a designed reward`);
  }
  const environment = makeEnvironment(config, 'evaluation');
  if (!isTabular(environment)) {
    throw new InvalidArgumentError(
      `${path}: the states of ${config.game} are not known, so its rewards can't be drawn; expected a run on, for instance, navigation/room`,
    );
  }
  const { path: checkpoint, parts } = runFolderPaths(path).checkpoints.loadNewest();
  const file = output ?? join(runFolderPaths(path).rewardFolder, 'map.svg');
  const isPng = file.toLowerCase().endsWith('.png');
  if (!isPng && !file.toLowerCase().endsWith('.svg')) {
    throw new InvalidArgumentError(`--output is ${JSON.stringify(file)}; expected a name that ends with .svg or .png`);
  }
  const { panels, rowNames } = rewardMap(
    environment.mdp,
    environment.layout,
    designedRewards(environment, parts.reward ?? {}, bonusOf(config.reward)),
  );
  const svg = heatMapSvg(panels, { title: `${config.game}: rewards of ${String(type)}`, rowNames });
  if (output === undefined) makeFolder(runFolderPaths(path).rewardFolder);
  replaceFile(file, isPng ? await svgToPng(svg) : svg);
  print(`${checkpoint}\npicture: ${file}`);
}

/** Sizes of the bonus, where the design has one. */
function bonusOf({ bonusScale, largestBonus }: Readonly<Record<string, unknown>>) {
  return {
    ...(typeof bonusScale === 'number' ? { bonusScale } : {}),
    ...(typeof largestBonus === 'number' ? { largestBonus } : {}),
  };
}

/** A run that was killed may have left half a line: what is appended begins on one of its own. */
function endLine(file: string): void {
  try {
    if (existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'))) appendFileSync(file, '\n');
  } catch (cause) {
    throw storageError('write', file, cause);
  }
}

/** The results in a file, each run once. Lines that are none (a run that was killed may have left half a one) are told and left out: those runs are made again. */
function readResults(file: string): StudyResult[] {
  if (!existsSync(file)) return [];
  const results = new Map<string, StudyResult>();
  for (const [index, line] of new TextDecoder().decode(readBytes(file)).split('\n').entries()) {
    if (line === '') continue;
    const result = parseResult(line);
    const key = result && `${result.study} ${result.learner} ${result.design} ${result.seed}`;
    if (result === undefined) note(`${file}, line ${index + 1}, is no result: it is left out`);
    else if (results.has(key!)) note(`${file}, line ${index + 1}, is of a run that is there already: it is left out`);
    else results.set(key!, result);
  }
  return [...results.values()];
}

function parseResult(line: string): StudyResult | undefined {
  try {
    const result = JSON.parse(line) as StudyResult | null;
    if (result === null || typeof result.study !== 'string') return undefined;
    const isKnown = LEARNERS.includes(result.learner) && STUDY_DESIGNS.includes(result.design);
    const counts = [result.seed, result.maxEpisodes, ...(result.episodes === null ? [] : [result.episodes])];
    return isKnown && counts.every((count) => Number.isInteger(count)) ? result : undefined;
  } catch {
    return undefined;
  }
}
