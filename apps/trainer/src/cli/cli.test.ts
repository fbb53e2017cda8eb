// The real program, spawned: every kind of bad input gives one message and exit code 2, and a killed run resumes exactly.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCheckpoint } from '@moe-rl/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli } from '../testing/spawn-cli.ts';
import { expectRefusal, reproducibleRows, TINY, until } from '../testing/tiny-runs.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-cli-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('bad input', () => {
  it('ends the program with one sentence and code 2, and nothing is written', async () => {
    expectRefusal(await runCli(['train', '--preset', 'dqm'], { cwd: root }), /there is no preset "dqm"/);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });

  it('a reader that has seen enough', async () => {
    const { child, result } = startCli(['doctor']);
    child.stdout!.destroy();
    expect(await result).toMatchObject({ code: 0, stderr: '' });
  });

  it('ROM that is empty, truncated or another one', async () => {
    const empty = join(root, 'empty.bin');
    writeFileSync(empty, '');
    expectRefusal(await runCli(['train', '--game', 'pong', '--rom', empty]), /empty\.bin: the ROM is empty/);
    const short = join(root, 'short.bin');
    writeFileSync(short, new Uint8Array(1000));
    expectRefusal(
      await runCli(['train', '--game', 'pong', '--rom', short]),
      /short\.bin: the ROM is truncated: 1000 bytes; pong has 2048/,
    );
    const wrong = join(root, 'wrong.bin');
    writeFileSync(wrong, new Uint8Array(4096));
    expectRefusal(
      await runCli(['train', '--game', 'windfall', '--rom', wrong]),
      /wrong\.bin: the ROM has MD5 [0-9a-f]{32}; expected [0-9a-f]{32} of windfall/,
    );
  });

  it('ROM that is nowhere', async () => {
    const env = { MOE_RL_CACHE: join(root, 'no-cache'), MOE_RL_ROMS: '', PATH: '' };
    expectRefusal(
      await runCli(['train', '--game', 'breakout'], { env, cwd: root }),
      /the ROM of breakout .* is not on this machine .*roms --fetch/,
    );
    expectRefusal(await runCli(['roms', '--fetch'], { env, cwd: root }), /neither pip nor uv was found/);
  });

  it.runIf(process.getuid?.() === 0)('no write permission', async () => {
    const closed = join(root, 'closed');
    mkdirSync(closed, { mode: 0o755 });
    const result = await runCli(['train', ...TINY, '--agent-steps', '100', '--run-folder', join(closed, 'run')], {
      uid: 65534,
      cwd: '/',
      env: { HOME: '/' },
    });
    expectRefusal(result, /cannot create the folder .*closed\/run: permission denied/);
  });
});

