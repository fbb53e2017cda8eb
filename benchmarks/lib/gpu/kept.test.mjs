// Several short runs that make one table of the GPU benchmark.
import { expect, test } from 'vitest';
import { Rows } from './kept.mjs';

const mode = { quick: false, tiny: false };
const row = (what, batch, engine, ours, peer = null, reason = undefined) => ({
  name: `${what}/nature/b${batch}/${engine}`,
  ...{ what, network: 'nature', batch, engine, ours, peer, ratio: ours === null || peer === null ? null : ours / peer },
  ...(reason === undefined ? {} : { reason }),
});
const earlier = (...rows) => new Rows({ file: 'gpu-x.json', report: { rows } }, mode);

test('figures and what there was no memory for are done; what failed or came too late is not', () => {
  const rows = earlier(
    row('learn', 32, 'pjrt-cuda', 2, 4),
    row('learn', 64, 'pjrt-cuda', null, null, 'out of memory: RESOURCE_EXHAUSTED'),
    row('learn', 128, 'pjrt-cuda', null, null, 'not tried: out of memory at batch 64'),
    row('learn', 256, 'pjrt-cuda', null, null, 'not measured: the time was up'),
    row('learn', 512, 'pjrt-cuda', null, null, 'it ended with SIGSEGV'),
  );
  const done = [32, 64, 128, 256, 512, 1024].filter((batch) => rows.isDone('pjrt-cuda', 'nature', batch));
  expect(done).toEqual([32, 64, 128]);
  expect([32, 64].filter((batch) => rows.isDone('jax', 'nature', batch))).toEqual([32]);
  expect(rows.isDone('webgpu', 'nature', 32)).toBe(false);
});

test('a figure takes the place of a reason, and no reason that of a figure', () => {
  const rows = earlier(row('learn', 32, 'webgpu', 2), row('learn', 64, 'webgpu', null, null, 'the time was up'));
  rows.add([row('learn', 32, 'webgpu', null, null, 'it ended'), row('learn', 64, 'webgpu', 5)]);
  expect(rows.all.map(({ ours, reason }) => [ours, reason])).toEqual([
    [2, undefined],
    [5, undefined],
  ]);
  const failed = { name: 'seeds/nature/x5/webgpu', what: 'seeds', network: 'nature', engine: 'webgpu', ours: null };
  const seeds = earlier({ ...failed, reason: 'it ended' });
  seeds.add([{ ...failed, name: 'seeds/nature/x5-each/webgpu', ours: 3 }]);
  expect(seeds.all.map(({ name }) => name)).toEqual(['seeds/nature/x5-each/webgpu']);
});

test('figures of JAX that come later stand beside ours, and serve engines that come later still', () => {
  const rows = earlier(row('learn', 32, 'pjrt-cuda', 2), row('update', 32, 'pjrt-cuda', 3));
  expect(rows.isDone('jax', 'nature', 32)).toBe(false);
  rows.addPeerCells([{ what: 'learn', network: 'nature', batch: 32, side: 'jax', milliseconds: 4 }]);
  expect(rows.all.map(({ peer, ratio }) => [peer, ratio])).toEqual([
    [4, 0.5],
    [4, 0.75],
  ]);
  expect(rows.isDone('jax', 'nature', 32)).toBe(true);
  expect(rows.peerCells).toContainEqual({ what: 'learn', network: 'nature', batch: 32, side: 'jax', milliseconds: 4 });
});

test('runs that measure otherwise make no table together', () => {
  const quick = { file: 'gpu-x.json', report: { rows: [], quick: true } };
  expect(() => new Rows(quick, mode)).toThrow(/gpu-x.json was measured with --quick, this run is without it/);
  expect(() => new Rows({ file: 'gpu-x.json', report: {} }, mode)).toThrow(/has no list of rows/);
});
