// Simulations that worked examples quote take minutes: their repeats are recorded, one line each, by the study that makes them. What an example asks for
// beyond the record is run on the spot.
//
// `node --conditions=@moe-rl/source scripts/examples/simulations.mjs FILE` records what FILE asks for and is not there yet; it can be stopped and gone on with.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createRng } from '../../packages/core/src/index.ts';
import { studyByName } from '../../packages/moe-statistics/src/node.ts';

const RECORD = new URL('../../testdata/statistics/multinomial-simulation.jsonl', import.meta.url);
/** The same study as docs/statistics.md has it: more repeats at some sizes, of the total variation alone. */
const PUBLISHED = new URL('../../docs/statistics/density/results.jsonl', import.meta.url);

/** Examples' names of our settings. */
export const SETTINGS = { exact_regime1: 'exact', over_regime1: 'over', over_regime2_b0: 'degenerate' };

const study = studyByName('density');

/** One repeat of the density study: { totalVariation, voronoiLoss }. */
export function runRepeat(setting, size, repeat) {
  const key = `${setting}/${size}/${repeat}`;
  return study.run({ key, setting, size, repeat }, createRng(0, `statistics/density/${key}`));
}

const linesOf = (file) =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

/** The recorded repeats of a setting at a size that have a value, by their number. */
export function recordedRepeats(setting, size, value = 'voronoiLoss') {
  const published = linesOf(PUBLISHED).map(({ values, ...line }) => ({ ...line, ...values }));
  const byRepeat = new Map();
  for (const line of [...published, ...linesOf(RECORD)]) {
    if (line.setting === setting && line.size === size && line[value] !== undefined) byRepeat.set(line.repeat, line);
  }
  return [...byRepeat.values()].sort((a, b) => a.repeat - b.repeat);
}

/** What an example of the simulation asks for: [setting, size, repeats], cheapest first. */
export function repeatsAskedFor({ density_tv: density = {}, voronoi_loss: loss = {} }) {
  const sizes = Object.values(density).find((row) => Array.isArray(row.n))?.n ?? [];
  const ofDensity = Object.keys(density).flatMap((name) =>
    SETTINGS[name] === undefined ? [] : (density[name].n ?? sizes).map((n) => [SETTINGS[name], n, density.repeats]),
  );
  const ofLoss = Object.entries(loss).flatMap(([name, row]) => row.n.map((n) => [SETTINGS[name], n, row.repeats]));
  return [...ofDensity, ...ofLoss].sort((a, b) => a[1] - b[1]);
}

if (process.argv[1] === resolve(import.meta.filename)) {
  const examples = JSON.parse(readFileSync(resolve(process.env.INIT_CWD ?? process.cwd(), process.argv[2]), 'utf8'));
  const asked = repeatsAskedFor(examples.multinomial_moe_simulation);
  const most = Math.max(...asked.map(([, , repeats]) => repeats));
  // A few of everything before many of one.
  for (let repeat = 0; repeat < most; repeat++) {
    for (const [setting, size, repeats] of asked) {
      if (repeat >= repeats || recordedRepeats(setting, size).some((line) => line.repeat === repeat)) continue;
      appendFileSync(RECORD, `${JSON.stringify({ setting, size, repeat, ...runRepeat(setting, size, repeat) })}\n`);
    }
  }
}
