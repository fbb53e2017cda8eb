// `moe-rl reward` and `train --reward text2reward`, from a goal in words to a run that goes on with its own copy of the program.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StubServer, startStubServer } from '@moe-rl/text2reward/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { expectRefusal, reproducibleRows, set, TINY } from '../testing/tiny-runs.ts';

let folder: string;
let server: StubServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-reward-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const moeRl = (...args: readonly string[]) => runMain(args, folder);
const block = (source: string) => ({ text: `Thinking.\n\`\`\`js\n${source}\n\`\`\`\n` });
const BAD = 'function computeReward(env) { return env.ball.height }';
const GOOD =
  'const distance = (state) => Math.abs(state.ball.column - state.paddle.column);\nfunction computeReward(env, action, previous) { return 0.25 * (distance(previous) - distance(env)) }';
const BETTER = 'function computeReward(env, action) { return action === "NOOP" ? 0.1 : 0 }';
const GOAL = ['--game', 'bsuite/catch', '--goal', 'Be under the ball', '--check-steps', '40'];

test('a goal becomes a program, a run learns from it and goes on with its copy, and advice changes it', async () => {
  server = await startStubServer([block(BAD), block(GOOD), block(BETTER)]);
  const model = ['--server', server.url, '--model', 'stub'];
  const written = await moeRl('reward', 'write', ...GOAL, ...model, '--folder', 'reward');
  expect(written.stderr).toContain('attempt 1 refused: the reward program of attempt 1 failed: env.ball has no height');
  // Shown and kept before it ran, the refused one too.
  expect(written.stderr.indexOf(BAD)).toBeLessThan(written.stderr.indexOf('attempt 1 refused'));
  expect(written.stderr.indexOf(BAD)).toBeGreaterThan(-1);
  expect(written.code).toBe(0);
  expect(readdirSync(join(folder, 'reward', 'attempts'))).toEqual(['round-1-attempt-1.js', 'round-1-attempt-2.js']);
  expect(readFileSync(join(folder, 'reward', 'program-1.js'), 'utf8')).toBe(`${GOOD}\n`);
  expect(server.requests[1]!.messages.at(-1)!.content).toContain('env.ball has no height');

  const program = ['--reward', 'text2reward', ...set('reward.program=reward/program-1.js')];
  const train = (steps: number, ...rest: readonly string[]) =>
    moeRl('train', ...TINY, '--agent-steps', String(steps), '--run-folder', 'run', ...rest);
  const first = await train(150, ...program);
  expect(first.stderr).toContain('distance(previous)');
  expect(first.code).toBe(0);
  expect(readFileSync(join(folder, 'run', 'reward', 'program.js'), 'utf8')).toBe(`${GOOD}\n`);
  // Whatever becomes of the file: the run goes on with its own, and asks nobody.
  writeFileSync(join(folder, 'reward', 'program-1.js'), BETTER);
  const second = await train(250, '--resume');
  expect(second.stderr).toContain('distance(previous)');
  expect(second.code).toBe(0);
  expect(server.requests).toHaveLength(2);
  writeFileSync(join(folder, 'reward', 'program-1.js'), `${GOOD}\n`);
  expect((await moeRl('train', ...TINY, '--agent-steps', '250', '--run-folder', 'straight', ...program)).code).toBe(0);
  expect(reproducibleRows(join(folder, 'run'))).toEqual(reproducibleRows(join(folder, 'straight')));
  expectRefusal(
    await train(300, '--resume', ...set('reward.program=other.js')),
    /reward\.program can't change on resume/,
  );
  // What it keeps is the run's own, each part of it.
  for (const name of ['program.js', 'description.json', 'program.sha256']) {
    const file = join(folder, 'run', 'reward', name);
    const whole = readFileSync(file, 'utf8');
    if (name !== 'program.sha256') {
      writeFileSync(file, whole.replace('ballRow', 'ballColumn').replace('0.25', '0.5'));
      expectRefusal(await train(300, '--resume'), new RegExp(`${name} has changed since the run began`));
    }
    rmSync(file);
    expectRefusal(await train(300, '--resume'), new RegExp(`${name}, .* is gone`));
    writeFileSync(file, whole);
  }

  const advice = ['--advice', 'Stand still.'];
  const refined = await moeRl('reward', 'refine', 'reward', '--run-folder', 'straight', ...model, ...advice);
  expect(refined.stderr).toContain(BETTER);
  expect(refined.stdout).toContain(join('reward', 'film-1.gif'));
  expect(refined.code).toBe(0);
  expect(existsSync(join(folder, 'reward', 'film-1.gif'))).toBe(true);
  expect(readFileSync(join(folder, 'reward', 'program-2.js'), 'utf8')).toBe(`${BETTER}\n`);
  const { content } = server.requests[2]!.messages.at(-1)!;
  expect(content).toMatch(/the agent after 250 agent steps played an episode: return -?\d[\s\S]*Stand still\./);
  expect(server.requests[2]!.temperature).toBe(0.7);
  // Its replies are a recording.
  const { replies } = JSON.parse(readFileSync(join(folder, 'reward', 'session.json'), 'utf8'));
  writeFileSync(join(folder, 'replies.json'), JSON.stringify(replies));
  const again = await moeRl('reward', 'write', ...GOAL, '--replies', 'replies.json', '--folder', 'again');
  expect(again.code).toBe(0);
  expect(readFileSync(join(folder, 'again', 'program-1.js'), 'utf8')).toBe(`${GOOD}\n`);
});

