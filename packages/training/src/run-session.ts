// A whole run in its folder: sets everything up, trains, and at the end evaluates, draws the curve and writes summary.json.
import { existsSync } from 'node:fs';
import type { Agent, Environment } from '@moe-rl/core';
import { createRandomAgent } from '@moe-rl/core';
import { replaceFile } from '@moe-rl/core/node';
import { learningCurveSvg, svgToPng } from '@moe-rl/figures';
import type { BatchMember, EvaluationOutput, ProgressOutput, RunFolder, Session, TrainRunOptions } from '@moe-rl/runs';
import {
  agentKindOf,
  duration,
  evaluateVisibly,
  meanText,
  number,
  openSinks,
  readBatchStretches,
  readMetricRows,
  type TrainRunOutput,
  table,
  trainRun,
} from '@moe-rl/runs';
import { keepBackend, openOnKeptBackend } from './backends/kept-backend.ts';
import { humanNormalizedScore } from './evaluation/human-scores.ts';
import { makeEnvironment } from './games.ts';
import { createRecorder } from './offline/recorder.ts';
import { registry } from './registry.ts';
import { openSession } from './session.ts';

/** Seeds of evaluation episodes are far from those of training. */
const EVALUATION_SEED_OFFSET = 1_000_000;
/** Seeds of runs and of environments are below this. */
const SEED_COUNT = 2 ** 31;

export interface TrainedSession extends Session {
  readonly output: TrainRunOutput;
}

export interface TrainInFolderOptions {
  readonly isResume: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Where progress goes. Default: standard error. */
  readonly output?: ProgressOutput;
  /** Sinks beside those that the configuration turns on. */
  readonly sinks?: TrainRunOptions['sinks'];
  readonly freshReplay?: boolean;
  /** The run's place in a batch, with the seeds of all its runs. Default: it is computed alone. */
  readonly member?: BatchMember & { readonly seeds: readonly number[] };
  readonly wantsCheckpoint?: () => boolean;
}

/**
 * Trains in `folder`. The caller disposes what comes back. A start that fails before the first step takes its folder back, a resume what it changed in the
 * configuration.
 */
export async function trainInFolder(folder: RunFolder, options: TrainInFolderOptions): Promise<TrainedSession> {
  const { isResume, say, output = process.stderr, sinks, member, ...rest } = options;
  let session: Session | undefined;
  let hasBegun = false;
  try {
    session = await openOnKeptBackend(folder, isResume, say, (kept) => openSession(kept, say, isResume, member));
    for (const note of agentKindOf(folder.config, registry).notes?.(folder.config) ?? []) say(note);
    if (!isResume) keepBackend(folder, session.backendName);
    const { agent, environment, reward, replay, tensorCount, learnOffline, finalRows } = session;
    const { makeEvaluationEnvironment } = session;
    const recorder = recorderOf(folder, environment, isResume);
    const result = await trainRun({
      ...rest,
      onStep: () => {
        hasBegun = true;
      },
      folder,
      agent,
      environment,
      makeEvaluationEnvironment,
      isResume,
      output,
      sinks: { ...openSinks(folder, registry), ...sinks },
      ...(reward === undefined ? {} : { reward }),
      ...(replay === undefined ? {} : { replay }),
      ...(tensorCount === undefined ? {} : { tensorCount }),
      ...(learnOffline === undefined ? {} : { learnOffline }),
      ...(finalRows === undefined ? {} : { finalRows }),
      ...(recorder === undefined ? {} : { recorder }),
      ...(member === undefined ? {} : { batch: { size: member.batch.size, place: member.place, seeds: member.seeds } }),
    });
    return { ...session, output: result };
  } catch (error) {
    session?.dispose();
    // What the run asked for is settled by a step: until then a new run leaves no folder, and one that was to go on its configuration as it was.
    if (!hasBegun && (isResume || folder.checkpoints.list().length === 0)) folder.discard();
    throw error;
  }
}

function recorderOf({ config }: RunFolder, { observationSpec, actionCount }: Environment, isResume: boolean) {
  const { recordFolder } = config.dataset;
  if (recordFolder === null) return undefined;
  const { game, preset, seed } = config;
  const notes = { game, preset, seed };
  return createRecorder({ folder: recordFolder, observationSpec, actionCount, notes, isResume });
}

/** The parts of a summary that describe an evaluation. */
export type EvaluationSummary = Omit<EvaluationOutput, 'agentSteps' | 'isComplete'>;

/** Both agents' evaluations, as a summary keeps them. */
export interface EvaluationPair {
  readonly trained: EvaluationSummary;
  readonly random: EvaluationSummary;
}

