// The GPU benchmark's measuring over sides that are not there: who takes turns, what a failure leaves, where a column ends.
import { describe, expect, test } from 'vitest';
import { SideError, startAgainSide, startSide } from './line-process.mjs';
import { measureSides } from './measuring.mjs';
import { cellRows } from './rows.mjs';

/** A side that answers with the same time always, and fails where it is told to. */
function side(milliseconds, failure = () => undefined, measures = ['learn', 'act']) {
  const asked = [];
  return {
    asked,
    async ask(request) {
      asked.push(request);
      const error = failure(request);
      if (error !== undefined) throw error;
      if (request.do === 'prepare') return { prepareSeconds: 1, measures };
      return request.do === 'release' ? {} : { times: Array(request.calls).fill(milliseconds) };
    },
  };
}

const plan = (cells) => ({
  networks: ['nature', 'impala'],
  batches: [32, 64, 128],
  quick: true,
  isTimeUp: () => false,
  onCell: (made) => cells.push(...made),
});
const find = (cells, what, network, batch, name) =>
  cells.find((c) => c.what === what && c.network === network && c.batch === batch && c.side === name);

describe('measuring sides', () => {
  test('every network is learned with at every batch size and acts once', async () => {
    const cells = [];
    const ours = side(2);
    await measureSides([{ name: 'ours', side: ours }], plan(cells));
    expect(cells.map(({ what, network, batch }) => `${what} ${network} ${batch}`)).toEqual([
      ...['learn nature 32', 'act nature 1', 'learn impala 32', 'act impala 1'],
      ...['learn nature 64', 'learn impala 64', 'learn nature 128', 'learn impala 128'],
    ]);
    expect(cells.every(({ milliseconds }) => milliseconds === 2)).toBe(true);
    expect(ours.asked.filter((request) => request.do === 'release')).toHaveLength(6);
  });

  test('out of memory at a batch size ends that column, with its name, and no other', async () => {
    const full = (request) =>
      request.do === 'prepare' && request.network === 'impala' && request.batch === 64
        ? new SideError('PJRT_Client_Compile: RESOURCE_EXHAUSTED: 90 GB', { isOutOfMemory: true })
        : undefined;
    const cells = [];
    const sides = [
      { name: 'ours', side: side(2, full) },
      { name: 'jax', side: side(3) },
    ];
    await measureSides(sides, plan(cells));
    expect(find(cells, 'learn', 'impala', 64, 'ours').reason).toBe(
      'out of memory: PJRT_Client_Compile: RESOURCE_EXHAUSTED: 90 GB',
    );
    expect(find(cells, 'learn', 'impala', 128, 'ours').reason).toBe('not tried: out of memory at batch 64');
    expect(find(cells, 'learn', 'nature', 128, 'ours').milliseconds).toBe(2);
    expect(find(cells, 'learn', 'impala', 128, 'jax').milliseconds).toBe(3);
  });

  test('a side that breaks while it is measured leaves its reason, and the others go on', async () => {
    const broken = (request) => (request.do === 'learn' ? new SideError('it ended with SIGSEGV') : undefined);
    const cells = [];
    await measureSides(
      [
        { name: 'ours', side: side(2, broken) },
        { name: 'jax', side: side(3) },
      ],
      plan(cells),
    );
    expect(find(cells, 'learn', 'nature', 64, 'ours')).toMatchObject({ reason: 'it ended with SIGSEGV' });
    expect(find(cells, 'act', 'nature', 1, 'ours').milliseconds).toBe(2);
    expect(find(cells, 'learn', 'nature', 64, 'jax').milliseconds).toBe(3);
  });

  test('a side whose process ended is not asked for the larger batches of that network, but for other networks', async () => {
    const crash = (request) =>
      request.do === 'prepare' && request.network === 'nature' && request.batch === 32
        ? new SideError('it ended with SIGSEGV', { hasEnded: true })
        : undefined;
    const cells = [];
    await measureSides([{ name: 'ours', side: side(2, crash) }], plan(cells));
    expect(find(cells, 'learn', 'nature', 128, 'ours').reason).toBe('not tried: at batch 32 it ended with SIGSEGV');
    expect(find(cells, 'learn', 'impala', 128, 'ours').milliseconds).toBe(2);
  });

  test('what is done is not measured again, for each side by itself', async () => {
    const cells = [];
    const [ours, jax] = [side(2), side(3)];
    const sides = [
      { name: 'ours', side: ours },
      { name: 'jax', side: jax },
    ];
    const isDone = (name, network) => network === 'nature' || name === 'ours';
    await measureSides(sides, { ...plan(cells), isDone });
    expect(ours.asked).toEqual([]);
    expect(new Set(cells.map(({ side: name, network }) => `${name} ${network}`))).toEqual(new Set(['jax impala']));
  });

  test('what has not begun when the time is up is left out by name', async () => {
    const cells = [];
    const ours = side(2);
    await measureSides([{ name: 'ours', side: ours }], { ...plan(cells), isTimeUp: () => ours.asked.length > 20 });
    expect(cells[0].milliseconds).toBe(2);
    expect(cells.at(-1).reason).toBe('not measured: the time was up');
  });
});

