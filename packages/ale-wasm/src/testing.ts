// What the tests share: golden data, real ROMs (skipped visibly where there are none), checksums.
import { readFileSync } from 'node:fs';
// @ts-expect-error a plain script, shared with the benchmarks
import { loadRoms } from '../scripts/roms.mjs';
import { GAMES } from './games.ts';

/** A JSON file of testdata/ale. */
// biome-ignore lint/suspicious/noExplicitAny: measured data of many forms, read by tests only
export function golden(name: string): any {
  return JSON.parse(readFileSync(new URL(`../../../testdata/ale/${name}`, import.meta.url), 'utf8'));
}

/** ROMs of the supported games by id; empty without pip or uv. With MOE_RL_REQUIRE_ROMS=1 missing ones are an error. */
export const ROMS: ReadonlyMap<string, Uint8Array> = loadRoms(GAMES);
export const HAS_ROMS = ROMS.size === GAMES.length;
export function rom(id: string): Uint8Array {
  const bytes = ROMS.get(id);
  if (!bytes) throw new Error(`no ROM of ${id}`);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c >>> 0;
});
/** CRC-32 as zlib's. */
export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = (CRC_TABLE[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** The golden data's action sequence: indices below `choices`, each held for `hold` acts. */
export function lcgIndices(seed: number, count: number, choices: number, hold: number): number[] {
  let x = seed >>> 0;
  let index = 0;
  return Array.from({ length: count }, (_, t) => {
    if (t % hold === 0) {
      x = (Math.imul(1664525, x) + 1013904223) >>> 0;
      index = (x >>> 16) % choices;
    }
    return index;
  });
}
