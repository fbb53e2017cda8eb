// How fast are the statistics of mixtures? EM of four quadratic experts on 100,000 samples, the choice among eight starts included: row `statistics/em-100000`, in
// seconds by the clock on one thread (peer: 10, what is allowed). And 40 repeats of the study `estimation` on two threads against the same on one: row
// `statistics/repeats-40`, in seconds by the clock, without the start of the threads on neither side.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRng } from '../packages/core/src/index.ts';
import { polynomialMixture } from '../packages/moe-statistics/src/index.ts';
import { runStudy } from '../packages/moe-statistics/src/node.ts';

const ALLOWED_SECONDS = 10;
const SAMPLES = 100_000;

/** @param {{ options: { quick?: boolean, log(text: string): void } }} config */
export async function run({ options }) {
  const { quick = false, log = () => {} } = options ?? {};
  const fits = Array.from({ length: quick ? 1 : 5 }, (_, seed) => fitOnce(seed)).sort((a, b) => a.seconds - b.seconds);
  const { seconds, iterations } = fits[fits.length >> 1];
  log(
    `statistics: EM with 4 experts of degree 2 on ${SAMPLES} samples: ${seconds.toFixed(2)} s, ${iterations} steps (median of ${fits.length})`,
  );
  const size = quick ? 1000 : 8000;
  const times = { 1: [], 2: [] };
  for (let turn = 0; turn < (quick ? 1 : 3); turn++)
    for (const workers of [1, 2]) times[workers].push(await repeats(size, workers));
  const [one, two] = [1, 2].map((workers) => times[workers].sort((a, b) => a - b)[times[workers].length >> 1]);
  log(`statistics: 40 repeats at n = ${size}: ${one.toFixed(2)} s on one thread, ${two.toFixed(2)} s on two`);
  return [
    { name: 'statistics/em-100000', ours: seconds, peer: ALLOWED_SECONDS, unit: 's', ratio: seconds / ALLOWED_SECONDS },
    { name: 'statistics/repeats-40', ours: two, peer: one, unit: 's', ratio: two / one },
  ];
}

function fitOnce(seed) {
  const rng = createRng(seed, 'benchmark');
  const x = Float64Array.from({ length: SAMPLES }, () => rng.nextFloat());
  const y = x.map((value) => Math.sin(2 * Math.PI * value) + 0.3 * rng.nextNormal());
  const start = performance.now();
  const { convergence } = polynomialMixture.fit({ x, y }, { experts: 4, degree: 2, starts: 8, seed });
  return { seconds: (performance.now() - start) / 1000, iterations: convergence.iterations };
}

/** Seconds from the first finished repeat to the last one, scaled to all 40. */
async function repeats(size, workers) {
  const folder = mkdtempSync(join(tmpdir(), 'moe-rl-bench-'));
  try {
    let first;
    let last;
    const total = 40;
    // Four settings.
    await runStudy('estimation', {
      folder,
      workers,
      plan: [{ size, repeats: total / 4 }],
      onProgress(done) {
        if (done === workers) first = performance.now();
        last = performance.now();
      },
    });
    return ((last - first) / 1000) * (total / (total - workers));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
