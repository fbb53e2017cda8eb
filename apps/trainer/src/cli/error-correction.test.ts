// `moe-rl error-correction`: training stopped by Ctrl-C and gone on with by the same line, evaluation, checked plans, and what is refused.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { runCli, startCli } from '../testing/spawn-cli.ts';
import { expectRefusal, set } from '../testing/tiny-runs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-error-correction-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('Ctrl-C saves, the same line goes on, and what was trained is evaluated', async () => {
  const run = join(folder, 'run');
  const tiny = set(
    'tasks=1',
    'demonstrations=1',
    'planUpdates=90',
    'correctionUpdates=20',
    'explorations=1',
    'batchSize=2',
    'feedbackBatchSize=2',
  );
  const line = ['error-correction', 'train', '--folder', run, '--seed', '3', '--threads', '1', ...tiny];
  const { child, result } = startCli(line);
  child.stderr!.on('data', (chunk: Buffer) => {
    if (chunk.toString().includes('plans: update 50 of 110')) child.kill('SIGINT');
  });
  const stopped = await result;
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toMatch(/saved after \d+ updates/);
  const resumed = await runCli(line);
  expect(resumed.stderr).toMatch(/going on after update \d+/);
  expect(resumed.stderr).toMatch(/exploration 1: \d+ answers of the household/);
  expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining('trained: 110 updates') });
  const evaluated = await runCli([
    'error-correction',
    'evaluate',
    '--folder',
    run,
    '--arrangements',
    '1',
    '--tasks',
    'wash plate,wash cup',
  ]);
  expect(evaluated.stdout).toMatch(/tasks +speculative +[\d.]+ %/);
  const { results } = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8')) as { results: unknown[] };
  expect(results).toHaveLength(4);
}, 180_000);

test('results of a language model are written where --json says, in a folder that is made for them', async () => {
  const answer = {
    ...{ id: '1', object: 'chat.completion', created: 1, model: 'stub' },
    choices: [{ index: 0, message: { role: 'assistant', content: 'END' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const json = join(folder, 'new/dir/results.json');
    const line = ['error-correction', 'evaluate', '--server', url, '--model', 'stub', '--json', json];
    const { code } = await runMain([...line, '--arrangements', '1', '--tasks', 'wash cup'], folder);
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ model: expect.stringContaining('stub') });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a plan is checked step by step, other ways to write an action repaired', async () => {
  const plan = join(folder, 'plan.txt');
  writeFileSync(
    plan,
    '# mine\n1. Stand up.\n2. Go to the kitchen\n3. Grab the unicorn\n4. fly to sink\nEND\nwash cup\n',
  );
  const { code, stdout } = await runMain(
    ['error-correction', 'check', 'wash cup', '--plan', plan, '--seed', '2'],
    folder,
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/walk to kitchen +True/);
  expect(stdout).toMatch(/grab unicorn +Error, there is no unicorn \(object\)/);
  expect(stdout).toMatch(/fly to sink +Error, there is no action fly \(action\)/);
  expect(stdout).toContain('2 of 4 steps executable, task not done');
  const expert = await runMain(['error-correction', 'check', 'wash cup'], folder);
  expect(expert.stdout).toMatch(/Task finished\n\n(\d+) of \1 steps executable, task done/);
});

test('refuses by name, before anything is written', async () => {
  const empty = join(folder, 'empty.txt');
  writeFileSync(empty, '\n# nothing\n');
  const run = join(folder, 'run');
  const taken = join(folder, 'taken');
  mkdirSync(join(taken, 'evaluation.json'), { recursive: true });
  for (const [args, message] of [
    [['check', 'wash cups'], /task "wash cups" is unknown.*did you mean wash cup/],
    [['check', 'wash cup', '--plan', empty], /the plan .*empty.txt is empty; expected one action per line/],
    [['check', 'wash cup', '--plan', join(folder, 'none')], /there is no such file/],
    [['train', '--folder', run, '--set', 'task=3'], /setting "task" is unknown.*did you mean tasks/],
    [['train', '--folder', run, '--set', 'tasks'], /--set is "tasks"; expected <key>=<number>/],
    [['train', '--folder', run, '--experts', '2'], /--experts is 2, but there is no mixture/],
    [['train', '--folder', run, '--mixture', 'sof'], /router type is "sof".*did you mean soft/],
    [['evaluate'], /--folder and --server are missing/],
    [['evaluate', '--folder', run], /--folder is .*run, which is not there/],
    [['evaluate', '--server', 'http://127.0.0.1:1/v1'], /--model is missing/],
    [['evaluate', '--server', 'nowhere', '--model', 'm'], /url is "nowhere"; expected the address/],
    [['evaluate', '--server', 'http://127.0.0.1:1/v1', '--model', 'm', '--tasks', 'wash cup'], /can not be reached/],
    [['train', '--folder', run, '--seed', '1', '--set', 'seed=2'], /--seed is 1 and --set says seed=2/],
    [['train', '--folder', run, '--set', 'tasks=1285'], /tasks is 1285; expected an integer from 1 to 1284/],
    [['evaluate', '--folder', folder, '--model', 'm'], /--model is m, which is for --server/],
    [['evaluate', '--folder', folder, '--timeout', '5'], /--timeout is 5, which is for --server/],
    [
      ['evaluate', '--server', 'http://127.0.0.1:1/v1', '--model', 'm', '--threads', '1'],
      /--threads is 1, which is for/,
    ],
    [
      ['evaluate', '--server', 'http://a:b@127.0.0.1:1/v1', '--model', 'm'],
      /the url of the model server holds a password/,
    ],
    [['evaluate', '--folder', taken], /cannot write .*evaluation\.json: it is a folder, not a file/],
    [['evaluate', '--folder', folder, '--tasks', 'wash moon'], /task "wash moon" is unknown/],
  ] as const) {
    expectRefusal(await runMain(['error-correction', ...args], folder), message);
  }
  expect(existsSync(run)).toBe(false);
});
