// What the metric files hold, byte for byte, and what the display says.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StateTree } from '@moe-rl/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { metricDefinition, registerMetric } from '../metrics/metric-registry.ts';
import { createRunStatistics } from '../metrics/run-statistics.ts';
import { captureOutput } from '../testing/toy.ts';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { openMetricsFile, readMetricRows } from './metrics-file.ts';
import { createProgress } from './progress.ts';
import { shareOutput } from './shared-output.ts';
import { createStatusLine } from './status-line.ts';
import { createTensorBoardSink, openTensorBoardFile } from './tensorboard.ts';
import { count, duration, number } from './text.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-consumers-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const step = (values: object) => ({
  action: 0,
  observation: new Uint8Array(1),
  reward: 0,
  terminated: false,
  truncated: false,
  episodeAgentSteps: 1,
  episodeReturn: 0,
  metrics: undefined,
  info: {},
  ...values,
});

describe('crc32c', () => {
  it('gives the check value of the CRC catalogue and of RFC 3720', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  });
});

describe('metrics.jsonl', () => {
  it('writes rows, goes back to a checkpoint, and skips half a line', () => {
    const path = join(root, 'metrics.jsonl');
    const first = openMetricsFile(path, { byteLength: 0 });
    first.write({ agentSteps: 1, values: { 'train/loss': 0.5 } });
    const state = first.getState();
    first.write({ agentSteps: 2, values: { 'expert/load/3': 0.25 } });
    first.close();
    expect(readMetricRows(path).map(({ agentSteps }) => agentSteps)).toEqual([1, 2]);
    const second = openMetricsFile(path, state);
    second.write({ agentSteps: 3, values: { 'train/loss': 0.25 } });
    second.close();
    expect(readFileSync(path, 'utf8')).toBe('{"agentSteps":1,"train/loss":0.5}\n{"agentSteps":3,"train/loss":0.25}\n');
  });

  it('leaves damaged lines out, tells which, and keeps the rows behind them', () => {
    const path = join(root, 'metrics.jsonl');
    const lines = ['{"agentSteps":1,"a/b":1}', '{"agentSteps":2,"a', 'null', '[3]', '{"agentSteps":4,"a/b":"x"}'];
    writeFileSync(path, `${lines.join('\n')}\n{"agentSteps":5,"a/b":null}\n{"agentSt`);
    const damaged: number[] = [];
    const rows = readMetricRows(path, (line) => damaged.push(line));
    expect(rows).toEqual([
      { agentSteps: 1, values: { 'a/b': 1 } },
      { agentSteps: 5, values: { 'a/b': Number.NaN } },
    ]);
    // The last line is what a crash leaves: nothing to tell of.
    expect(damaged).toEqual([2, 3, 4, 5]);
  });

  it('can be followed while the run goes on: a row is in the file a second later at most, with the next one', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const path = join(root, 'metrics.jsonl');
      const file = openMetricsFile(path, { byteLength: 0 });
      file.write({ agentSteps: 1, values: { 'train/loss': 1 } });
      expect(readMetricRows(path)).toHaveLength(0);
      vi.advanceTimersByTime(1000);
      file.write({ agentSteps: 2, values: { 'train/loss': 2 } });
      expect(readMetricRows(path).map(({ agentSteps }) => agentSteps)).toEqual([1, 2]);
      file.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('goes on with the whole lines of a file that is shorter than the checkpoint knew it, and says what is lost', () => {
    const path = join(root, 'metrics.jsonl');
    const first = openMetricsFile(path, { byteLength: 0 });
    for (const agentSteps of [1, 2, 3]) first.write({ agentSteps, values: { 'train/loss': 1 } });
    const state = first.getState();
    first.close();
    truncateSync(path, 40);
    const cut = openMetricsFile(path, state);
    const line = '{"agentSteps":1,"train/loss":1}\n';
    expect(cut.lostBytes).toBe(2 * line.length);
    cut.write({ agentSteps: 4, values: { 'train/loss': Number.NaN } });
    cut.close();
    expect(readMetricRows(path).map((row) => row.agentSteps)).toEqual([1, 4]);
    expect(readMetricRows(path)[1]!.values['train/loss']).toBeNaN();
    rmSync(path);
    const gone = openMetricsFile(path, state);
    expect(gone.lostBytes).toBe(state.byteLength);
    gone.close();
  });

  it('has definitions that others add to', () => {
    expect(() => metricDefinition('train/los')).toThrow(/unknown metric tag "train\/los"; did you mean train\/loss/);
    expect(() => metricDefinition('expert/load/x')).toThrow();
    const definition = { unit: 'points', description: 'Largest error of a batch' };
    registerMetric('my/tdErrorMax', definition);
    registerMetric('my/tdErrorMax', { ...definition });
    expect(metricDefinition('my/tdErrorMax')).toEqual(definition);
  });
});

describe('TensorBoard file', () => {
  it('is made of records with right lengths and checksums that hold tag, step and value', () => {
    const path = join(root, 'events');
    const file = openTensorBoardFile(path, { byteLength: 0 });
    file.write({ agentSteps: 300, values: { 'train/loss': 0.5, 'train/epsilon': Number.NaN } });
    file.close();
    const bytes = readFileSync(path);
    const records: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at));
      expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
      const data = bytes.subarray(at + 12, at + 12 + length);
      expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
      records.push(data);
      at += 16 + length;
    }
    expect(records).toHaveLength(2);
    expect(records[0]!.toString('latin1')).toContain('brain.Event:2');
    // step 300 as a varint in field 2, then summary { value { tag, simple value } } without the NaN.
    expect(records[1]!.subarray(9, 12)).toEqual(Buffer.of(0x10, 0xac, 0x02));
    const value = Buffer.concat([Buffer.of(0x0a, 10), Buffer.from('train/loss'), Buffer.of(0x15, 0, 0, 0, 0x3f)]);
    expect(records[1]!.subarray(12)).toEqual(
      Buffer.concat([Buffer.of(0x2a, value.length + 2, 0x0a, value.length), value]),
    );
  });
});

