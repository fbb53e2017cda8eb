// Other people's results, to be drawn beside ours: Dopamine's published curves, the table of them, and score matrices as rliable takes them.
import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { CorruptDataError, InvalidArgumentError } from '@moe-rl/core';
import { readBytes, readJson } from '@moe-rl/core/node';
import { canonicalGameName } from '@moe-rl/evaluation';
import type { ScorePoint } from './results.ts';

/** Curves of one agent that others published: per game (canonical name) one curve per run. */
export interface Overlay {
  readonly label: string;
  readonly games: ReadonlyMap<string, readonly (readonly ScorePoint[])[]>;
}

/** Agent steps of one of Dopamine's iterations. */
const ITERATION_AGENT_STEPS = 250_000;
/** Frames of an agent step. */
const FRAME_SKIP = 4;

/**
 * Reads overlays from a file or a folder:
 * a folder of Dopamine's `baselines/atari/data` (`pong.json`, `pong_CNN.json`, `pong_Impala.json`, ...) or one such file;
 * a CSV table `game,net,agent,runs,ret@1M,...` (frames) made of them;
 * a JSON file as rliable's examples hold them: `{"games": [...], "scores": {"DQN": [[run 1: game 1, game 2, ...], ...]}}`, or `[run][game][point]` with `"frames": [...]`.
 * @throws InvalidArgumentError for a file of another form, CorruptDataError for a row that can't be read
 */
export function readOverlays(path: string): readonly Overlay[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    const files = readdirSync(path).filter((name) => name.endsWith('.json') && !name.endsWith('.vg.json'));
    if (files.length === 0) throw new InvalidArgumentError(`${path} has no .json file of Dopamine's baselines`);
    return merged(files.sort().flatMap((name) => dopamineCurves(join(path, name))));
  }
  if (extname(path) === '.csv') return csvTable(path);
  const content = readJson(path);
  if (Array.isArray(content)) return merged(dopamineCurves(path, content));
  if (isScoreFile(content)) return scoreMatrices(path, content);
  throw new InvalidArgumentError(
    `${path} is neither a file of Dopamine's baselines (a list of {Agent, Iteration, Value}) nor scores ({games, scores})`,
  );
}

/** One file of Dopamine's: the runs of an iteration follow each other, in the same order each time. */
function dopamineCurves(path: string, content: unknown = readJson(path)): Overlay[] {
  const [game = '', net = 'legacy'] = basename(path, '.json').split('_');
  if (!Array.isArray(content)) throw new InvalidArgumentError(`${path}: expected a list of {Agent, Iteration, Value}`);
  const agents = new Map<string, ScorePoint[][]>();
  const seen = new Map<string, number>();
  content.forEach((row: Record<string, unknown>, index) => {
    const { Agent: agent, Iteration: iteration, Value: value } = row;
    if (typeof agent !== 'string' || typeof iteration !== 'number' || typeof value !== 'number') {
      throw new CorruptDataError(
        `${path}, entry ${index}: expected {Agent, Iteration, Value}, got ${JSON.stringify(row)}`,
      );
    }
    const key = `${agent} ${iteration}`;
    const run = seen.get(key) ?? 0;
    seen.set(key, run + 1);
    const runs = agents.get(agent) ?? [];
    agents.set(agent, runs);
    runs[run] ??= [];
    runs[run].push({ agentSteps: (iteration + 1) * ITERATION_AGENT_STEPS, value });
  });
  return [...agents].map(([agent, runs]) => ({
    label: `${agent}, ${net} (Dopamine)`,
    games: new Map([[canonicalGameName(game), runs]]),
  }));
}

