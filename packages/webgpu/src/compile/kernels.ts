// The three kinds of kernels as WGSL: a thread for each element, a workgroup for each element, a workgroup for each tile of a product.
import { type Node, type ProductOperation, registerType, sizeOf } from '../graph/node.ts';
import type { Group } from './groups.ts';
import { type Binding, KernelWriter } from './kernel-writer.ts';
import { decompose, Index, Scope } from './scope.ts';

/** A kernel: its text, what is bound to it in order, and how many workgroups run. */
export interface Kernel {
  readonly text: string;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [number, number, number];
}

const ELEMENT_THREADS = 64;
const ROW_THREADS = 128;
/** Along one axis of a dispatch. */
const MOST_WORKGROUPS = 65535;
/** Columns of its tile that a thread computes at once, as a vector; and rows. */
const THREAD_TILE = 4;
const TILE_DEPTH = 16;

/** Writes a group. `inPlace` gives, for an output that takes over its argument's memory, that argument. */
export function writeKernel(group: Group, inPlace: ReadonlyMap<Node, Node>): Kernel {
  const members = new Set(group.members);
  const taken = new Map([...inPlace].map(([output, argument]) => [argument, output]));
  const writer = new KernelWriter((node) => !members.has(node) && group.reads.has(node), taken);
  if (group.kind === 'product') return productKernel(writer, group);
  return group.kind === 'rows' ? rowsKernel(writer, group) : elementsKernel(writer, group);
}

function elementsKernel(writer: KernelWriter, group: Group): Kernel {
  const scope = new Scope();
  finish(writer, scope, group, 'i', new Map());
  const count = Math.ceil(group.size / ELEMENT_THREADS);
  const [across, down] = spread(count);
  const text = writer.module(`@compute @workgroup_size(${ELEMENT_THREADS})
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
let i = thread.x + thread.y * ${across * ELEMENT_THREADS}u;
if (i >= ${group.size}u) { return; }
${scope.lines.join('\n')}
}`);
  return { text, bindings: writer.bindings, workgroups: [across, down, 1] };
}

/** Computes the members that are not yet `known` at the element `number`, and stores those that are needed elsewhere. */
function finish(
  writer: KernelWriter,
  scope: Scope,
  group: Group,
  number: string,
  known: ReadonlyMap<Node, string>,
): void {
  for (const [node, name] of known) scope.remember(`${node.id}@${number}`, name);
  for (const node of group.members) {
    const index = Index.byNumber(scope, node.shape, number);
    const value = known.get(node) ?? writer.compute(scope, node, index);
    scope.remember(`${node.id}@${number}`, value);
  }
  // Stored when all is read: an output may take over the memory of what is read.
  for (const node of group.members) {
    if (group.outputs.has(node)) scope.lines.push(writer.store(node, number, scope.recall(`${node.id}@${number}`)!));
  }
}

function rowsKernel(writer: KernelWriter, group: Group): Kernel {
  const [fold] = group.members as [Node];
  const { operation } = fold;
  if (operation.kind !== 'fold' || operation.combine === undefined)
    throw new Error('only folds are shared by workgroups');
  const [accumulator] = operation.accumulators;
  const type = registerType(accumulator!.type);
  const initial = accumulator!.initial(writer);
  const turns = sizeOf(operation.loop);
  const outer = new Scope();
  const index = Index.byNumber(outer, fold.shape, 'i');
  const inner = outer.inner();
  const places = decompose(inner, 'l', operation.loop);
  operation.step(writer, inner, index, places, ['sum']);
  const last = outer.inner();
  finish(writer, last, group, 'i', new Map([[fold, operation.result(['whole'])]]));
  const [across, down] = spread(group.size);
  const text = writer.module(`var<workgroup> partials: array<${type}, ${ROW_THREADS}>;
@compute @workgroup_size(${ROW_THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
let i = group.x + group.y * ${across}u;
${outer.lines.join('\n')}
var sum: ${type} = ${initial};
for (var l = thread; l < ${turns}u; l += ${ROW_THREADS}u) {
${inner.lines.join('\n')}
}
partials[thread] = sum;
workgroupBarrier();
for (var distance = ${ROW_THREADS / 2}u; distance > 0u; distance /= 2u) {
if (thread < distance) { partials[thread] = ${operation.combine('partials[thread]', 'partials[thread + distance]')}; }
workgroupBarrier();
}
if (thread == 0u && i < ${group.size}u) {
let whole = partials[0];
${last.lines.join('\n')}
}
}`);
  return { text, bindings: writer.bindings, workgroups: [across, down, 1] };
}

