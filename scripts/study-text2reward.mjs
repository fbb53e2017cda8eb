// Does a reward program shorten learning? Trains a small network on what the embedded game's RAM says of basket and fruit, with the game's own reward, with a
// program and with the refined one, seed by seed.
//   node --conditions=@moe-rl/source scripts/study-text2reward.mjs [--seeds 10] [--first-seed 101] [--agent-steps 4000] [--period 200] [--episodes 3] [--runs N]
// The measures were chosen before these seeds were run: the mean return over all evaluations, and the agent steps to the first one of 10 or more.
// Appends a line per run to docs/text2reward/results.jsonl; runs that have one are left out, so that it can be stopped and gone on with. --runs: at most so many now.
// --results FILE: another file.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createAgent } from '../packages/agents/src/index.ts';
import { makeAtari } from '../packages/ale-env/src/index.ts';
import { rewardedBy, runLoop } from '../packages/core/src/index.ts';
import { evaluateAgent } from '../packages/runs/src/index.ts';
import {
  createProgramReward,
  findDescription,
  recordedReplies,
  refineReward,
  writeReward,
} from '../packages/text2reward/src/index.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    'first-seed': { type: 'string', default: '101' },
    'agent-steps': { type: 'string', default: '4000' },
    period: { type: 'string', default: '200' },
    episodes: { type: 'string', default: '3' },
    runs: { type: 'string', default: '1000' },
    results: { type: 'string' },
  },
});
const agentSteps = Number(values['agent-steps']);
const evaluationPeriod = Number(values.period);
const episodes = Number(values.episodes);
const folder = new URL('../docs/text2reward/', import.meta.url);
const results = values.results ?? new URL('results.jsonl', folder);

/** DQN with a perceptron; what is not said is the preset's. */
const OVERRIDES = {
  'network.encoder.hiddenUnits': [128],
  'agent.batchSize': 32,
  'agent.discountFactor': 0.97,
  'agent.updateHorizon': 3,
  'agent.updatePeriodAgentSteps': 2,
  'agent.epsilonTrain': 0.05,
  'replay.capacity': 20_000,
};

/** The embedded game, seen as four numbers instead of pixels: place of the basket, place and height of the fruit, whether one falls. */
function makeFieldsEnvironment() {
  const game = makeAtari({ game: 'windfall', repeatActionProbability: 0, terminalOnLifeLoss: false });
  const observe = () => {
    const ram = game.ram();
    return Float32Array.of(ram[0x03] / 128, ram[0x04] / 128, ram[0x05] / 57, ram[0x08] === 0 ? 1 : 0);
  };
  return {
    id: game.id,
    actionCount: game.actionCount,
    actionCodes: game.actionCodes,
    observationSpec: { frameShape: [4], stackSize: 1, dtype: 'float32' },
    ram: () => game.ram(),
    reset: (options) => ({ ...game.reset(options), observation: observe() }),
    step: (action) => ({ ...game.step(action), observation: observe() }),
  };
}

const description = findDescription('windfall');
const model = recordedReplies(JSON.parse(readFileSync(new URL('replies.json', folder), 'utf8')));
const { goal, seen, advice } = JSON.parse(readFileSync(new URL('words.json', folder), 'utf8'));
const request = { model, description, environment: makeFieldsEnvironment(), checkAgentSteps: 100 };
const written = await writeReward({ ...request, goal });
const refined = await refineReward({ ...request, messages: written.messages, seen, advice });
const PROGRAMS = { original: undefined, text2reward: written.source, refined: refined.source };
await loadBackend({ backend: 'auto' });

async function train(reward, seed) {
  const environment = makeFieldsEnvironment();
  const agent = await createAgent('classic-control', { environment, seed, overrides: OVERRIDES });
  const source = PROGRAMS[reward];
  const design = source === undefined ? undefined : await createProgramReward({ source, description, environment });
  const curve = [];
  let step = 0;
  for await (const _ of runLoop({
    environment,
    agent: design === undefined ? agent : rewardedBy(design, agent),
    seed,
  })) {
    if (++step % evaluationPeriod === 0) {
      const { mean } = await evaluateAgent({
        agent,
        environment: makeFieldsEnvironment(),
        episodes,
        seed: 1_000_000 + seed,
        maxEpisodeAgentSteps: 600,
      });
      curve.push([step, mean]);
    }
    if (step >= agentSteps) break;
  }
  agent.dispose();
  design?.dispose?.();
  return curve;
}

const done = existsSync(results)
  ? readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : [];
let runs = 0;
const first = Number(values['first-seed']);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  for (const reward of Object.keys(PROGRAMS)) {
    if (done.some((line) => line.reward === reward && line.seed === seed && line.agentSteps === agentSteps)) continue;
    if (++runs > Number(values.runs)) process.exit(0);
    const curve = await train(reward, seed);
    appendFileSync(results, `${JSON.stringify({ reward, seed, agentSteps, episodes, curve })}\n`);
    console.log(`${reward}, seed ${seed}: ${curve.map(([, value]) => value).join(' ')}`);
  }
}
process.exit(0);
