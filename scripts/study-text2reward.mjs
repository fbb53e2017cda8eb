// Does a reward program shorten learning? Trains on the embedded game with its own reward and with a program, seed by seed, through the command line.
//   node --conditions=@moe-rl/source scripts/study-text2reward.mjs [--seeds 3] [--agent-steps 5000]
// Appends a line per run to docs/text2reward/results.jsonl; runs that have one are left out, so that it can be stopped and gone on with.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '3' }, 'agent-steps': { type: 'string', default: '5000' } },
});
const agentSteps = Number(values['agent-steps']);
const folder = new URL('../docs/text2reward/', import.meta.url);
const results = new URL('results.jsonl', folder);
const trainer = fileURLToPath(new URL('../apps/trainer/src/bin.ts', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'moe-rl-text2reward-'));
const cli = (...args) => {
  const result = spawnSync(
    process.execPath,
    ['--conditions=@moe-rl/source', '--disable-warning=ExperimentalWarning', trainer, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (result.status !== 0) throw new Error(`moe-rl ${args.join(' ')}: ${result.stderr.slice(-2000)}`);
  return result.stdout;
};

/** A quarter of the quickstart's width, half its batch: minutes on two cores for all runs. */
const SETTINGS = [
  ...['network.encoder.widthScale=0.25', 'network.moe.expertHiddenUnits=64', 'agent.batchSize=16'],
  ...[
    'agent.epsilonDecayPeriodAgentSteps=2500',
    'agent.minReplayHistoryAgentSteps=500',
    'statistics.periodUpdates=100000',
  ],
  ...['evaluation.periodAgentSteps=500', 'evaluation.episodes=5', 'evaluation.maxEpisodeAgentSteps=600'],
  ...['evaluationEpisodes=0', 'logPeriodAgentSteps=500', 'checkpointPeriodAgentSteps=1000000'],
].flatMap((setting) => ['--set', setting]);

try {
  const goal = 'Catch every fruit in the basket.';
  cli(
    'reward',
    'write',
    '--game',
    'windfall',
    '--goal',
    goal,
    '--folder',
    join(work, 'reward'),
    '--replies',
    fileURLToPath(new URL('replies.json', folder)),
  );
  const rewards = {
    original: [],
    text2reward: ['--reward', 'text2reward', '--set', `reward.program=${join(work, 'reward/program-1.js')}`],
  };
  const done = existsSync(results)
    ? readFileSync(results, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    for (const [reward, options] of Object.entries(rewards)) {
      if (done.some((line) => line.reward === reward && line.seed === seed && line.agentSteps === agentSteps)) continue;
      const run = join(work, `${reward}-${seed}`);
      const start = Date.now();
      cli(
        'train',
        '--game',
        'windfall',
        '--preset',
        'quickstart',
        '--agent-steps',
        String(agentSteps),
        '--seed',
        String(seed),
        '--run-folder',
        run,
        ...SETTINGS,
        ...options,
      );
      const rows = readFileSync(join(run, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const curve = rows
        .filter((row) => 'evaluation/return' in (row.values ?? row))
        .map((row) => [row.agentSteps, (row.values ?? row)['evaluation/return']]);
      appendFileSync(
        results,
        `${JSON.stringify({ reward, seed, agentSteps, curve, seconds: Math.round((Date.now() - start) / 1000) })}\n`,
      );
      console.log(`${reward}, seed ${seed}: ${curve.map(([, value]) => value).join(' ')}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