function productKernel(writer: KernelWriter, group: Group): Kernel {
  const [product] = group.members as [Node];
  const operation = product.operation as ProductOperation;
  const { splits, batch, rows, columns, depth } = operation;
  // Large tiles reuse more of what they load; small ones leave less of a small product empty.
  const tile = rows >= 128 && columns >= 64 ? 64 : 32;
  const threads = (tile / THREAD_TILE) ** 2;
  const across = tile / THREAD_TILE;
  const part = Math.ceil(Math.ceil(depth / splits) / TILE_DEPTH) * TILE_DEPTH;
  const operand = (name: 'left' | 'right'): string => {
    const scope = new Scope();
    const value = operation[name].write(writer, scope, 'batch', 'outer', 'depth');
    return `fn load_${name}(batch: u32, outer: u32, depth: u32) -> f32 {\n${[...scope.lines, `return ${value};`].join('\n')}\n}`;
  };
  const last = new Scope();
  finish(writer, last, group, 'i', new Map([[product, 'whole']]));
  const functions = [operand('left'), operand('right'), `fn finish(i: u32, whole: f32) {\n${last.lines.join('\n')}\n}`];
  // Where the e-th piece lies: neighbors in memory go to neighboring threads.
  const piece = (name: 'left' | 'right', width: number): string =>
    operation[name].fast === 'depth'
      ? `let outer = e / ${TILE_DEPTH}u;\nlet place = e % ${TILE_DEPTH}u;`
      : `let outer = e % ${width}u;\nlet place = e / ${width}u;`;
  const [gridX, gridY] = [Math.ceil(columns / tile), Math.ceil(rows / tile)];
  const tiles = gridX * gridY * splits * batch;
  const [wide, down] = spread(tiles);
  const text = writer.module(`var<workgroup> left_tile: array<f32, ${tile * (TILE_DEPTH + 1)}>;
var<workgroup> right_tile: array<vec4<f32>, ${across * TILE_DEPTH}>;
${functions.join('\n')}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
let number = group.x + group.y * ${wide}u;
if (number >= ${tiles}u) { return; }
let layer = number / ${gridX * gridY}u;
let batch = layer % ${batch}u;
let start = layer / ${batch}u * ${part}u;
let end = min(start + ${part}u, ${depth}u);
let first_row = number / ${gridX}u % ${gridY}u * ${tile}u;
let first_column = number % ${gridX}u * ${tile}u;
let ty = thread / ${across}u;
let tx = thread % ${across}u;
var sums: array<vec4<f32>, ${THREAD_TILE}>;
for (var k = start; k < start + ${part}u; k += ${TILE_DEPTH}u) {
for (var e = thread; e < ${tile * TILE_DEPTH}u; e += ${threads}u) {
${piece('left', tile)}
var value = 0f;
if (first_row + outer < ${rows}u && k + place < end) { value = load_left(batch, first_row + outer, k + place); }
left_tile[outer * ${TILE_DEPTH + 1}u + place] = value;
}
for (var e = thread; e < ${across * TILE_DEPTH}u; e += ${threads}u) {
${piece('right', across)}
var value = vec4<f32>();
for (var j = 0u; j < 4u; j++) {
let column = first_column + outer * 4u + j;
if (column < ${columns}u && k + place < end) { value[j] = load_right(batch, column, k + place); }
}
right_tile[place * ${across}u + outer] = value;
}
workgroupBarrier();
for (var p = 0u; p < ${TILE_DEPTH}u; p++) {
let right = right_tile[p * ${across}u + tx];
for (var r = 0u; r < ${THREAD_TILE}u; r++) { sums[r] += left_tile[(ty * ${THREAD_TILE}u + r) * ${TILE_DEPTH + 1}u + p] * right; }
}
workgroupBarrier();
}
let base = layer * ${rows * columns}u;
for (var r = 0u; r < ${THREAD_TILE}u; r++) {
for (var j = 0u; j < 4u; j++) {
let row = first_row + ty * ${THREAD_TILE}u + r;
let column = first_column + tx * 4u + j;
if (row < ${rows}u && column < ${columns}u) { finish(base + row * ${columns}u + column, sums[r][j]); }
}
}
}`);
  return { text, bindings: writer.bindings, workgroups: [wide, down, 1] };
}

/** So many workgroups over two axes. */
function spread(count: number): [number, number] {
  if (count <= MOST_WORKGROUPS) return [Math.max(1, count), 1];
  const down = Math.ceil(count / MOST_WORKGROUPS);
  return [Math.ceil(count / down), down];
}