test('what a start left is kept, a program that fails is filmed, and a damaged session is refused by name', async () => {
  const recorded = (name: string, ...sources: readonly string[]) => {
    writeFileSync(join(folder, name), JSON.stringify(sources.map((source) => block(source).text)));
    return ['--replies', name];
  };
  const write = (...rest: readonly string[]) => moeRl('reward', 'write', ...GOAL, '--folder', 'my reward', ...rest);
  const own = 'function computeReward() { return 0.5 }';
  mkdirSync(join(folder, 'my reward'));
  writeFileSync(join(folder, 'my reward', 'program-1.js'), own);
  expectRefusal(await write(...recorded('bad.json', BAD), '--retries', '0'), /gave no usable reward program/);
  const LATE = 'function computeReward(env) { if (env.ball.row > 5) throw new Error("too late"); return 0 }';
  const written = await write(...recorded('late.json', LATE), '--check-steps', '3');
  expect(written.code).toBe(0);
  expect(readFileSync(join(folder, 'my reward', 'program-1.js'), 'utf8')).toBe(own);
  expect(readFileSync(join(folder, 'my reward', 'attempts', 'round-1-attempt-1.js'), 'utf8')).toBe(`${BAD}\n`);
  expect(readFileSync(join(folder, 'my reward', 'attempts', 'round-1-attempt-2.js'), 'utf8')).toBe(`${LATE}\n`);
  // What is printed to be copied can be copied.
  expect(written.stdout).toContain("--set 'reward.program=my reward/program-2.js'");

  const refine = (...rest: readonly string[]) =>
    moeRl('reward', 'refine', 'my reward', ...recorded('good.json', GOOD), '--advice', 'Earlier.', ...rest);
  const refined = await refine('--check-steps', '40');
  expect(refined.stdout).toMatch(
    /paid 0 in all and failed in \d+ steps, first so: .*program-2\.js threw Error: too late/,
  );
  expect(refined.code).toBe(0);

  // Before anything is played or asked.
  expectRefusal(
    await refine('--film', 'film.txt'),
    /--film is "film\.txt"; expected a name that ends with \.gif or \.mp4/,
  );
  expectRefusal(await refine('--max-agent-steps', '1000000'), /--max-agent-steps is 1000000/);
  const { PATH } = process.env;
  process.env.PATH = folder;
  try {
    expectRefusal(
      await refine('--film', 'film.mp4'),
      /needs the ffmpeg program.*a name for --film that ends with \.gif/,
    );
  } finally {
    process.env.PATH = PATH;
  }

  const file = join(folder, 'my reward', 'session.json');
  const session = JSON.parse(readFileSync(file, 'utf8'));
  for (const [change, message] of [
    [{ description: undefined }, /session\.json, description: it is undefined/],
    [{ description: { ...session.description, fields: null } }, /session\.json, description: fields is null/],
    [{ messages: [{ role: 'judge', content: '' }] }, /is no session/],
    [{ rounds: [{ program: '../late.json' }] }, /is no session/],
    [{ replies: [1] }, /is no session/],
  ] as const) {
    writeFileSync(file, JSON.stringify({ ...session, ...change }));
    expectRefusal(await refine(), message);
  }
});

