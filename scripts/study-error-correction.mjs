// Trains and evaluates what docs/error-correction.md compares, as `moe-rl error-correction train` and `evaluate` do, and writes one line per run to
// docs/error-correction/results.jsonl. Stopped and started again, it goes on. The updates on plans are the same for all variants without a mixture and are made
// once. `--seeds 31,32` and `--variants plans,e2cl,soft` choose; `--set key=number` changes settings, `--results FILE` where lines go.
//   node --conditions=@moe-rl/source scripts/study-error-correction.mjs [--folder runs/error-correction-study]
// The settings are the defaults of `train`, chosen with other seeds on other households before these were run, for these reasons. Expert plans are few, one for
// each task, so that what the model finds out by itself can add something: with two plans for each of 600 tasks what exploration added did not show. The updates
// on plans alone are few, since a model that knows the plans by heart makes no errors along them; for the same reason proposals are drawn (`guidedProposals`).
// Most of an update's examples are feedback: it is what needs the most of them to be learned.
// 20 households per task, since 50 episodes of a policy tell its tasks done to some 7 points only.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  DEFAULT_SETTINGS,
  evaluateRoles,
  openPolicy,
  savedUpdates,
  train,
} from '../packages/error-correction/src/node.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/error-correction-study' },
    seeds: { type: 'string', default: '41,42,43,44,45,46,47,48' },
    set: { type: 'string', multiple: true, default: [] },
    results: { type: 'string' },
    variants: { type: 'string', default: 'plans,e2cl' },
    arrangements: { type: 'string', default: '20' },
  },
});
const mixture = { type: 'soft', experts: 4, hiddenSize: DEFAULT_SETTINGS.network.hiddenSize };
const SETTINGS = Object.fromEntries(values.set.map((text) => [text.split('=')[0], Number(text.split('=')[1])]));
const VARIANTS = {
  plans: { plansOnly: true },
  e2cl: {},
  soft: { network: { ...DEFAULT_SETTINGS.network, mixture } },
};
const docs = new URL('../docs/error-correction/', import.meta.url);
const results = values.results ?? new URL('results.jsonl', docs);
mkdirSync(docs, { recursive: true });
const arrangements = Number(values.arrangements);
const readLines = () =>
  existsSync(results) ? readFileSync(results, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];

await loadBackend({ threads: 1 });
for (const seed of values.seeds.split(',').map(Number)) {
  for (const variant of values.variants.split(',')) {
    if (!(variant in VARIANTS))
      throw new Error(`--variants has ${variant}; expected ${Object.keys(VARIANTS).join(', ')}`);
    const isOfRun = (line) =>
      line.variant === variant && line.seed === seed && line.evaluation.arrangements === arrangements;
    if (readLines().some(isOfRun)) continue;
    const folder = join(values.folder, `${variant}-s${seed}`);
    const settings = { ...SETTINGS, ...VARIANTS[variant], seed };
    if (variant !== 'soft' && savedUpdates(folder) === 0) {
      const pretrained = await pretrain(seed);
      mkdirSync(folder, { recursive: true });
      for (const file of ['policy.safetensors', 'cost.json']) copyFileSync(join(pretrained, file), join(folder, file));
    }
    await train({ folder, settings, onProgress: say(`${variant}, seed ${seed}`) });
    const { policy, settings: used } = await openPolicy(folder);
    const { processorSeconds } = JSON.parse(readFileSync(join(folder, 'cost.json'), 'utf8'));
    const { results: measured, ...evaluation } = await evaluateRoles(policy.roles, {
      arrangements,
      // Who was trained on plans alone can't foresee anything.
      inferences: variant === 'plans' ? ['plain'] : ['plain', 'speculative'],
    });
    policy.dispose();
    const rows = measured.map(({ episodes, ...row }) => ({ ...row, episodes: episodes.length }));
    addLine({
      variant,
      seed,
      settings: used,
      processorSeconds,
      exploration: explored(folder),
      evaluation,
      results: rows,
    });
    console.log(
      `${variant}, seed ${seed}:`,
      rows
        .map((row) => `${row.split} ${row.inference} ${row.stepExecutability.toFixed(3)} ${row.tasksDone.toFixed(3)}`)
        .join('; '),
    );
  }
}

/** The updates on plans, stopped where the variants part. */
async function pretrain(seed) {
  const folder = join(values.folder, `pretrained-s${seed}`);
  const { planUpdates } = { ...DEFAULT_SETTINGS, ...SETTINGS };
  if (savedUpdates(folder) >= planUpdates) return folder;
  const controller = new AbortController();
  const print = say(`plans, seed ${seed}`);
  await train({
    folder,
    settings: { ...SETTINGS, seed, plansOnly: true },
    signal: controller.signal,
    onProgress: (progress) => {
      print(progress);
      if (progress.kind === 'updates' && progress.update >= planUpdates) controller.abort();
    },
  });
  if (savedUpdates(folder) !== planUpdates)
    throw new Error(`${folder} has ${savedUpdates(folder)} updates; expected ${planUpdates}`);
  return folder;
}

/** What each round of exploration found: examples of feedback, those of errors among them, corrections. */
function explored(folder) {
  const rounds = readdirSync(folder).filter((name) => /^exploration-\d+\.jsonl$/.test(name));
  return rounds.map((name) => {
    const examples = readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean).map(JSON.parse);
    const judged = examples.filter(({ role }) => role === 'judge');
    const errors = judged.filter(({ answer }) => answer.startsWith('Error')).length;
    return { feedback: judged.length, errors, corrections: examples.length - judged.length };
  });
}

function say(name) {
  return (progress) => console.log(new Date().toISOString().slice(11, 19), name, JSON.stringify(progress));
}

/** Adds a line, in the order of variants and seeds. */
function addLine(line) {
  const lines = [...readLines(), line].sort(
    (a, b) => Object.keys(VARIANTS).indexOf(a.variant) - Object.keys(VARIANTS).indexOf(b.variant) || a.seed - b.seed,
  );
  writeFileSync(results, lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
}
