// Trains and evaluates what docs/error-correction.md compares, as `moe-rl error-correction train` and `evaluate` do, and writes one line per run to
// docs/error-correction/results.jsonl. Stopped and started again, it goes on. The updates on plans are the same for all variants without a mixture and are made
// once. `--seeds 1,2` and `--variants plans,e2cl,soft` choose.
//   node --conditions=@moe-rl/source scripts/study-error-correction.mjs [--folder runs/error-correction-study]
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    seeds: { type: 'string', default: '1,2,3' },
    variants: { type: 'string', default: 'plans,e2cl' },
    arrangements: { type: 'string', default: '2' },
  },
});
const mixture = { type: 'soft', experts: 4, hiddenSize: DEFAULT_SETTINGS.network.hiddenSize };
const VARIANTS = {
  plans: { plansOnly: true },
  e2cl: {},
  soft: { network: { ...DEFAULT_SETTINGS.network, mixture } },
};
const docs = new URL('../docs/error-correction/', import.meta.url);
const results = new URL('results.jsonl', docs);
mkdirSync(docs, { recursive: true });
const readLines = () =>
  existsSync(results) ? readFileSync(results, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];

await loadBackend({ threads: 1 });
for (const seed of values.seeds.split(',').map(Number)) {
  for (const variant of values.variants.split(',')) {
    if (!(variant in VARIANTS))
      throw new Error(`--variants has ${variant}; expected ${Object.keys(VARIANTS).join(', ')}`);
    if (readLines().some((line) => line.variant === variant && line.seed === seed)) continue;
    const folder = join(values.folder, `${variant}-s${seed}`);
    const settings = { ...VARIANTS[variant], seed };
    if (variant !== 'soft' && savedUpdates(folder) === 0) {
      const pretrained = await pretrain(seed);
      mkdirSync(folder, { recursive: true });
      for (const file of ['policy.safetensors', 'cost.json']) copyFileSync(join(pretrained, file), join(folder, file));
    }
    await train({ folder, settings, onProgress: say(`${variant}, seed ${seed}`) });
    const { policy, settings: used } = await openPolicy(folder);
    const { processorSeconds } = JSON.parse(readFileSync(join(folder, 'cost.json'), 'utf8'));
    const { results: measured, ...evaluation } = await evaluateRoles(policy.roles, {
      arrangements: Number(values.arrangements),
      // Who was trained on plans alone can't foresee anything.
      inferences: variant === 'plans' ? ['plain'] : ['plain', 'speculative'],
    });
    policy.dispose();
    const rows = measured.map(({ episodes, ...row }) => ({ ...row, episodes: episodes.length }));
    addLine({ variant, seed, settings: used, processorSeconds, evaluation, results: rows });
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
  const { planUpdates } = DEFAULT_SETTINGS;
  if (savedUpdates(folder) >= planUpdates) return folder;
  const controller = new AbortController();
  const print = say(`plans, seed ${seed}`);
  await train({
    folder,
    settings: { seed, plansOnly: true },
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
