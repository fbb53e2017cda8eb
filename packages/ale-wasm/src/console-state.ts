// The form of a batch console's whole state: its memory, as it is, behind a header that says which ROM and which build of the emulator it belongs to.
// Unlike the small saved states, which are made to last and to be passed around, this one is made for going on exactly.
import { CORE_BUILD } from './core.ts';
import { AleStateError } from './errors.ts';
import { fnv1a } from './fnv1a.ts';

const MAGIC = 0x31434c41; // "ALC1"
const HEADER_BYTES = 20;

/** Magic, build, ROM hash, length, checksum; memory. */
export function encodeConsole(memory: Uint8Array, romHash: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + memory.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, CORE_BUILD, true);
  view.setUint32(8, romHash, true);
  view.setUint32(12, memory.length, true);
  view.setUint32(16, fnv1a(memory), true);
  bytes.set(memory, HEADER_BYTES);
  return bytes;
}

/** @throws AleStateError when the bytes are no such state, or of another ROM, build or configuration, or damaged. */
export function decodeConsole(bytes: Uint8Array, romHash: number, length: number, game: string): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new AleStateError("the console's state is no Uint8Array");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new AleStateError(`these ${bytes.length} bytes are no state of a batch console`);
  if (view.getUint32(4, true) !== CORE_BUILD)
    throw new AleStateError("the console's state was made by another build of the emulator");
  if (view.getUint32(8, true) !== romHash)
    throw new AleStateError(`the console's state belongs to another ROM than that of ${game}`);
  const body = bytes.subarray(HEADER_BYTES);
  if (view.getUint32(12, true) !== length || body.length !== length)
    throw new AleStateError(
      `the console's state has ${body.length} bytes; expected ${length}: it is of another configuration, or cut off`,
    );
  if (view.getUint32(16, true) !== fnv1a(body))
    throw new AleStateError("the console's state is damaged: its checksum is wrong");
  return body;
}
