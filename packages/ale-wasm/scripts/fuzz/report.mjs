// Finds where two plays of a case part, makes the case smaller while they still do, and says it in words.
import { COLUMNS, playOurs } from './ours.mjs';

/** The first row and column that differ, or `{ error }`; undefined when all is equal. */
export function findDifference(ours, theirs) {
  if (ours.error || theirs.error)
    return ours.error && theirs.error
      ? undefined
      : { row: 0, column: -1, text: `ours: ${ours.error ?? 'plays'}; ALE: ${theirs.error ?? 'plays'}` };
  for (let row = 0; row < theirs.rows.length; row++)
    for (let column = 0; column < COLUMNS.length; column++)
      if (ours.rows[row]?.[column] !== theirs.rows[row][column]) return { row, column };
  return undefined;
}

async function differs(fuzzCase, ale) {
  const theirs = await ale.play(fuzzCase);
  if (theirs.lost) return undefined;
  try {
    return findDifference({ rows: playOurs(fuzzCase) }, theirs);
  } catch (error) {
    return findDifference({ error: error.message }, theirs);
  }
}

const NOP = 0xea;
/** Fewer operations, and for random programs fewer instructions, as long as something differs. */
export async function shrink(fuzzCase, ale, tries = 160, seconds = 20) {
  const until = performance.now() + seconds * 1000;
  let best = fuzzCase;
  const found = await differs(best, ale);
  if (found === undefined || found.column < 0) return best;
  best = { ...best, operations: best.operations.slice(0, found.row) };
  const atLeast = Math.min(found.row, 1);
  const attempt = async (candidate) => {
    if (tries-- <= 0 || performance.now() > until) return false;
    const difference = await differs(candidate, ale);
    if (difference === undefined || difference.column < 0 || difference.row < atLeast) return false;
    best = { ...candidate, operations: candidate.operations.slice(0, difference.row) };
    return true;
  };
  for (let size = Math.ceil(best.operations.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0)
    for (let at = 0; at < best.operations.length && tries > 60; )
      if (!(await attempt({ ...best, operations: best.operations.toSpliced(at, size) }))) at += size;
  if (!best.kind.startsWith('program')) return best;
  for (let size = 512; size >= 1; size >>= 1)
    for (let at = 0; at < best.rom.length && tries > 0; at += size) {
      // The end of a bank holds jumps and vectors: without them a program runs anywhere.
      if ((at & 0x7ff) + size > 0x7d0) continue;
      if (best.rom.subarray(at, at + size).every((byte) => byte === NOP)) continue;
      const rom = best.rom.slice();
      rom.fill(NOP, at, at + size);
      await attempt({ ...best, rom });
    }
  return best;
}

const hex = (value, digits = 2) => (value ?? 0).toString(16).padStart(digits, '0');
/** Runs of bytes that are no NOP, as offset: bytes. */
function listing(rom) {
  const parts = [];
  for (let at = 0; at < rom.length; ) {
    if (rom[at] === NOP) {
      at++;
      continue;
    }
    let end = at;
    while (end < rom.length && !(rom[end] === NOP && rom[end + 1] === NOP)) end++;
    parts.push(
      `${hex(at, 4)}: ${[...rom.subarray(at, Math.min(end, at + 48))].map((byte) => hex(byte)).join(' ')}${end > at + 48 ? ' ...' : ''}`,
    );
    at = end;
  }
  return parts;
}

export async function describeDifference(fuzzCase, ale) {
  const found = await differs(fuzzCase, ale);
  const head = `DIFFERENCE: --seed ${fuzzCase.seed} --cases 1 (${fuzzCase.kind} as ${fuzzCase.game}, frame skip ${fuzzCase.frameSkip}, sticky ${fuzzCase.repeat}${fuzzCase.averaged ? ', colors averaged' : ''}, random seed ${fuzzCase.randomSeed})`;
  if (found === undefined) return `${head}\n  does not show again`;
  if (found.column < 0) return `${head}\n  ${found.text}`;
  const { row, column } = found;
  const theirs = (await ale.play(fuzzCase, row)).rows[row];
  const ours = playOurs(fuzzCase, { dump: row })[row];
  const lines = [head, `  after operation ${row} of ${JSON.stringify(fuzzCase.operations)}:`];
  if (column < 4) lines.push(`  ${COLUMNS[column]} is ${ours[column]}, ALE has ${theirs[column]}`);
  const bytes = [
    ['RAM', ours[6], Buffer.from(theirs[6], 'hex')],
    ['screen', ours[7], Buffer.from(theirs[7], 'base64')],
  ];
  for (const [name, mine, other] of bytes) {
    if (mine.length !== other.length) lines.push(`  ${name} has ${mine.length} bytes, ALE has ${other.length}`);
    const at = mine.findIndex((byte, i) => byte !== other[i]);
    if (at < 0) continue;
    const where = name === 'RAM' ? `$${hex(0x80 + at)}` : `pixel ${at % 160} of row ${Math.floor(at / 160)}`;
    const many = mine.reduce((sum, byte, i) => sum + (byte !== other[i] ? 1 : 0), 0);
    lines.push(`  ${name}: first ${where} is $${hex(mine[at])}, ALE has $${hex(other[at])}; ${many} bytes differ`);
  }
  const plain = playOurs(fuzzCase, { translateRom: false })[row];
  if (COLUMNS.every((_, i) => plain[i] === theirs[i])) lines.push('  the interpreter alone agrees with ALE');
  if (fuzzCase.kind.startsWith('program'))
    lines.push(
      ...listing(fuzzCase.rom)
        .slice(0, 12)
        .map((part) => `  ${part}`),
    );
  return lines.join('\n');
}
