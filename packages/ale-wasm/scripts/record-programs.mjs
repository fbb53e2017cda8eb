// Writes testdata/ale/programs.json: ALE's RAM after the programs of test-programs.mjs. `node --conditions=@moe-rl/source scripts/record-programs.mjs`.
import { writeFileSync } from 'node:fs';
import { AleProcess, alePython } from './fuzz/ale.mjs';
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
const file = new URL('../../../testdata/ale/programs.json', import.meta.url);
writeFileSync(file, `${JSON.stringify({ source: 'ale-py 0.12.1', frames: PROGRAM_FRAMES, ram }, null, 1)}\n`);
