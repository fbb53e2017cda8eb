// Argument structs of PJRT's C interface as bytes in JavaScript, laid out by the facts of its header.
import { type FieldKind, structs } from './facts.generated.ts';

export type StructName = keyof typeof structs;
/** Names of a struct's fields. */
export type FieldName<Name extends StructName> = (typeof structs)[Name][number][0];

interface FieldLayout {
  readonly offset: number;
  readonly kind: FieldKind;
}

/** Where the fields of a struct lie, and its size as the header counts it: up to the end of the last field. */
export interface StructLayout {
  readonly fields: ReadonlyMap<string, FieldLayout>;
  readonly size: number;
}

const widths: Readonly<Record<FieldKind, number>> = { word: 8, int: 4, bool: 1, float: 4 };
const layouts = new Map<StructName, StructLayout>();

/** The layout of a struct: every struct begins with its own size and a pointer to extensions, 8 bytes each. */
export function layoutOf(name: StructName): StructLayout {
  const known = layouts.get(name);
  if (known) return known;
  let size = 16;
  const fields = new Map<string, FieldLayout>();
  for (const [field, kind] of structs[name] as readonly (readonly [string, FieldKind])[]) {
    const width = widths[kind];
    const offset = Math.ceil(size / width) * width;
    fields.set(field, { offset, kind });
    size = offset + width;
  }
  const layout = { fields, size };
  layouts.set(name, layout);
  return layout;
}

/** One struct. It owns its bytes and holds whatever its pointers point to: keep it alive while native code may use it. */
export class Struct<Name extends StructName = StructName> {
  readonly name: Name;
  /** Padded to whole words, as the compiler pads it. */
  readonly bytes: Uint8Array;
  /** What the pointers point to. An array whose address alone is passed may be collected before native code reads it. */
  kept: readonly unknown[];
  readonly #layout: StructLayout;
  readonly #view: DataView;

  constructor(
    name: Name,
    values: Partial<Record<FieldName<Name>, bigint | number>> = {},
    kept: readonly unknown[] = [],
  ) {
    this.kept = kept;
    this.name = name;
    this.#layout = layoutOf(name);
    this.bytes = new Uint8Array(Math.ceil(this.#layout.size / 8) * 8);
    this.#view = new DataView(this.bytes.buffer);
    this.#view.setBigUint64(0, BigInt(this.#layout.size), true);
    for (const [field, value] of Object.entries(values)) this.set(field as FieldName<Name>, value as bigint | number);
  }

  set(field: FieldName<Name>, value: bigint | number): this {
    const { offset, kind } = this.#layout.fields.get(field)!;
    if (kind === 'word') this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (kind === 'int') this.#view.setInt32(offset, Number(value), true);
    else if (kind === 'float') this.#view.setFloat32(offset, Number(value), true);
    else this.#view.setUint8(offset, Number(value));
    return this;
  }

  /** A pointer or a 64-bit integer. */
  word(field: FieldName<Name>): bigint {
    return this.#view.getBigUint64(this.#layout.fields.get(field)!.offset, true);
  }

  /** An `int`, an enumeration or a `bool`. */
  number(field: FieldName<Name>): number {
    const { offset, kind } = this.#layout.fields.get(field)!;
    return kind === 'int' ? this.#view.getInt32(offset, true) : this.#view.getUint8(offset);
  }
}
