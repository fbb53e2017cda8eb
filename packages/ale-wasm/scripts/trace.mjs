// Traces of ALE in the form ALT1: gzip of "ALT1", header length (u32), a JSON header, columns. The form and the way a trace is played are described
// in testdata/ale/README.md, so that others can bring their own.
import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';
import { Ale } from '../src/index.ts';

const TYPES = { u8: Uint8Array, i32: Int32Array, u32: Uint32Array };

export function readTrace(path) {
  const bytes = gunzipSync(readFileSync(path));
  if (bytes.toString('latin1', 0, 4) !== 'ALT1') throw new Error(`${path} is no ALT1 trace`);
  const headerEnd = 8 + bytes.readUInt32LE(4);
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd));
  const columns = {};
  for (const { name, type, count, offset } of header.columns) {
    const start = bytes.byteOffset + headerEnd + offset;
    columns[name] = new TYPES[type](bytes.buffer.slice(start, start + count * TYPES[type].BYTES_PER_ELEMENT));
  }
  return { ...header, columns };
}

/** Plays a trace; returns undefined, or what differed first. */
export function playTrace(trace, rom, { frames = trace.steps } = {}) {
  const ale = new Ale(rom, {
    frameSkip: trace.frame_skip,
    repeatActionProbability: trace.repeat_action_probability,
    randomSeed: trace.random_seed,
  });
  if (trace.setup.length > 1) {
    if (trace.mode !== null && trace.mode !== undefined) ale.setMode(trace.mode);
    if (trace.difficulty !== null && trace.difficulty !== undefined) ale.setDifficulty(trace.difficulty);
    ale.reset();
  }
  const differs = (what, got, expected) => `${what} is ${got}, expected ${expected}`;
  const compare = (ramCrc, screenCrc, lives) => {
    const ram = crc32(ale.ram());
    if (ram !== ramCrc) return differs('RAM checksum', ram, ramCrc);
    const screen = crc32(ale.screen());
    if (screen !== screenCrc) return differs('screen checksum', screen, screenCrc);
    return ale.lives === lives ? undefined : differs('lives', ale.lives, lives);
  };
  const { initial, columns } = trace;
  let difference = compare(initial.ram_crc, initial.screen_crc, initial.lives);
  if (difference) return `before frame 0: ${difference}`;
  const resets = new Map(trace.resets.map(([step, ...state]) => [step, state]));
  for (let t = 0; t < Math.min(frames, trace.steps); t++) {
    const reward = ale.act(trace.minimal_actions[columns.action_index[t]]);
    difference =
      reward === columns.reward[t]
        ? compare(columns.ram_crc[t], columns.screen_crc[t], columns.lives[t])
        : differs('reward', reward, columns.reward[t]);
    difference ??=
      Number(ale.isOver) === columns.game_over[t]
        ? undefined
        : differs('game over', Number(ale.isOver), columns.game_over[t]);
    if (difference) return `frame ${t}: ${difference}`;
    if (columns.game_over[t]) {
      ale.reset();
      difference = compare(...resets.get(t));
      if (difference) return `reset after frame ${t}: ${difference}`;
    }
  }
  return undefined;
}
