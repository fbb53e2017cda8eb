// `node --conditions=@moe-rl/source scripts/router-runs.mjs`: trains one agent with each router on MinAtar Breakout through the program itself, reads what the runs
// logged, checks that it is plausible, and writes docs/routers/runs.md. A run that is there already is not made again.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mixtureTypes } from '../packages/moe-core/src/index.ts';
import '../packages/agents/src/index.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const folder = resolve(process.argv[2] ?? join(root, 'runs/routers'));
const STEPS = 3000;
const SETTINGS = [
  'agent.minReplayHistoryAgentSteps=500',
  'agent.epsilonDecayPeriodAgentSteps=2000',
  'agent.targetUpdatePeriodAgentSteps=200',
  'statistics.periodUpdates=100',
  'replay.capacity=10000',
  'evaluationEpisodes=0',
  'logPeriodAgentSteps=500',
  'network.moe.experts=4',
  'network.moe.expertHiddenUnits=64',
];
/** Courses of training that fit into the run. */
const OWN = {
  'dense-to-sparse': ['network.moe.router.sharedUpdates=100', 'network.moe.router.temperatureUpdates=400'],
  stable: ['network.moe.router.distillationUpdates=300'],
  deepseek: ['network.moe.router.k=2'],
};

mkdirSync(folder, { recursive: true });
const rows = [];
let problems = 0;
for (const type of mixtureTypes()) {
  const path = join(folder, type);
  if (!existsSync(join(path, 'summary.json'))) {
    const set = [`network.moe.router.type=${type}`, ...SETTINGS, ...(OWN[type] ?? [])].flatMap((each) => [
      '--set',
      each,
    ]);
    const args = [
      'train',
      '--game',
      'minatar/breakout',
      '--preset',
      'dqn-impala',
      '--agent-steps',
      String(STEPS),
      '--seed',
      '1',
    ];
    execFileSync(
      process.execPath,
      ['--conditions=@moe-rl/source', join(root, 'apps/trainer/src/bin.ts'), ...args, '--run-folder', path, ...set],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
  }
  const metrics = readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = (tag) => metrics.findLast((row) => row[tag] !== undefined)?.[tag];
  const load = Array.from({ length: 4 }, (_, expert) => last(`expert/load/${expert}`));
  const sum = load.reduce((total, share) => total + share, 0);
  const dropped = last('router/droppedTokenFraction');
  if (!(Math.abs(sum - 1) < 1e-3) || !(dropped === undefined || (dropped >= 0 && dropped <= 1))) {
    problems++;
    console.error(`${type}: expert/load sums to ${sum}, dropped ${dropped}; expected 1 and a share`);
  }
  rows.push({
    type,
    load: load.map((share) => share.toFixed(2)).join(' '),
    dropped: dropped === undefined ? '-' : dropped.toFixed(2),
    entropy: (last('router/entropy') ?? last('router/combineEntropy')).toFixed(2),
    loss: last('train/loss').toPrecision(3),
    dormant: (100 * last('network/dormantFraction')).toFixed(0),
    speed: last('speed/agentStepsPerSecond').toFixed(0),
  });
}
writeFileSync(
  join(root, 'docs/routers/runs.md'),
  `# Every router in an agent

Written by \`scripts/router-runs.mjs\`, which trains one run per router through the program:

\`\`\`sh
npm run trainer -- train --game minatar/breakout --preset dqn-impala --agent-steps ${STEPS} --seed 1 --set network.moe.router.type=deepseek ...
\`\`\`

with 4 experts of 64 hidden units over 4 tokens, and learning from step 500 on. ${STEPS} agent steps show that a router trains and what it reports, not how well it plays.

| router | load of experts 0 to 3 | tokens dropped | entropy (nats) | loss | dormant neurons (%) | agent steps/s |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
${rows.map((row) => `| \`${row.type}\` | ${row.load} | ${row.dropped} | ${row.entropy} | ${row.loss} | ${row.dormant} | ${row.speed} |`).join('\n')}

The load is each expert's share of all choices (of the combine weight in Soft MoE) and sums to 1; the entropy is that of a token's router probabilities (of its combine weights in Soft MoE). Metrics are those of the last measurement, on a batch
from the replay memory, routed as in evaluation. Speeds were taken on a busy machine of two processors; \`base\` chooses on the host and runs eagerly.
`,
);
console.log(`\n${rows.length - problems} passed, ${problems} failed`);
process.exitCode = problems > 0 ? 1 : 0;
