// What goes wrong with runs and should not end them: starts that fail, files that are lost or damaged, folders that can't be written to, signals.
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { runCli, startCli } from '../testing/spawn-cli.ts';
import { expectRefusal, reproducibleRows, set, TINY, until } from '../testing/tiny-runs.ts';

let root = '';
let straight = '';
let half = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-faults-'));
  straight = join(root, 'straight');
  half = join(root, 'half');
  const train = ['train', ...TINY, ...set('evaluationEpisodes=0')];
  expect((await runCli([...train, '--agent-steps', '400', '--run-folder', straight])).code).toBe(0);
  expect((await runCli([...train, '--agent-steps', '250', '--run-folder', half])).code).toBe(0);
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of the run of 250 agent steps; its checkpoints are at 200 and 250. */
function copyOfHalf(name: string): string {
  const folder = join(root, name);
  cpSync(half, folder, { recursive: true });
  return folder;
}
const goOn = (folder: string, ...more: string[]) =>
  runCli(['train', '--resume', '--run-folder', folder, '--agent-steps', '400', ...more]);
const lastAgent = (folder: string) =>
  readFileSync(join(folder, 'checkpoints', 'checkpoint-000000000400', 'agent.safetensors'));

describe('a run goes on exactly', { timeout: 60_000 }, () => {
  it('when a file of the newest replay checkpoint is deleted, as when it is garbled', async () => {
    for (const harm of ['delete', 'garble'] as const) {
      const folder = copyOfHalf(harm);
      const replay = join(folder, 'checkpoints', 'replay');
      const rest = readdirSync(replay)
        .filter((name) => name.startsWith('rest-'))
        .sort()
        .at(-1)!;
      if (harm === 'delete') rmSync(join(replay, rest));
      else writeFileSync(join(replay, rest), 'garbage');
      const resumed = await goOn(folder);
      expect(resumed.stderr).toContain("skipped a checkpoint that can't be read");
      expect(resumed.stderr).toContain('(200 agent steps)');
      expect(resumed.code).toBe(0);
      expect(lastAgent(folder)).toEqual(lastAgent(straight));
      expect(reproducibleRows(folder)).toEqual(reproducibleRows(straight));
    }
  });

  it('without its log, and says what is lost', async () => {
    const folder = copyOfHalf('no-log');
    rmSync(join(folder, 'metrics.jsonl'));
    const resumed = await goOn(folder);
    expect(resumed.stderr).toMatch(/metrics\.jsonl lacks its last \d+ bytes before the checkpoint/);
    expect(resumed.code).toBe(0);
    expect(lastAgent(folder)).toEqual(lastAgent(straight));
    expect(reproducibleRows(folder)).toEqual(reproducibleRows(straight).filter(({ agentSteps }) => agentSteps > 250));
  });

  it('without its TensorBoard events, and says that a new file begins', async () => {
    const folder = copyOfHalf('no-events');
    rmSync(join(folder, 'events'), { recursive: true });
    const resumed = await goOn(folder);
    expect(resumed.stderr).toMatch(/events\.out\.tfevents\S+ is gone: a new one begins here, and TensorBoard shows/);
    expect(resumed.code).toBe(0);
    expect(readdirSync(join(folder, 'events'))).toHaveLength(1);
    expect(lastAgent(folder)).toEqual(lastAgent(straight));
    expect(reproducibleRows(folder)).toEqual(reproducibleRows(straight));
  });
});

describe('a run goes on', { timeout: 60_000 }, () => {
  it('with what was learned and an empty memory, where the replay memory is damaged', async () => {
    const folder = copyOfHalf('shared');
    const replay = join(folder, 'checkpoints', 'replay');
    for (const name of readdirSync(replay)) if (!name.endsWith('.json')) writeFileSync(join(replay, name), 'garbage');
    expectRefusal(
      await goOn(folder),
      /no checkpoint in .* can be read: .*--resume --fresh-replay goes on with what was learned/,
    );
    const resumed = await goOn(folder, '--fresh-replay');
    expect(resumed.stderr).toContain('the replay memory is empty');
    expect(resumed.code).toBe(0);
    // And is saved again, as any other.
    expect((await runCli(['train', '--resume', '--run-folder', folder, '--agent-steps', '450'])).code).toBe(0);
  });

  it('is refused a change by its path and both values', async () => {
    const change = (setting: string) => goOn(half, '--set', setting);
    expectRefusal(
      await change('agent.discountFactor=0.5'),
      /agent\.discountFactor can't change on resume: the run has 0\.99, now asked for 0\.5/,
    );
    expectRefusal(
      await change('evaluation.periodAgentSteps=5'),
      /evaluation\.periodAgentSteps can't change on resume: the run has null, now asked for 5/,
    );
  });
});

