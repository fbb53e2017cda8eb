// Writes testdata/ale/programs.json: ALE's RAM after the programs of test-programs.mjs and last-read-programs.mjs, and its screens of those of
// picture-programs.mjs and frame-programs.mjs.
// `node --conditions=@moe-rl/source scripts/record-programs.mjs`.
import { writeFileSync } from 'node:fs';
import { averagings, FRAME_PROGRAMS, FRAME_SKIPS, FRAME_STEPS, screensDigest } from './frame-programs.mjs';
import { AleProcess, alePython } from './fuzz/ale.mjs';
import { LAST_READ_GAMES, lastReadPrograms, POKE_ACTS, POKE_PROGRAM, POKED_VALUES } from './last-read-programs.mjs';
import { PICTURES } from './picture-programs.mjs';
import { PROGRAM_FRAMES, PROGRAM_GAME, PROGRAMS } from './test-programs.mjs';

const python = alePython(console.log);
const ram = {};
for (const [name, rom] of Object.entries(PROGRAMS)) {
  const ale = new AleProcess(python); // a process of its own: ALE can crash when it is done with a CV cartridge
  const frames = Array(PROGRAM_FRAMES).fill([0, 0, 1]);
  const operations = [...frames, [1], ...frames];
  const answer = await ale.play(
    { kind: 'program', game: PROGRAM_GAME, rom, randomSeed: 1, frameSkip: 1, repeat: 0, maxFrames: 0, operations },
    operations.length,
  );
  if (answer.rows === undefined) throw new Error(`${name}: ${JSON.stringify(answer)}`);
  ram[name] = answer.rows.at(-1)[6];
  ale.close();
}

/** By program, without and with the colors of two frames averaged: a CRC-32 of all screens for each frame skip. */
const screens = {};
const ale = new AleProcess(python);
for (const [name, rom] of Object.entries(FRAME_PROGRAMS)) {
  screens[name] = [];
  for (const averaged of averagings(name)) {
    const digests = [];
    for (const frameSkip of FRAME_SKIPS) {
      const operations = Array(FRAME_STEPS).fill([0, 0, 1]);
      const { rows } = await ale.play({
        ...{ kind: 'program', game: PROGRAM_GAME, rom, randomSeed: 1, frameSkip, repeat: 0, maxFrames: 0, averaged },
        operations,
      });
      digests.push(screensDigest(rows.slice(1).map((row) => row[5])));
    }
    screens[name].push(digests);
  }
}
/** How the programs below are played. */
const settings = { kind: 'program', game: PROGRAM_GAME, randomSeed: 1, frameSkip: 1, repeat: 0, maxFrames: 0 };
/** By program: a CRC-32 of its screen. */
const pictures = {};
for (const [name, rom] of Object.entries(PICTURES)) {
  const { rows } = await ale.play({ ...settings, rom, operations: Array(PROGRAM_FRAMES).fill([0, 0, 1]) });
  pictures[name] = rows.at(-1)[5];
}
/** By game: a CRC-32 of RAM after ALE has loaded each of its programs. */
const lastReads = {};
for (const game of LAST_READ_GAMES) {
  lastReads[game] = [];
  for (const rom of lastReadPrograms(game)) {
    const settings = { kind: 'program', randomSeed: 1, frameSkip: 1, repeat: 0, maxFrames: 0, operations: [] };
    const { rows } = await ale.play({ ...settings, game, rom });
    lastReads[game].push(rows[0][4]);
  }
}
/** A CRC-32 of RAM after the program that looks for it has found each value on the bus. */
const pokes = [];
for (const value of POKED_VALUES) {
  const operations = [...Array(POKE_ACTS).fill([0, 0, 1]), [6, 0, value], [0, 0, 1]];
  const { rows } = await ale.play({ ...settings, rom: POKE_PROGRAM, operations });
  pokes.push(rows.at(-1)[4]);
}
/** The same after a poke and a restore of the state saved there. */
const restoring = [...Array(POKE_ACTS).fill([0, 0, 1]), [6, 0, POKED_VALUES[4]], [4, 0], [5], [0, 0, 1]];
const restored = (await ale.play({ ...settings, rom: POKE_PROGRAM, operations: restoring })).rows.at(-1)[4];
ale.close();
const file = new URL('../../../testdata/ale/programs.json', import.meta.url);
const recorded = {
  source: 'ale-py 0.12.1',
  frames: PROGRAM_FRAMES,
  ram,
  screens,
  pictures,
  lastReads,
  pokes,
  restored,
};
writeFileSync(file, `${JSON.stringify(recorded, null, 1)}\n`);
