import { describe, expect, test } from 'vitest';
import { functionOrder } from './facts.generated.ts';
import { layoutOf, Struct } from './struct.ts';

describe('layouts of argument structs', () => {
  // Sizes as the header's own enumeration counts them (`PJRT_..._STRUCT_SIZE`): up to the end of the last field.
  test.each([
    ['Error_Message', 40],
    ['Error_GetCode', 28],
    ['Event_IsReady', 25],
    ['Client_Compile', 56],
    ['Client_BufferFromHostBuffer', 120],
    ['Buffer_ToHostBuffer', 56],
    ['LoadedExecutable_Execute', 80],
    ['NamedValue', 56],
    ['Program', 48],
  ] as const)('%s has %i bytes', (name, size) => {
    expect(layoutOf(name).size).toBe(size);
    expect(new DataView(new Struct(name).bytes.buffer).getBigUint64(0, true)).toBe(BigInt(size));
  });

  test('a 32-bit field is followed by padding before the next word', () => {
    const { fields } = layoutOf('Client_BufferFromHostBuffer');
    expect([fields.get('type')!.offset, fields.get('dims')!.offset, fields.get('device')!.offset]).toEqual([
      32, 40, 80,
    ]);
    expect(fields.get('done_with_host_buffer')!.offset).toBe(104);
  });

  test('values come back as they were set', () => {
    const struct = new Struct('Client_BufferFromHostBuffer', { data: 2n ** 63n + 5n, type: 11 });
    expect(struct.word('data')).toBe(2n ** 63n + 5n);
    expect(struct.number('type')).toBe(11);
    expect(struct.word('dims')).toBe(0n);
  });
});

test('the table of functions is in the order of the header', () => {
  const at = (name: string) => functionOrder.indexOf(name);
  expect([at('Error_Destroy'), at('Client_Compile'), at('LoadedExecutable_Execute'), at('Compile')]).toEqual([
    0, 20, 55, 89,
  ]);
});
