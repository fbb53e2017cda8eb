// What translated code links against: addresses in the core's memory and its exported functions.
import type { CoreExports } from '../core.ts';
import { OPERATION_FUNCTIONS } from '../generated/operations.ts';

const hex = (register: number) => register.toString(16).padStart(2, '0');
/** Registers with a write function of their own. */
export const FIRST_REGISTER = 0x04;
export const LAST_REGISTER = 0x2c;

/** Signatures by index: a translated function; then the shapes of the core's. */
export const SIGNATURES = {
  translated: { parameters: 0, results: 1 },
  three: { parameters: 3, results: 1 },
  two: { parameters: 2, results: 1 },
  threeNothing: { parameters: 3, results: 0 },
  twoNothing: { parameters: 2, results: 0 },
} as const;
export type SignatureName = keyof typeof SIGNATURES;

/** Functions imported from the core, in order: an operation's calls have the first indices. */
export const IMPORTS: readonly { readonly name: string; readonly signature: SignatureName }[] = [
  ...OPERATION_FUNCTIONS.map((name) => ({
    name,
    signature: name === 'arrDecimal' ? ('two' as const) : ('three' as const),
  })),
  { name: 'readTia', signature: 'three' },
  { name: 'readBus', signature: 'three' },
  { name: 'writeTiaSlow', signature: 'three' },
  { name: 'timerPollTurns', signature: 'three' },
  { name: 'zeroPagePointer', signature: 'three' },
  { name: 'pullFirst', signature: 'three' },
  { name: 'readRiot', signature: 'two' },
  { name: 'writeTia', signature: 'threeNothing' },
  { name: 'writeRiotOrRam', signature: 'threeNothing' },
  ...Array.from({ length: LAST_REGISTER - FIRST_REGISTER + 1 }, (_, i) => ({
    name: `writeRegister${hex(FIRST_REGISTER + i)}`,
    signature: 'twoNothing' as const,
  })),
];
const FUNCTION_INDEX = new Map(IMPORTS.map(({ name }, index) => [name, index]));
export const functionIndex = (name: string): number => FUNCTION_INDEX.get(name) as number;
export const registerFunction = (register: number): number => functionIndex(`writeRegister${hex(register)}`);

/** Fixed addresses of this build of the core. */
export interface Layout {
  /** Page whose upper half is RAM, addressed by zero page address. */
  readonly ramPage: number;
  /** Last value written to each TIA register, u16. */
  readonly shadow: number;
  /** The CPU's registers, see `Cpu` in assembly/state.ts: A at +4, ..., cycles at +44. */
  readonly cpu: number;
  /** `Link` in assembly/translated.ts. */
  readonly safeCycles: number;
  readonly budget: number;
}
export function readLayout(core: CoreExports): Layout {
  const link = core.linkAddress();
  return {
    ramPage: core.ramPageAddress(),
    shadow: core.shadowAddress(),
    cpu: core.cpuAddress(),
    safeCycles: link,
    budget: link + 4,
  };
}