/** The table that summarizes those files: a mean curve of few points per game, network and agent. */
function csvTable(path: string): Overlay[] {
  const [head = '', ...lines] = new TextDecoder().decode(readBytes(path)).trim().split(/\r?\n/);
  const columns = head.split(',');
  const points = columns.flatMap((column, index) => {
    const millions = /^ret@(\d+)M$/.exec(column)?.[1];
    return millions === undefined ? [] : [{ index, agentSteps: (Number(millions) * 1e6) / FRAME_SKIP }];
  });
  const [game, net, agent] = ['game', 'net', 'agent'].map((name) => columns.indexOf(name)) as [number, number, number];
  if (game < 0 || net < 0 || agent < 0 || points.length === 0) {
    throw new InvalidArgumentError(`${path}: expected the columns game, net, agent, ret@1M, ...; got ${head}`);
  }
  return merged(
    lines.map((line, row) => {
      const cells = line.split(',');
      if (cells.length !== columns.length) {
        throw new CorruptDataError(`${path}, line ${row + 2}: ${cells.length} cells; expected ${columns.length}`);
      }
      const curve = points.flatMap(({ index, agentSteps }) => {
        if (cells[index] === '') return [];
        const value = Number(cells[index]);
        if (!Number.isFinite(value)) {
          const place = `${path}, line ${row + 2}, ${columns[index]}`;
          throw new CorruptDataError(`${place}: ${JSON.stringify(cells[index])}; expected a finite number`);
        }
        return [{ agentSteps, value }];
      });
      return {
        label: `${cells[agent]}, ${cells[net]} (Dopamine)`,
        games: new Map([[canonicalGameName(cells[game]!), [curve]]]),
      };
    }),
  );
}

interface ScoreFile {
  readonly games: readonly string[];
  readonly scores: Readonly<Record<string, readonly (readonly (number | readonly number[])[])[]>>;
  readonly frames?: readonly number[];
}

function isScoreFile(content: unknown): content is ScoreFile {
  const { games, scores } = (content ?? {}) as Partial<ScoreFile>;
  return Array.isArray(games) && typeof scores === 'object' && scores !== null;
}

function scoreMatrices(path: string, { games, scores, frames }: ScoreFile): Overlay[] {
  if (frames !== undefined && !(Array.isArray(frames) && frames.every((frame) => Number.isFinite(frame)))) {
    throw new CorruptDataError(`${path}: frames is ${JSON.stringify(frames)}; expected a list of finite numbers`);
  }
  const names = games.map(canonicalGameName);
  const twice = games.find((_, index) => names.indexOf(names[index]!) !== index);
  if (twice !== undefined) throw new CorruptDataError(`${path}: games has ${twice} twice; expected each once`);
  return Object.entries(scores).map(([label, runs]) => {
    const curves = new Map<string, ScorePoint[][]>(games.map((game) => [canonicalGameName(game), []]));
    if (!Array.isArray(runs)) throw new CorruptDataError(`${path}, ${label}: expected a list of runs`);
    runs.forEach((row, run) => {
      if (!Array.isArray(row)) throw new CorruptDataError(`${path}, ${label}, run ${run}: expected a list of games`);
      if (row.length !== games.length) {
        throw new CorruptDataError(`${path}, ${label}, run ${run}: ${row.length} games; expected ${games.length}`);
      }
      row.forEach((cell, game) => {
        const values = Array.isArray(cell) ? cell : [cell];
        const bad = values.find((value) => !Number.isFinite(value));
        if (bad !== undefined) {
          throw new CorruptDataError(
            `${path}, ${label}, run ${run}, ${games[game]}: ${JSON.stringify(bad)}; expected finite numbers`,
          );
        }
        const expected = frames?.length ?? 1;
        if (values.length !== expected) {
          throw new CorruptDataError(
            `${path}, ${label}, run ${run}: ${values.length} points; expected ${expected}${frames === undefined ? ', or frames beside games and scores' : ''}`,
          );
        }
        curves.get(canonicalGameName(games[game]!))!.push(
          // Without frames a score stands for the end, wherever that is.
          values.map((value, point) => ({
            agentSteps: frames === undefined ? Number.POSITIVE_INFINITY : frames[point]! / FRAME_SKIP,
            value,
          })),
        );
      });
    });
    return { label, games: curves };
  });
}

/** Puts the games of one agent together. */
function merged(overlays: readonly Overlay[]): Overlay[] {
  const byLabel = new Map<string, Map<string, readonly (readonly ScorePoint[])[]>>();
  for (const { label, games } of overlays) {
    const all = byLabel.get(label) ?? new Map();
    byLabel.set(label, all);
    for (const [game, curves] of games) all.set(game, curves);
  }
  return [...byLabel].map(([label, games]) => ({ label, games }));
}
