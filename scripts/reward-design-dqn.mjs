// ExploRS with DQN on LineK without cells, against plain DQN: writes one line per evaluation of each run to docs/reward-design/dqn.jsonl. Runs that are there are
// left out, so it can be stopped and started again. One key is easy for DQN; with four, one of which opens the goal, a random agent hardly ever sees a reward
// (length and number of keys were chosen with seeds 21 to 24).
//   node --conditions=@moe-rl/source scripts/reward-design-dqn.mjs [seeds]
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, readMetricRows } from '../packages/runs/src/index.ts';
import { newRunConfig, trainInFolder } from '../packages/training/src/index.ts';

const folder = new URL('../docs/reward-design/', import.meta.url).pathname;
const file = join(folder, 'dqn.jsonl');
mkdirSync(folder, { recursive: true });
const seeds = Number(process.argv[2] ?? 10);
const TASKS = [
  { keys: 1, trainingAgentSteps: 6000 },
  { keys: 4, trainingAgentSteps: 24_000 },
];
const done = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];

for (const { keys, trainingAgentSteps } of TASKS) {
  for (let seed = 1; seed <= seeds; seed++) {
    for (const reward of ['original', 'explors']) {
      if (done.some((one) => one.keys === keys && one.reward === reward && one.seed === seed)) continue;
      const config = newRunConfig({
        options: {
          game: 'navigation/line-key-picks',
          preset: 'classic-control',
          seed,
          'reward.type': reward,
          trainingAgentSteps,
          evaluationEpisodes: 0,
        },
        set: [
          ['environment.keys', String(keys)],
          ['evaluation.periodAgentSteps', String(trainingAgentSteps / 10)],
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
      const session = await trainInFolder(run, {
        isResume: false,
        signal,
        say: () => {},
        output: { write: () => true },
      });
      session.dispose();
      run.unlock();
      const rows = readMetricRows(run.metricsFile).filter(({ values }) => 'evaluation/return' in values);
      const lines = rows.map(({ agentSteps, values }) =>
        JSON.stringify({ keys, reward, seed, agentSteps, return: values['evaluation/return'] }),
      );
      appendFileSync(file, lines.map((line) => `${line}\n`).join(''));
      console.log(
        `${keys} keys, ${reward}, seed ${seed}: ${rows.map(({ values }) => values['evaluation/return'].toFixed(1)).join(' ')}`,
      );
      rmSync(path, { recursive: true, force: true });
    }
  }
}
