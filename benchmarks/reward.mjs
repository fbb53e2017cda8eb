// What does a reward program cost? A whole agent step (act, step, replay, learn) of the small network on minatar/breakout with a program for a reward against
// the same with the game's own: row `reward/minatar-breakout/program`, in ms of processor time an agent step, in turns that are summed; and the program's share of
// the step, by the clock within it: row `reward/minatar-breakout/share`, in per cent of the agent step (peer: 15, what is allowed).
import { createAgent } from '../packages/agents/src/index.ts';
import { rewardedBy, runLoop } from '../packages/core/src/index.ts';
import { createSmallEnvironment } from '../packages/small-environments/src/index.ts';
import { createProgramReward, findDescription } from '../packages/text2reward/src/index.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';

const GAME = 'minatar/breakout';
const ALLOWED_PERCENT = 15;
const BLOCK = 250;
/** Distances, an event and a list of a hundred cells, now and before: more than most programs ask for. */
const PROGRAM = `
const distance = (state) => Math.abs(state.ball.x - state.paddle.x);
const bricks = (state) => state.bricks.reduce((sum, brick) => sum + brick, 0);
function computeReward(env, action, previous) {
  if (env.terminated) return -1;
  const broken = Math.max(0, bricks(previous) - bricks(env));
  const nearer = env.ball.directionY > 0 ? 0.1 * (distance(previous) - distance(env)) : 0;
  return broken + nearer - (action === 'FIRE' ? 0.01 : 0);
}`;

/** @param {{ options: { quick?: boolean, log(text: string): void } }} config */
export async function run({ options }) {
  const { quick = false, log = () => {} } = options ?? {};
  await loadBackend({ backend: 'tensorflow', onProgress: ({ message }) => log(message) });
  const sides = { plain: await side(false), program: await side(true) };
  const spent = { plain: 0, program: 0 };
  const turns = quick ? 4 : 16;
  try {
    for (const one of Object.values(sides)) await one.advance(1000);
    for (let turn = 0; turn < turns; turn++)
      for (const [name, one] of Object.entries(sides)) spent[name] += await one.advance(BLOCK);
  } finally {
    for (const one of Object.values(sides)) one.stop();
  }
  const [plain, program] = [spent.plain, spent.program].map((ms) => ms / (turns * BLOCK));
  const share = sides.program.share();
  log(
    `reward: ${plain.toFixed(3)} ms an agent step, ${program.toFixed(3)} ms with a program, whose own share is ${share.toFixed(1)} %`,
  );
  return [
    { name: 'reward/minatar-breakout/program', ours: program, peer: plain, unit: 'ms', ratio: program / plain },
    {
      name: 'reward/minatar-breakout/share',
      ours: share,
      peer: ALLOWED_PERCENT,
      unit: '%',
      ratio: share / ALLOWED_PERCENT,
    },
  ];
}

/**
 * An agent that learns at every step. `advance(count)` runs that many agent steps and gives the ms of processor time that they took; `share` is the per cent of the
 * time, by the clock, that the program had of all calls but the first.
 */
async function side(hasProgram) {
  const environment = createSmallEnvironment(GAME, { seed: 1 });
  const agent = await createAgent('classic-control', {
    environment,
    seed: 1,
    overrides: { 'replay.capacity': 10_000 },
  });
  const clock = { isRunning: false, program: 0, all: 0 };
  let learner = agent;
  let design;
  if (hasProgram) {
    design = await createProgramReward({ source: PROGRAM, description: findDescription(GAME), environment });
    const timed = {
      ...design,
      reward(transition) {
        const start = performance.now();
        const reward = design.reward(transition);
        if (clock.isRunning) clock.program += performance.now() - start;
        return reward;
      },
    };
    learner = rewardedBy(timed, agent);
  }
  const steps = runLoop({ environment, agent: learner, seed: 1 })[Symbol.asyncIterator]();
  return {
    share: () => (100 * clock.program) / clock.all,
    async advance(count) {
      const start = performance.now();
      const before = process.cpuUsage();
      for (let step = 0; step < count; step++) await steps.next();
      const { user, system } = process.cpuUsage(before);
      if (clock.isRunning) clock.all += performance.now() - start;
      clock.isRunning = true;
      return (user + system) / 1000;
    },
    stop() {
      agent.dispose();
      design?.dispose?.();
    },
  };
}