describe('TensorBoard sink', () => {
  it('goes on behind the whole records of a file that was cut', () => {
    const path = join(root, 'events');
    const first = createTensorBoardSink(path);
    for (const agentSteps of [1, 2]) first.write({ agentSteps, values: { 'train/loss': 1 } });
    const state = first.getState!();
    first.close!();
    const whole = readFileSync(path);
    truncateSync(path, whole.length - 5);
    const second = createTensorBoardSink(path);
    second.setState!(state);
    expect(second.lost!()).toMatch(
      /events lacks its last \d+ bytes before the checkpoint: TensorBoard shows a gap there/,
    );
    second.write({ agentSteps: 2, values: { 'train/loss': 1 } });
    second.close!();
    const again = readFileSync(path);
    expect(again.length).toBe(whole.length);
    // A new run begins the file anew.
    const third = createTensorBoardSink(path);
    third.write({ agentSteps: 1, values: { 'train/loss': 1 } });
    third.close!();
    expect(readFileSync(path).length).toBeLessThan(whole.length);
  });

  it('begins a file anew that is gone, with its folder or without, and says so', () => {
    const folder = join(root, 'events');
    const path = join(folder, 'file');
    const open = (state?: StateTree) => {
      const sink = createTensorBoardSink(path);
      if (state !== undefined) sink.setState!(state);
      sink.write({ agentSteps: 1, values: { 'train/loss': 1 } });
      const saved = sink.getState!();
      sink.close!();
      return { saved, lost: sink.lost!() };
    };
    const { saved, lost } = open();
    expect(lost).toBeUndefined();
    const { length } = readFileSync(path);
    for (const gone of [path, folder]) {
      rmSync(gone, { recursive: true });
      expect(open(saved).lost).toBe(
        `${path} is gone: a new one begins here, and TensorBoard shows the run from here on; nothing else is affected`,
      );
      expect(readFileSync(path).length).toBe(length);
    }
    expect(open(saved).lost).toBeUndefined();
  });
});

describe('run statistics', () => {
  it('gives a row per episode and the means of a period', () => {
    const statistics = createRunStatistics(4, () => ({ updates: 2, tensorCount: 7 }));
    expect(statistics.onStep(step({ metrics: { 'train/loss': 1 } }), 1)).toEqual([]);
    expect(statistics.onStep(step({ terminated: true, episodeReturn: 3, episodeAgentSteps: 2 }), 2)).toEqual([
      { agentSteps: 2, values: { 'episode/return': 3, 'episode/lengthAgentSteps': 2, 'episode/count': 1 } },
    ]);
    statistics.onStep(step({ metrics: { 'train/loss': 2 } }), 3);
    const [row] = statistics.onStep(step({}), 4);
    expect(row).toMatchObject({
      agentSteps: 4,
      values: { 'train/loss': 1.5, 'train/meanReturn': 3, 'train/updates': 2, 'process/tensorCount': 7 },
    });
    expect(Object.keys(row!.values).every((tag) => metricDefinition(tag))).toBe(true);
  });
});

