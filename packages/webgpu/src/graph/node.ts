// A step as a graph: every node is one value, made of others. What a node is in WGSL is written by small functions that it carries, so that any node can be computed
// at any index of its own within whatever kernel needs it; which nodes get memory of their own is decided later (compile/members.ts).
import type { ConstantValues, ElementType, Value } from '@moe-rl/tfjs-graph/tracing';
import type { Index, Scope } from '../compile/scope.ts';

/** What the writers of nodes may ask of the kernel that they are written into. */
export interface KernelContext {
  /** The expression of a node's element. */
  read(scope: Scope, node: Node, index: Index): string;
  /** The same by axes. */
  readAt(scope: Scope, node: Node, axes: readonly string[]): string;
  /** Declares a function or variable of the module, once. */
  declare(text: string): void;
}

/** A value that the caller feeds, or a variable. */
export interface ArgumentOperation {
  readonly kind: 'argument';
}

/** One number everywhere. */
export interface SplatOperation {
  readonly kind: 'splat';
  readonly value: number;
}

/** Values known while tracing. */
export interface DataOperation {
  readonly kind: 'data';
  readonly values: Exclude<ConstantValues, number | boolean>;
}

/** Each element from the elements at the same index. */
export interface MapOperation {
  readonly kind: 'map';
  /** About how many cheap instructions it is. */
  readonly weight: number;
  write(context: KernelContext, inputs: readonly string[]): string;
}

/** Elements of its input at other indices, or a function of the index alone. */
export interface ViewOperation {
  readonly kind: 'view';
  readonly weight: number;
  /** A reshape: the element with the same number in row-major order. */
  readonly isReshape: boolean;
  write(context: KernelContext, scope: Scope, index: Index): string;
}

/** A loop for each element. */
export interface FoldOperation {
  readonly kind: 'fold';
  /** Sizes of the nested loops. */
  readonly loop: readonly number[];
  /** Whether elements of its inputs are read by many of its own, so that computing them anew each time would cost. */
  readonly rereads: boolean;
  readonly accumulators: readonly {
    readonly type: ElementType;
    readonly initial: (context: KernelContext) => string;
  }[];
  /** How partial results of a fold with one accumulator are put together; without it, each element's loop runs in one thread. */
  readonly combine?: (a: string, b: string) => string;
  /** Writes one turn of the loop: statements that change the accumulators. */
  step(
    context: KernelContext,
    scope: Scope,
    index: Index,
    loop: readonly string[],
    accumulators: readonly string[],
  ): void;
  result(accumulators: readonly string[]): string;
}

/** Tiles of a matrix product `[splits, batch, rows, columns]`, whose operands are written by their row, column and place in the sum. */
export interface ProductOperation {
  readonly kind: 'product';
  /** Parts that the sum is cut into. */
  readonly splits: number;
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly left: ProductOperand;
  readonly right: ProductOperand;
}

/** One side of a product: how its elements are read. */
export interface ProductOperand {
  /** Which neighbors lie side by side in memory: `outer` (rows or columns), or `depth`. */
  readonly fast: 'outer' | 'depth';
  write(context: KernelContext, scope: Scope, batch: string, outer: string, depth: string): string;
}

export type Operation =
  | ArgumentOperation
  | SplatOperation
  | DataOperation
  | MapOperation
  | ViewOperation
  | FoldOperation
  | ProductOperation;

export interface Node extends Value {
  /** Counts up in the order that nodes are made: inputs come before what is made of them. */
  readonly number: number;
  readonly operation: Operation;
  readonly inputs: readonly Node[];
  readonly size: number;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** WGSL's type of an element in a register. */
export function registerType(type: ElementType): string {
  if (type === 'f32' || type === 'i32') return type;
  return type === 'i1' ? 'bool' : 'u32';
}

/** Bytes that a value takes on the device: bytes four to a word, booleans a word each. */
export function byteLengthOf({ size, type }: Pick<Node, 'size' | 'type'>): number {
  return Math.max(4, type === 'ui8' ? Math.ceil(size / 4) * 4 : size * 4);
}