// Each test goes on with the folders of the one before.
describe('a run', { timeout: 120_000 }, () => {
  let straight = '';
  let killed = '';
  let film = '';
  beforeAll(() => {
    straight = join(root, 'straight');
    killed = join(root, 'killed');
    film = join(root, 'films/new/film.gif');
  });

  it('survives kill -9 and goes on exactly, refuses company', async () => {
    const train = ['train', ...TINY, '--agent-steps', '400'];
    const whole = await runCli([...train, '--run-folder', straight]);
    expect(whole).toMatchObject({ code: 0, stderr: expect.not.stringContaining('TensorFlow.js in Node.js') });
    expect(whole.stdout).toMatch(/trained +-?[\d.]+ ± [\d.]+/);
    expect(readdirSync(straight).sort()).toEqual(
      [
        'checkpoints',
        'config.json',
        'events',
        'learning-curve.png',
        'learning-curve.svg',
        'metrics.jsonl',
        'summary.json',
        'videos',
      ].sort(),
    );
    const summary = JSON.parse(readFileSync(join(straight, 'summary.json'), 'utf8'));
    expect(summary.evaluation.trained).toMatchObject({
      episodes: 3,
      mean: expect.any(Number),
      standardError: expect.any(Number),
    });
    expect(summary.evaluation.random.episodes).toBe(3);

    const { child, result } = startCli([...train, '--run-folder', killed]);
    const checkpoints = join(killed, 'checkpoints');
    await until(
      () => existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^checkpoint-0*[2-3]00$/.test(name)),
    );
    // Held, so that it is still there when the other process has started.
    child.kill('SIGSTOP');
    expectRefusal(await runCli([...train, '--resume', '--run-folder', killed]), /is in use by process \d+/);
    child.kill('SIGKILL');
    expect((await result).signal).toBe('SIGKILL');

    expectRefusal(await runCli([...train, '--run-folder', killed]), /already holds a run; continue it with --resume/);
    expectRefusal(
      await runCli([...train, '--seed', '4', '--resume', '--run-folder', killed]),
      /seed can't change on resume/,
    );
    expectRefusal(
      await runCli(['train', '--resume', '--run-folder', killed, '--agent-steps', '61']),
      /trainingAgentSteps is 61, but .* has \d+ agent steps of training already; expected at least those/,
    );
    const resumed = await runCli([...train, '--resume', '--run-folder', killed]);
    expect(resumed.stderr).toContain('resumed from');
    expect(resumed.code).toBe(0);
    expect(reproducibleRows(killed)).toEqual(reproducibleRows(straight));
    const last = 'checkpoints/checkpoint-000000000400';
    expect(readCheckpoint(join(killed, last)).parts.agent).toEqual(readCheckpoint(join(straight, last)).parts.agent);
    expect(readCheckpoint(join(killed, last)).parts.environment).toEqual(
      readCheckpoint(join(straight, last)).parts.environment,
    );
    expect(JSON.parse(readFileSync(join(killed, 'summary.json'), 'utf8')).evaluation).toEqual(summary.evaluation);
  });

  it('is filmed to its end or to the limit', async () => {
    const wholeFilm = await runCli(['play', killed, '--output', film]);
    expect(wholeFilm).toMatchObject({ code: 0, stdout: `${film}\n` });
    expect(wholeFilm.stderr).toMatch(/episode 1 of 1: return -?1, 9 agent steps\n/);
    expect(readFileSync(film).toString('latin1', 0, 6)).toBe('GIF89a');
    const cut = await runCli(['play', killed, '--output', film, '--max-agent-steps', '4']);
    expect(cut).toMatchObject({ code: 0, stdout: `${film}\n` });
    expect(cut.stderr).toMatch(/return 0 so far, cut after 4 agent steps with the episode still under way/);
    expectRefusal(
      await runCli(['play', killed, '--max-agent-steps', '0']),
      /--max-agent-steps is 0; expected an integer from 1 to 27000/,
    );
    expectRefusal(
      await runCli(['play', killed, '--output', 'film.avi']),
      /expected a name that ends with \.gif or \.mp4/,
    );
  });

  it('is evaluated on whole or cut episodes, until Ctrl-C', async () => {
    const json = join(root, 'results/new/evaluation.json');
    const evaluate = ['evaluate', killed, '--episodes', '2', '--json', json];
    const nowhere = await runCli([...evaluate.slice(0, -1), join(film, 'e.json')]);
    expectRefusal(nowhere, /cannot write .*film\.gif.e\.json: a part of the path is a file, not a folder/);
    expect(nowhere.stderr).not.toContain('episode'); // it is told before the episodes are played
    const short = await runCli([...evaluate, '--max-agent-steps', '4']);
    expect(short.code).toBe(0);
    expect(short.stderr).toContain('trained: episode 2 of 2, return 0');
    expect(short.stdout).toContain('random: 2 of 2 episodes were cut by the limit of agent steps');
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      maxAgentSteps: 4,
      trained: { agentSteps: 8, truncatedEpisodes: 2, returns: [0, 0] },
    });
    const endless = startCli(['evaluate', killed, '--episodes', '1000000']);
    let isStopped = false;
    endless.child.stderr!.on('data', (chunk: Buffer) => {
      if (isStopped || !chunk.toString().includes('trained: episode ')) return;
      isStopped = endless.child.kill('SIGINT');
    });
    const interrupted = await endless.result;
    expect(interrupted.stderr).not.toContain('this is a bug');
    expect(interrupted.code).toBe(130);
    // Whole episodes that were played by then are kept.
    const played = /trained: stopped after (\d+) of 1000000 episodes; the result is of these/.exec(interrupted.stdout);
    expect(Number(played?.[1])).toBeGreaterThan(0);
    expect(interrupted.stdout).toMatch(/^trained +-?[\d.]+ /m);
    const piped = await runCli(['evaluate', killed, '--episodes', '1', '--json', '-'], { cwd: root });
    expect(JSON.parse(piped.stdout)).toMatchObject({ trained: { episodes: 1, standardError: null, isComplete: true } });
    expect(piped.stderr).toMatch(/^trained +-?[\d.]+ +-?[\d.]+/m);
    expect(existsSync(join(root, '-'))).toBe(false);
    expectRefusal(await runCli([...evaluate, '--max-agent-steps', '0']), /--max-agent-steps is 0; expected an integer/);
  });

  it('refuses foreign folders and damage', async () => {
    // A checkpoint of another architecture, and one with bytes missing.
    const foreign = join(root, 'foreign');
    cpSync(straight, foreign, { recursive: true });
    const config = JSON.parse(readFileSync(join(foreign, 'config.json'), 'utf8'));
    config.network.moe.experts = 3;
    writeFileSync(join(foreign, 'config.json'), JSON.stringify(config));
    expectRefusal(await runCli(['evaluate', foreign]), /another architecture/);
    for (const name of readdirSync(join(straight, 'checkpoints'))) {
      if (name.startsWith('checkpoint-')) truncateSync(join(straight, 'checkpoints', name, 'agent.safetensors'), 100);
    }
    expectRefusal(
      await runCli(['evaluate', straight]),
      /no checkpoint in .* can be read: .*agent\.safetensors has 100 bytes/,
    );
  });

  it.runIf(existsSync('/dev/full'))('saves on Ctrl-C, and ends with a message when the disk is full', async () => {
    const folder = join(root, 'full');
    // No checkpoint is due for a long time: Ctrl-C must be noticed between two steps.
    const endless = ['--agent-steps', '1000000000', '--set', 'checkpointPeriodAgentSteps=1000000000'];
    const { child, result } = startCli(['train', ...TINY, ...endless, '--run-folder', folder]);
    await until(() => existsSync(join(folder, 'metrics.jsonl')));
    child.kill('SIGINT');
    const stopped = await result;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('continue with: moe-rl train --resume');
    // The event file is emptied by the resume that finds it on a full device.
    rmSync(join(folder, 'events'), { recursive: true });
    mkdirSync(join(folder, 'events'));
    symlinkSync('/dev/full', join(folder, 'events', 'events.out.tfevents.0000000000.moe-rl'));
    expectRefusal(
      await runCli(['train', '--resume', '--run-folder', folder]),
      /events\.out\.tfevents.*(disk is full|has 0 bytes)/,
    );
  });
});
