// ExploRS with DQN on LineK without cells, against plain DQN: writes one line per evaluation of each run to docs/reward-design/dqn.jsonl. Runs that are there are
// left out, so it can be stopped and started again.
//   node --conditions=@moe-rl/source scripts/reward-design-dqn.mjs [seeds] [reward]
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, readMetricRows } from '../packages/runs/src/index.ts';
import { newRunConfig, trainInFolder } from '../packages/training/src/index.ts';

const folder = new URL('../docs/reward-design/', import.meta.url).pathname;
const file = join(folder, 'dqn.jsonl');
mkdirSync(folder, { recursive: true });
const seeds = Number(process.argv[2] ?? 5);
const rewards = process.argv[3] === undefined ? ['original', 'explors'] : [process.argv[3]];
const done = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];

for (let seed = 1; seed <= seeds; seed++) {
  for (const reward of rewards) {
    if (done.some((one) => one.reward === reward && one.seed === seed)) continue;
    const config = newRunConfig({
      options: {
        game: 'navigation/line-key-picks',
        preset: 'classic-control',
        seed,
        'reward.type': reward,
        trainingAgentSteps: 6000,
        evaluationEpisodes: 0,
      },
      set: [
        ['evaluation.periodAgentSteps', '600'],
        ['evaluation.episodes', '3'],
        ['network.encoder.hiddenUnits', '64'],
        ['agent.batchSize', '32'],
        ['agent.epsilonTrain', '0.1'],
        ['replay.capacity', '10000'],
        ['threads', '1'],
        ...(reward === 'original' ? [] : [['reward.hiddenUnits', '64']]),
      ],
    });
    const path = mkdtempSync(join(tmpdir(), 'moe-rl-dqn-'));
    const run = createRunFolder(join(path, 'run'), config);
    const { signal } = new AbortController();
    const session = await trainInFolder(run, { isResume: false, signal, say: () => {}, output: { write: () => true } });
    session.dispose();
    run.unlock();
    const rows = readMetricRows(run.metricsFile).filter(({ values }) => 'evaluation/return' in values);
    const lines = rows.map(({ agentSteps, values }) =>
      JSON.stringify({ reward, seed, agentSteps, return: values['evaluation/return'] }),
    );
    appendFileSync(file, lines.map((line) => `${line}\n`).join(''));
    console.log(
      `${reward}, seed ${seed}: ${rows.map(({ values }) => values['evaluation/return'].toFixed(1)).join(' ')}`,
    );
    rmSync(path, { recursive: true, force: true });
  }
}
