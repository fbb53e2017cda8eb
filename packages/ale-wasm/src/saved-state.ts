// The form of a saved state: a header that names version, ROM and seed, the core's bytes, and a checksum. Under 1 KiB.
import { AleStateError } from './errors.ts';
import { fnv1a } from './fnv1a.ts';

const MAGIC = 0x31534c41; // "ALS1"
const VERSION = 1;
const HEADER_BYTES = 20;

/** Magic, version and flags (1: with random stream), ROM hash, seed, length; body; checksum. */
export function encodeState(body: Uint8Array, romHash: number, seed: number, withRandom: boolean): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, withRandom ? 1 : 0, true);
  view.setUint32(8, romHash, true);
  view.setUint32(12, seed, true);
  view.setUint32(16, body.length, true);
  bytes.set(body, HEADER_BYTES);
  view.setUint32(bytes.length - 4, fnv1a(bytes.subarray(0, bytes.length - 4)), true);
  return bytes;
}

/** @throws AleStateError when the bytes are no state, or one of another version or ROM. */
export function decodeState(
  bytes: Uint8Array,
  romHash: number,
  bodyBytes: number,
  game: string,
): { body: Uint8Array; seed: number; withRandom: boolean } {
  if (!(bytes instanceof Uint8Array)) throw new AleStateError('the saved state is no Uint8Array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES + 4 || view.getUint32(0, true) !== MAGIC)
    throw new AleStateError(`these ${bytes.length} bytes are no saved state of this emulator`);
  const version = view.getUint16(4, true);
  if (version !== VERSION) throw new AleStateError(`the saved state has version ${version}; expected ${VERSION}`);
  if (view.getUint32(8, true) !== romHash)
    throw new AleStateError(`the saved state belongs to another ROM than that of ${game}`);
  const length = view.getUint32(16, true);
  if (length !== bodyBytes || bytes.length !== HEADER_BYTES + bodyBytes + 4)
    throw new AleStateError(`the saved state has ${bytes.length} bytes; expected ${HEADER_BYTES + bodyBytes + 4}`);
  if (view.getUint32(bytes.length - 4, true) !== fnv1a(bytes.subarray(0, bytes.length - 4)))
    throw new AleStateError('the saved state is damaged: its checksum is wrong');
  return {
    body: bytes.subarray(HEADER_BYTES, HEADER_BYTES + length),
    seed: view.getUint32(12, true),
    withRandom: (view.getUint16(6, true) & 1) === 1,
  };
}