test("a row holds JAX's time of the same step beside ours", () => {
  const cell = (name, what, milliseconds) => ({ what, network: 'nature', batch: 32, side: name, milliseconds });
  const peers = [cell('jax', 'learn', 4), cell('jax', 'resident', 3)];
  const rows = cellRows([cell('ours', 'learn', 5), cell('ours', 'update', 6), ...peers], peers);
  expect(rows.map(({ name, ours, peer, ratio }) => [name, ours, peer, ratio])).toEqual([
    ['learn/nature/b32/ours', 5, 4, 1.25],
    ['update/nature/b32/ours', 6, 4, 1.5],
    ['resident/nature/b32/jax', 3, null, null],
  ]);
  expect(rows[0].samplesPerSecond).toBe(6400);
});

describe('a side in a process of its own', () => {
  const start = (program) => startSide({ command: process.execPath, args: ['-e', program] });
  const answering =
    "process.stdin.on('data', (text) => { const { do: what } = JSON.parse(text); if (what === 'crash') { console.error('no driver'); process.abort(); } if (what !== 'hang') console.log('noise\\n' + JSON.stringify(what === 'ok' ? { times: [1] } : { error: 'RESOURCE_EXHAUSTED', isOutOfMemory: true })); })";

  test('answers, refuses, and ends by itself', async () => {
    const side = start(answering);
    expect(await side.ask({ do: 'ok' })).toEqual({ times: [1] });
    await expect(side.ask({ do: 'full' })).rejects.toMatchObject({ isOutOfMemory: true });
    await side.stop();
    await expect(side.ask({ do: 'ok' })).rejects.toThrow('it ended with code 0');
  });

  test('noise that looks like an answer is none', async () => {
    const side = start("process.stdin.on('data', () => console.log('{cuda: 12}\\n' + JSON.stringify({ times: [1] })))");
    expect(await side.ask({ do: 'ok' })).toEqual({ times: [1] });
    await side.stop();
  });

  test('one that was killed for its silence is gone when it is stopped', async () => {
    const side = start(`process.on('exit', () => {}); ${answering}`);
    await side.ask({ do: 'ok' });
    await expect(side.ask({ do: 'hang' }, 0.1)).rejects.toMatchObject({ hasEnded: true });
    await side.stop();
    // Its own words come after the reason of the first to say why.
    await expect(side.ask({ do: 'ok' })).rejects.toThrow('it did not answer within 0.1 s');
  });

  test('one that ended is started anew for the next network, a few times', async () => {
    let starts = 0;
    const side = startAgainSide(() => {
      starts++;
      return start(
        "process.stdin.on('data', (text) => { const { do: what, network } = JSON.parse(text); if (network === 'bad') process.abort(); console.log(JSON.stringify({ what })); })",
      );
    });
    expect(await side.ask({ do: 'prepare', network: 'good' })).toEqual({ what: 'prepare' });
    await expect(side.ask({ do: 'prepare', network: 'bad' })).rejects.toThrow('it ended with SIGABRT');
    // What belongs to a network that was being measured has no process to go to.
    await expect(side.ask({ do: 'learn' })).rejects.toThrow('it ended with SIGABRT');
    expect(starts).toBe(1);
    expect(await side.ask({ do: 'prepare', network: 'good' })).toEqual({ what: 'prepare' });
    for (let time = 0; time < 8; time++) await side.ask({ do: 'prepare', network: 'bad' }).catch(() => {});
    expect(starts).toBe(5);
    await side.stop();
  });

  test('of what a crash prints, the line that says what went wrong is told', async () => {
    const side = start(
      "process.stderr.write('Fatal Python error: Segmentation fault\\n\\nExtension modules: numpy\\n', () => process.exit(3))",
    );
    await expect(side.ask({ do: 'ok' })).rejects.toThrow(
      'it ended with code 3: Fatal Python error: Segmentation fault',
    );
  });

  test('a crash, silence and a program that is not there are reasons', async () => {
    await expect(start(answering).ask({ do: 'crash' })).rejects.toThrow(/it ended with SIGABRT: /);
    await expect(start(answering).ask({ do: 'hang' }, 0.3)).rejects.toThrow('it did not answer within 0.3 s');
    const absent = startSide({ command: '/nowhere/python', args: [] });
    await expect(absent.ask({ do: 'ok' })).rejects.toThrow(/\/nowhere\/python can't be started/);
  });
});