/** Evaluates the trained and the random agent, draws the curve and writes summary.json; returns the closing table. */
export async function finishRun(
  folder: RunFolder,
  session: TrainedSession,
  signal: AbortSignal,
  say: (line: string) => void,
  output: ProgressOutput = process.stderr,
): Promise<string> {
  const { config } = folder;
  const evaluation =
    config.evaluationEpisodes === 0 ? undefined : await evaluateBoth(folder, session, signal, say, output);
  const normalized = evaluation === undefined ? undefined : humanNormalizedScore(config.game, evaluation.trained.mean);
  const summary = {
    formatVersion: 1,
    game: config.game,
    preset: config.preset,
    seed: config.seed,
    reward: config.reward.type!,
    backend: session.backendName ?? null,
    batch: readBatchStretches(folder.path),
    training: session.output,
    evaluation: evaluation ?? null,
    humanNormalizedScore: normalized ?? null,
  };
  replaceFile(folder.summaryFile, `${JSON.stringify(summary, null, 2)}\n`);
  await drawCurve(folder, evaluation);
  return closingText(folder, session.output, evaluation, normalized);
}

async function evaluateBoth(
  folder: RunFolder,
  session: TrainedSession,
  signal: AbortSignal,
  say: (line: string) => void,
  output: ProgressOutput,
) {
  const { config } = folder;
  const episodes = config.evaluationEpisodes;
  const seed = (config.seed + EVALUATION_SEED_OFFSET) % SEED_COUNT;
  const run = async (name: string, agentFor: (environment: Environment) => Agent) => {
    say(`evaluating the ${name} agent: ${episodes} episodes`);
    const environment = makeEnvironment(config, 'evaluation');
    try {
      const agent = agentFor(environment);
      const {
        agentSteps: _,
        isComplete,
        ...summary
      } = await evaluateVisibly({
        name,
        agent,
        environment,
        episodes,
        seed,
        signal,
        output,
      });
      if (!isComplete) signal.throwIfAborted();
      return summary;
    } finally {
      environment.close?.();
    }
  };
  const trained = await run('trained', () => session.agent);
  const random = await run('random', ({ actionCount }) => createRandomAgent(actionCount, seed));
  return { trained, random };
}

/**
 * Draws the learning curve of the metrics so far and returns the files written.
 * @param files names that end with .svg or .png; default: learning-curve.svg and .png in the run folder
 */
export async function drawCurve(
  folder: Pick<RunFolder, 'config' | 'metricsFile' | 'curveSvgFile' | 'curvePngFile'>,
  evaluation?: EvaluationPair,
  files: readonly string[] = [folder.curveSvgFile, folder.curvePngFile],
): Promise<readonly string[]> {
  const { game, preset, seed } = folder.config;
  const svg = learningCurveSvg({
    title: `${game}: ${preset}, seed ${seed}`,
    rows: existsSync(folder.metricsFile) ? readMetricRows(folder.metricsFile) : [],
    references:
      evaluation === undefined
        ? []
        : [
            { label: 'evaluation', value: evaluation.trained.mean, color: '#1d8a4a' },
            { label: 'random agent', value: evaluation.random.mean, color: '#b3471d' },
          ],
  });
  for (const file of files) replaceFile(file, file.toLowerCase().endsWith('.png') ? await svgToPng(svg) : svg);
  return files;
}

function closingText(
  folder: RunFolder,
  output: TrainRunOutput,
  evaluation: EvaluationPair | undefined,
  normalized: number | undefined,
): string {
  const lines = [
    '',
    `${folder.config.game}, ${folder.config.preset}, seed ${folder.config.seed}: ${output.agentSteps} agent steps, ${output.updates} updates, ${output.episodes} episodes in ${duration(output.elapsedSeconds)}`,
  ];
  if (evaluation !== undefined) {
    const row = (name: string, summary: EvaluationSummary): string[] => [
      name,
      meanText(summary),
      number(summary.median),
      number(summary.minimum),
      number(summary.maximum),
      String(summary.episodes),
    ];
    const head = ['agent', 'mean return ± standard error', 'median', 'lowest', 'highest', 'episodes'];
    lines.push('', table(head, [row('trained', evaluation.trained), row('random', evaluation.random)]));
  }
  if (normalized !== undefined) lines.push('', `human-normalized score: ${number(normalized)} (0 = random, 1 = human)`);
  lines.push(
    '',
    `run folder: ${folder.path} (summary.json, metrics.jsonl, events/, learning-curve.svg and .png, checkpoints/)`,
  );
  return lines.join('\n');
}