test('a program that fails in a run ends it by name with its checkpoint whole, and a resume may go on over failures', async () => {
  // The look before the run, 100 steps of a random agent, ends with the ball and the paddle in these columns; other ends make it fail.
  const source =
    'const KNOWN = [4, 41, 32, 40, 21, 14, 42, 31];\nfunction computeReward(env) { return env.terminated && !KNOWN.includes(10 * env.ball.column + env.paddle.column) ? NaN : 0 }';
  writeFileSync(join(folder, 'late.js'), source);
  const run = ['train', ...TINY, '--agent-steps', '200', '--run-folder', 'run'];
  const first = await moeRl(
    ...run,
    ...['--reward', 'text2reward', ...set('reward.program=late.js', 'checkpointPeriodAgentSteps=10')],
  );
  expectRefusal(first, /returned NaN.*the checkpoint at agent step \d+ is whole; --resume continues from it/);
  const resumed = await moeRl(...run, '--resume', ...set('reward.maxFailures=1000'));
  expect(resumed.stderr).toMatch(/its reward is 0 for this step \(failure 1 of 1000 allowed\)/);
  expect(resumed.code).toBe(0);
});

test('what is wrong is refused by name, before anything is written', async () => {
  server = await startStubServer(['html', block('function computeReward( {'), { text: 'no code' }]);
  const model = ['--server', server.url, '--model', 'stub'];
  const write = (...rest: readonly string[]) => moeRl('reward', 'write', ...GOAL, '--folder', 'reward', ...rest);
  expectRefusal(await write(...model), /the server answered with a web page/);
  expectRefusal(
    await write(...model, '--retries', '1'),
    /stub at http:.* gave no usable reward program in 2 attempts; the last one: the reply has no fenced code block/,
  );
  expect(existsSync(join(folder, 'reward', 'session.json'))).toBe(false);
  expectRefusal(await write(), /--server is missing: name a server and its model/);
  expectRefusal(await write('--server', server.url), /--model is missing/);
  expectRefusal(await write(...model, '--api-key-variable', 'NO_SUCH_KEY'), /that environment variable is not set/);
  expectRefusal(await write('--replies', 'nowhere.json'), /nowhere\.json/);
  writeFileSync(join(folder, 'replies.json'), '[]');
  expectRefusal(await write('--replies', 'replies.json', '--stream'), /--stream is for a server/);
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ objects: null, fields: {}, actions: [] }));
  const own = ['--description', 'own.json'];
  expectRefusal(await moeRl('reward', 'describe', ...own), /--description own\.json: id is undefined; expected a text/);
  expectRefusal(await write('--folder', 'own.json/reward', ...model), /cannot write own\.json\/reward/);
  expectRefusal(await moeRl('reward', 'refine', 'reward', ...model), /reward holds no reward/);
  expectRefusal(await moeRl('reward', 'describe', '--game', 'windfal'), /there is no game "windfal"/);
  expectRefusal(await moeRl('reward', 'check', 'nowhere.js'), /there is no reward program nowhere\.js/);
  const train = (...rest: readonly string[]) =>
    moeRl('train', ...TINY, '--agent-steps', '200', '--run-folder', 'run', '--reward', 'text2reward', ...rest);
  expectRefusal(await train(), /reward\.program is null; expected a file/);
  expectRefusal(
    await train(...set('reward.program=nowhere.js')),
    /reward\.program is nowhere\.js: there is no such file/,
  );
  writeFileSync(join(folder, 'bad.js'), BAD);
  expectRefusal(await train(...set('reward.program=bad.js')), /bad\.js failed: env\.ball has no height/);
  expect(existsSync(join(folder, 'run'))).toBe(false);
});
