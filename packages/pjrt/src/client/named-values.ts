// Options by name, as the C interface takes them.
import { valueTypes } from '../c-api/facts.generated.ts';
import { layoutOf, Struct } from '../c-api/struct.ts';
import type { NativeAccess } from '../native/native-access.ts';

export type NamedValues = Readonly<Record<string, string | boolean | number | bigint>>;

/** An array of `PJRT_NamedValue`; `keep` must live during the call that it is passed to. */
export interface EncodedNamedValues {
  readonly address: bigint;
  readonly count: number;
  readonly keep: readonly unknown[];
}

/** Strings, booleans, 64-bit integers (`bigint`) and floats (`number`). */
export function encodeNamedValues(native: NativeAccess, values: NamedValues): EncodedNamedValues {
  const entries = Object.entries(values);
  const stride = Math.ceil(layoutOf('NamedValue').size / 8) * 8;
  const list = new Uint8Array(Math.max(1, entries.length) * stride);
  const keep: unknown[] = [list];
  const addressOf = (text: string) => {
    const bytes = new TextEncoder().encode(`${text}\0`);
    keep.push(bytes);
    return { address: native.addressOf(bytes), size: bytes.length - 1 };
  };
  for (const [index, [name, value]] of entries.entries()) {
    const { address, size } = addressOf(name);
    const struct = new Struct('NamedValue', { name: address, name_size: size, value_size: 1 });
    if (typeof value === 'string') {
      const text = addressOf(value);
      struct.set('type', valueTypes.kString).set('value', text.address).set('value_size', text.size);
    } else if (typeof value === 'boolean') {
      struct.set('type', valueTypes.kBool).set('value', value ? 1 : 0);
    } else if (typeof value === 'bigint') {
      struct.set('type', valueTypes.kInt64).set('value', value);
    } else {
      const bits = new DataView(new ArrayBuffer(4));
      bits.setFloat32(0, value);
      struct.set('type', valueTypes.kFloat).set('value', bits.getUint32(0));
    }
    list.set(struct.bytes, index * stride);
  }
  return { address: native.addressOf(list), count: entries.length, keep };
}