describe('progress', () => {
  it('draws a bar that fits a terminal, and lines elsewhere', () => {
    const statistics = createRunStatistics(10, () => ({ updates: 0 }));
    statistics.onStep(step({ truncated: true, episodeReturn: 2.5, metrics: { 'train/loss': 0.01234 } }), 1);
    const terminal = captureOutput(true);
    const options = { label: 'pong', totalAgentSteps: 1000, startAgentSteps: 0, statistics };
    const bar = createProgress({ ...options, output: terminal });
    bar.update(500);
    bar.end(1000);
    const shown = terminal.text.split('\u001b[2K').slice(1);
    expect(shown[0]).toMatch(
      /█+░+ pong 50% {2}500\/1\.0k steps {2}1 episodes {2}return 2\.5 {2}loss 0\.0123 {2}.*left {2}\d+ MB/,
    );
    for (const line of shown) expect(line.trimEnd().length).toBeLessThan(120);
    const plain = captureOutput();
    const lines = createProgress({ ...options, output: plain });
    lines.update(500); // too early for another line
    lines.end(1000);
    expect(plain.text).toMatch(/^pong 100%.*\n$/);
  });

  it('does not count evaluations in its rate', async () => {
    let clock = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
    try {
      const statistics = createRunStatistics(10, () => ({ updates: 0 }));
      const output = captureOutput();
      const options = { label: 'pong', totalAgentSteps: 10_000, startAgentSteps: 0, statistics };
      const progress = createProgress({ ...options, output });
      clock += 11_000;
      progress.update(1100);
      await statistics.timeOut(async () => {
        clock += 600_000;
      });
      clock += 1000;
      progress.update(1200);
      expect(output.text.match(/[\d.]+\/s/g)).toEqual(['100/s', '100/s']);
    } finally {
      now.mockRestore();
    }
  });

  it('stands side by side for several runs on a terminal; what is said goes above it', () => {
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => 0);
    try {
      const terminal = captureOutput(true);
      terminal.columns = 64;
      const { outputs, aside } = shareOutput(terminal, 'seed', ['1', '22']);
      const [one, two] = outputs.map(createStatusLine);
      const last = () => terminal.text.split('\r\u001b[2K').at(-1)!;
      one!.update(() => '40%  4.0k/10k steps  return 2.5');
      expect(last()).toBe('seed 1: 40%  4.0k/10k steps  return 2.5');
      two!.update(() => '41%  4.1k/10k steps  return 2.5');
      expect(last()).toBe('seed 1: 40%  4.0k/10k steps | 22: 41%  4.1k/10k steps');
      one!.update(() => 'too early');
      expect(last()).not.toContain('too early');
      terminal.text = '';
      two!.log('resumed');
      aside(() => terminal.write('a line of the caller\n'));
      const status = '\r\u001b[2Kseed 1: 40%  4.0k/10k steps | 22: 41%  4.1k/10k steps';
      expect(terminal.text).toBe(`\r\u001b[2Kseed 22: resumed\n${status}\r\u001b[2Ka line of the caller\n${status}`);
      terminal.text = '';
      one!.end();
      expect(terminal.text).toBe(
        '\r\u001b[2Kseed 1: 40%  4.0k/10k steps  return 2.5\n\r\u001b[2Kseed 22: 41%  4.1k/10k steps  return 2.5',
      );
      one!.show(() => 'trained: episode 1 of 30, agent step 7');
      expect(last()).toBe('seed 1: trained: episode 1 of 30 | 22: 41%  4.1k/10k steps');
      one!.clear();
      two!.clear();
      expect(last()).toBe('');
      // However narrow, no line is longer than the terminal: it would not be erased whole.
      terminal.columns = 20;
      for (const line of [one, two]) line!.show(() => '100%  10k/10k steps');
      expect(last()).toBe('seed 1: 100% | 22: ');
    } finally {
      clock.mockRestore();
    }
  });

  it('begins with the name of its run where several write lines', () => {
    const plain = captureOutput();
    const statistics = createRunStatistics(10, () => ({ updates: 0 }));
    const { outputs } = shareOutput(plain, 'seed', ['1', '2']);
    const options = { label: 'pong', totalAgentSteps: 1000, startAgentSteps: 0, statistics };
    outputs.forEach((output, index) => {
      const progress = createProgress({ ...options, output });
      progress.log('resumed');
      progress.end(500 * (index + 1));
    });
    expect(plain.text).toMatch(/^seed 1: resumed\nseed 1: 50% {2}.*\nseed 2: resumed\nseed 2: 100% {2}.*\n$/);
  });

  it('writes numbers as people read them', () => {
    expect([999, 1234, 56_789, 1.5e6].map(count)).toEqual(['999', '1.2k', '57k', '1.50M']);
    expect([0, 0.000012, 0.01234, 2.456, 12345].map(number)).toEqual(['0', '1.2e-5', '0.0123', '2.46', '12345']);
    expect([5, 200, 3720].map(duration)).toEqual(['5s', '3m20s', '1h02m']);
  });
});
