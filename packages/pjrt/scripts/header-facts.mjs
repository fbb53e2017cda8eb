// Reads the facts that a caller of PJRT's C interface needs (the functions' order, the fields of the argument structs, the enumerations) out of a
// pjrt_c_api.h and writes them as src/c-api/facts.generated.ts. TensorFlow's wheel brings a header:
//   node packages/pjrt/scripts/header-facts.mjs tensorflow/include/tensorflow/compiler/xla/pjrt/c/pjrt_c_api.h
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Argument structs that the client uses, without `PJRT_` and `_Args`. */
const CALLS = [
  'Error_Destroy',
  'Error_Message',
  'Error_GetCode',
  'Plugin_Initialize',
  'Event_Destroy',
  'Event_IsReady',
  'Event_Await',
  'Client_Create',
  'Client_Destroy',
  'Client_PlatformName',
  'Client_PlatformVersion',
  'Client_AddressableDevices',
  'Client_Compile',
  'Client_BufferFromHostBuffer',
  'Device_GetDescription',
  'DeviceDescription_Kind',
  'Device_MemoryStats',
  'Executable_Destroy',
  'Executable_Serialize',
  'Executable_NumOutputs',
  'Executable_GetCompiledMemoryStats',
  'Executable_DeserializeAndLoad',
  'LoadedExecutable_Destroy',
  'LoadedExecutable_GetExecutable',
  'LoadedExecutable_Execute',
  'Buffer_Destroy',
  'Buffer_ReadyEvent',
  'Buffer_ToHostBuffer',
  'TopologyDescription_Create',
  'TopologyDescription_Destroy',
  'Compile',
];
/** Structs that aren't a call's arguments. */
const STRUCTS = ['NamedValue', 'Program', 'ExecuteOptions'];
const ENUMS = { errorCodes: 'PJRT_Error_Code', bufferTypes: 'PJRT_Buffer_Type', valueTypes: 'PJRT_NamedValue' };

const [header] = process.argv.slice(2);
if (header === undefined) throw new Error('expected the path of a pjrt_c_api.h');
const text = readFileSync(header, 'utf8')
  .replace(/\/\/.*$/gm, '')
  .replace(/\/\*[\s\S]*?\*\//g, '');
const version = ['MAJOR', 'MINOR'].map((part) => Number(new RegExp(`#define PJRT_API_${part} (\\d+)`).exec(text)[1]));
const functions = [...text.matchAll(/_PJRT_API_STRUCT_FIELD\(PJRT_(\w+)\)/g)].map(([, name]) => name);
const enumNames = new Set([...text.matchAll(/typedef enum \{[\s\S]*?\} (\w+);/g)].map(([, name]) => name));

function fieldsOf(struct) {
  const body = new RegExp(`struct ${struct} \\{([\\s\\S]*?)\\n\\};`).exec(text)?.[1];
  if (body === undefined) throw new Error(`${header} has no struct ${struct}`);
  return body
    .replace(/union \{[\s\S]*?\};/g, 'int64_t value;')
    .split(';')
    .map((field) => field.trim().replace(/\s+/g, ' '))
    .filter(Boolean)
    .map((field) => {
      const pointer = /\(\*(\w+)\)/.exec(field); // a function pointer
      if (pointer !== null) return [pointer[1], 'word'];
      const match = /^(.*?[\s*])(\w+)$/.exec(field);
      if (match === null) throw new Error(`${struct} has the field "${field}", which is not understood`);
      const [, type, name] = match;
      return [name, kindOf(type.replace(/^const /, '').trim(), `${struct}.${name}`)];
    })
    .filter(([name]) => name !== 'struct_size' && name !== 'extension_start');
}

function kindOf(type, place) {
  if (type.endsWith('*') || /^(size_t|u?int64_t|uintptr_t)$/.test(type) || /Callback|_deleter|Deleter/.test(type))
    return 'word';
  if (type === 'int' || type === 'int32_t' || enumNames.has(type)) return 'int';
  if (type === 'bool') return 'bool';
  if (type === 'float') return 'float';
  throw new Error(`${place} has the type "${type}", which is not known here`);
}

function enumOf(prefix) {
  const values = {};
  for (const [, body] of text.matchAll(/typedef enum \{([\s\S]*?)\} \w+;/g)) {
    let next = 0;
    for (const item of body
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)) {
      const [name, value] = item.split('=').map((part) => part.trim());
      if (value !== undefined) next = Number(value);
      if (name.startsWith(`${prefix}_`)) values[name.slice(prefix.length + 1)] = next;
      next++;
    }
  }
  return values;
}

const structs = {};
for (const name of CALLS) structs[name] = fieldsOf(`PJRT_${name}_Args`);
for (const name of STRUCTS) structs[name] = fieldsOf(`PJRT_${name}`);
const lines = [
  "// Facts of PJRT's C interface, read from its header by scripts/header-facts.mjs. Not edited by hand.",
  '',
  '/** Version of the interface that the facts are of. */',
  `export const headerVersion = { major: ${version[0]}, minor: ${version[1]} } as const;`,
  '',
  "/** The function table's entries in their order. */",
  `export const functionOrder: readonly string[] = ${JSON.stringify(functions)};`,
  '',
  '/** Kinds of fields: `word` is a pointer or a 64-bit integer. */',
  "export type FieldKind = 'word' | 'int' | 'bool' | 'float';",
  '',
  '/** Fields of each struct behind `struct_size` and `extension_start`, in their order. */',
  'export const structs = {',
  ...Object.entries(structs).map(
    ([name, fields]) => `  ${name}: [${fields.map(([field, kind]) => `['${field}', '${kind}']`).join(', ')}],`,
  ),
  '} as const satisfies Record<string, readonly (readonly [string, FieldKind])[]>;',
  '',
  ...Object.entries(ENUMS).flatMap(([name, prefix]) => [
    `export const ${name} = ${JSON.stringify(enumOf(prefix))} as const;`,
    '',
  ]),
];
writeFileSync(fileURLToPath(new URL('../src/c-api/facts.generated.ts', import.meta.url)), lines.join('\n'));
