// Differential fuzz against ALE: random programs as cartridges of every scheme, and random play of real games with modes, difficulties, resets, saved
// states and RAM pokes; after every operation RAM, screen, reward, lives and end are compared.
// `node --conditions=@moe-rl/source scripts/fuzz-ale.mjs [--seconds N] [--seed S] [--cases N] [--only game|program]`. Needs Node 24 and Python 3.
import { parseArgs } from 'node:util';
import { GAMES } from '../src/games.ts';
import { AleProcess, alePython } from './fuzz/ale.mjs';
import { makeCase } from './fuzz/cases.mjs';
import { playOurs } from './fuzz/ours.mjs';
import { describeDifference, findDifference, shrink } from './fuzz/report.mjs';
import { loadRoms } from './roms.mjs';

const PROGRESS_SECONDS = 15;

function options() {
  const refuse = (message) => {
    console.error(`${message}\nusage: fuzz-ale [--seconds N] [--seed S] [--cases N] [--only game|program]`);
    process.exit(2);
  };
  let values;
  try {
    ({ values } = parseArgs({
      args: process.argv.slice(2).filter((argument) => argument !== '--'),
      options: {
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string' },
        cases: { type: 'string' },
        only: { type: 'string' },
      },
    }));
  } catch (error) {
    return refuse(error.message);
  }
  const integer = (name, text, most) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > most)
      refuse(`--${name} is ${JSON.stringify(text)}; expected an integer 0..${most}`);
    return value;
  };
  if (values.only !== undefined && !['game', 'program'].includes(values.only))
    refuse(`--only is ${JSON.stringify(values.only)}; expected "game" or "program"`);
  return {
    seconds: integer('seconds', values.seconds, 1e7),
    seed: values.seed === undefined ? Date.now() >>> 0 : integer('seed', values.seed, 2 ** 32 - 1),
    cases: values.cases === undefined ? Number.POSITIVE_INFINITY : integer('cases', values.cases, 1e9),
    only: values.only,
  };
}

const { seconds, seed, cases, only } = options();
let python;
try {
  python = alePython(console.log);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
const roms = loadRoms(GAMES);
if (roms.size === 0) console.log('there are no ROMs of real games here: random programs only');
const ale = new AleProcess(python);
console.log(`seed ${seed}, ${Number.isFinite(cases) ? `${cases} cases` : `${seconds} seconds`}`);
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
let [played, rows, refused, lost, differences, nextReport] = [0, 0, 0, 0, 0, PROGRESS_SECONDS];

for (let index = 0; index < cases && (Number.isFinite(cases) || elapsed() < seconds); index++) {
  const fuzzCase = makeCase((seed + index) >>> 0, roms);
  if (only !== undefined && !fuzzCase.kind.startsWith(only)) continue;
  // ALE plays while we do.
  const theirs = ale.play(fuzzCase);
  let ours;
  try {
    ours = { rows: playOurs(fuzzCase) };
  } catch (error) {
    ours = { error: error.message };
  }
  const expected = await theirs;
  played++;
  if (expected.lost) {
    lost++;
    console.log(`case ${fuzzCase.seed} (${fuzzCase.kind}, ${fuzzCase.game}): left out, ALE ${expected.lost}`);
    continue;
  }
  if (expected.error && ours.error) refused++;
  rows += ours.rows?.length ?? 0;
  const difference = findDifference(ours, expected);
  if (difference) {
    differences++;
    const small = await shrink(fuzzCase, ale);
    console.log(await describeDifference(small, ale));
  }
  if (elapsed() > nextReport) {
    nextReport += PROGRESS_SECONDS;
    console.log(`${Math.round(elapsed())} s: ${played} cases, ${rows} operations compared, ${differences} differences`);
  }
}
ale.close();
console.log(
  `${played} cases, ${rows} operations compared in ${Math.round(elapsed())} s${refused ? `, ${refused} refused by both` : ''}${lost ? `, ${lost} left out` : ''}`,
);
console.log(`${differences} differences`);
process.exitCode = differences > 0 ? 1 : 0;