describe('a start that fails', { timeout: 60_000 }, () => {
  it('leaves nothing that blocks the next one', async () => {
    const folder = join(root, 'failed');
    // The agent can't be made: its encoder takes images.
    const failing = await runCli(['train', ...TINY, ...set('network.encoder.type=nature'), '--run-folder', folder]);
    expect(failing.code).toBe(2);
    expect(existsSync(folder)).toBe(false);
    // Killed before its first checkpoint: the next start takes its place.
    const endless = ['--agent-steps', '1000000', '--set', 'checkpointPeriodAgentSteps=1000000'];
    const { child, result } = startCli(['train', ...TINY, ...endless, '--run-folder', folder]);
    await until(() => existsSync(join(folder, 'metrics.jsonl')));
    child.kill('SIGKILL');
    await result;
    const next = await runCli(['train', ...TINY, '--agent-steps', '100', '--run-folder', folder]);
    expect(next.stderr).toContain('held a run that never came to a checkpoint: this one takes its place');
    expect(next.code).toBe(0);
  });
});

describe.skipIf(process.platform === 'win32')('signals', { timeout: 60_000 }, () => {
  it('SIGUSR1 makes a checkpoint and the run goes on; SIGTERM and SIGHUP save and stop', async () => {
    const folder = join(root, 'signals');
    const endless = ['--agent-steps', '1000000000', '--set', 'checkpointPeriodAgentSteps=1000000000'];
    const checkpoints = join(folder, 'checkpoints');
    const saved = () =>
      existsSync(checkpoints) ? readdirSync(checkpoints).filter((name) => /^checkpoint-/.test(name)) : [];
    const first = startCli(['train', ...TINY, ...endless, '--run-folder', folder]);
    await until(() => existsSync(join(folder, 'metrics.jsonl')));
    first.child.kill('SIGUSR1');
    await until(() => saved().length === 1);
    first.child.kill('SIGTERM');
    const terminated = await first.result;
    expect(terminated.code).toBe(143);
    expect(terminated.stderr).toContain('saving a checkpoint, as SIGUSR1 asks for, and going on');
    expect(terminated.stderr).toContain('continue with: moe-rl train --resume');
    expect(saved()).toHaveLength(2);
    const before = saved();
    const second = startCli(['train', '--resume', '--run-folder', folder]);
    let text = '';
    second.child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => text.includes('resumed from'));
    second.child.kill('SIGHUP');
    expect((await second.result).code).toBe(129);
    expect(saved().at(-1)! > before.at(-1)!).toBe(true);
  });
});

describe('a finished run', { timeout: 60_000 }, () => {
  it.runIf(process.getuid?.() === 0)('is reported from a folder that can only be read', async () => {
    chmodSync(root, 0o755);
    // The compiled cache of the program's own is not what is tested.
    const reader = { uid: 65534, cwd: '/', env: { HOME: '/' } };
    const shown = await runCli(['report', straight], reader);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^agent steps +400 of 400$/m);
    expect(shown.stderr).toMatch(/no learning curve was drawn: cannot write .*permission denied; --output FILE\.svg/);
    const file = join(mkdtempSync(join(tmpdir(), 'moe-rl-report-')), 'curve.svg');
    expect((await runCli(['report', straight, '--output', file])).stdout).toContain(file);
    expect(readFileSync(file, 'utf8')).toContain('<svg');
  });

  it('is reported without its damaged rows, and not with a summary of another form', async () => {
    const folder = join(root, 'garbled');
    cpSync(straight, folder, { recursive: true });
    const metrics = join(folder, 'metrics.jsonl');
    const rows = readFileSync(metrics, 'utf8').split('\n');
    writeFileSync(metrics, [rows[0], 'garbled', ...rows.slice(1)].join('\n'));
    const shown = await runMain(['report', folder], root);
    expect(shown.stderr).toMatch(/metrics\.jsonl, line 2, is no row of metrics: it is left out/);
    expect(shown.stdout).toMatch(/^agent steps +400 of 400$/m);
    for (const text of ['null', '{"evaluation": 5}', '{"evaluation": {"trained": {"mean": "x"}}}', '{"eval']) {
      writeFileSync(join(folder, 'summary.json'), text);
      expectRefusal(await runMain(['report', folder], root), /summary\.json/);
    }
  });

  it('is not filmed as MP4 without ffmpeg, and that is said at once', async () => {
    const result = await runCli(['play', straight, '--output', 'x.mp4'], { env: { PATH: '' } });
    expectRefusal(result, /writing an MP4 needs the ffmpeg program/);
    expect(result.stderr).not.toContain('loaded');
  });

  it('is listed with exactly the settings that can be set', async () => {
    const listed = await runCli(['presets', 'classic-control-soft-moe', '--game', 'bsuite/catch']);
    const paths = listed.stdout
      .split('\n')
      .slice(2)
      .map((line) => line.split(' ')[0]!);
    expect(paths).toContain('evaluation.periodAgentSteps');
    expect(paths).toContain('network.moe.router.type');
    expect(paths).not.toContain('environment.frameSkip');
    const schema = JSON.parse((await runCli(['presets', 'dqn', '--json-schema'])).stdout);
    expect(schema.properties.environment.properties.frameSkip).toBeDefined();
  });
});
