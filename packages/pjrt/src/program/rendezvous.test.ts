// Who runs with whom, without a device.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Rendezvous } from './rendezvous.ts';

/** Three members, and what ran with whom. */
function three(patienceMs = 10_000) {
  const ran: string[] = [];
  const rendezvous = new Rendezvous<{ readonly entryName: string; readonly done: () => void }>({
    costOf: (name) => ({ act: 1, sync: 2, learn: 9 })[name]!,
    patienceMs,
    async execute(name, calls) {
      ran.push(`${name} ${[...calls.keys()].join('')}`);
      await sleep(1);
      for (const { done } of calls.values()) done();
    },
  });
  for (const place of [0, 1, 2]) rendezvous.join(place);
  const call = (place: number, entryName: string): Promise<void> =>
    new Promise((done) => rendezvous.call(place, { entryName, done }));
  return { rendezvous, ran, call };
}

describe('members of a batch', () => {
  test('run together when all have called, in whatever order they came', async () => {
    const { ran, call } = three();
    const first = [call(2, 'learn'), call(0, 'learn')];
    await sleep(5);
    expect(ran).toEqual([]);
    await Promise.all([...first, call(1, 'learn')]);
    expect(ran).toEqual(['learn 012']);
  });

  test('who waits for the dearest call is joined by those that had another one before', async () => {
    const { ran, call } = three();
    const go = async (place: number, names: readonly string[]): Promise<void> => {
      for (const name of names) await call(place, name);
    };
    await Promise.all([go(0, ['learn']), go(1, ['act', 'learn']), go(2, ['sync', 'act', 'learn'])]);
    expect(ran).toEqual(['act 1', 'sync 2', 'act 2', 'learn 012']);
  });

  test('are passed over for cheaper calls a hundred times, not for ever', async () => {
    const { rendezvous, ran, call } = three(30);
    rendezvous.leave(2);
    const learning = call(0, 'learn');
    let acted = 0;
    while (acted < 150 && !ran.includes('learn 0')) {
      await call(1, 'act');
      acted++;
    }
    expect(ran.indexOf('learn 0')).toBe(100);
    rendezvous.leave(1);
    await learning;
  });

  test('are not waited for when they left, or stay away for long', async () => {
    const { rendezvous, ran, call } = three(30);
    const waiting = call(0, 'act');
    rendezvous.leave(1);
    await waiting;
    expect(ran).toEqual(['act 0']);
    const startMs = performance.now();
    for (let turn = 0; turn < 5; turn++) await call(0, 'learn');
    // Away since the first call: no turn after it waits.
    expect(performance.now() - startMs).toBeLessThan(5 * 30);
    await Promise.all([call(0, 'act'), call(2, 'act')]);
    const late = call(0, 'learn');
    await sleep(10);
    expect(ran.at(-1)).not.toBe('learn 0');
    await Promise.all([late, call(2, 'learn')]);
    expect(ran.at(-1)).toBe('learn 02');
  });

  test('get back what will never run when they leave', () => {
    const { rendezvous, ran, call } = three();
    void call(0, 'act');
    void call(0, 'learn');
    expect(rendezvous.leave(0).map(({ entryName }) => entryName)).toEqual(['act', 'learn']);
    rendezvous.leave(1);
    rendezvous.leave(2);
    expect(ran).toEqual([]);
  });
});
