// A module of translated functions. It takes memory, table and functions from an instance of the core and puts its own into the table.
import { IMPORTS, SIGNATURES, type SignatureName } from './layout.ts';
import { signedLeb, unsignedLeb } from './leb.ts';

const I32 = 0x7f;
const SIGNATURE_NAMES = Object.keys(SIGNATURES) as SignatureName[];

const name = (text: string) => [...unsignedLeb(text.length), ...[...text].map((letter) => letter.charCodeAt(0))];
const vector = (items: readonly (readonly number[])[]) => [unsignedLeb(items.length), ...items];
/** A section: its id, its size, its parts. */
function section(id: number, parts: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return [[id, ...unsignedLeb(size)], ...parts];
}

/** `bodies[i]` will be at index `firstEntry + i` of the core's table. */
export function buildModule(bodies: readonly (readonly number[])[], firstEntry: number): Uint8Array {
  const types = SIGNATURE_NAMES.map((signature) => {
    const { parameters, results } = SIGNATURES[signature];
    return [0x60, parameters, ...Array(parameters).fill(I32), results, ...Array(results).fill(I32)];
  });
  const imports = [
    [...name('core'), ...name('memory'), 0x02, 0x00, 1],
    [...name('core'), ...name('table'), 0x01, 0x70, 0x00, ...unsignedLeb(firstEntry + bodies.length)],
    ...IMPORTS.map((entry) => [...name('core'), ...name(entry.name), 0x00, SIGNATURE_NAMES.indexOf(entry.signature)]),
  ];
  const indices = bodies.map((_, i) => unsignedLeb(IMPORTS.length + i));
  const element = [0x00, 0x41, ...signedLeb(firstEntry), 0x0b, ...unsignedLeb(bodies.length), ...indices.flat()];
  const parts = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector(imports)),
    ...section(3, vector(bodies.map(() => [0]))),
    ...section(9, vector([element])),
    ...section(10, [unsignedLeb(bodies.length), ...bodies.flatMap((body) => [unsignedLeb(body.length), body])]),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
