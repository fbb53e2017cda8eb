// Values by their places: largest elements, sorting, gathering, scattering.
import { comparisonKind, type FunctionBuilder } from './builder.ts';
import { array, arrayAxes, list, membersOf, tensorType, type Value } from './value.ts';

/** Index of the largest (or smallest) element along an axis, the first of equals, int32. */
export function argExtreme(b: FunctionBuilder, a: Value, axis: number, kind: 'largest' | 'smallest'): Value {
  const shape = a.shape.filter((_, index) => index !== axis);
  const places = b.lift(b.iota(a.shape, axis, 'i32'), a.members);
  const worst = b.scalar(worstOf(a.type, kind), a.type);
  const last = b.scalar(2 ** 31 - 1, 'i32');
  const n = b.nextId();
  const [scalar, place] = [tensorType(worst), 'tensor<i32>'];
  const better = kind === 'largest' ? 'GT' : 'LT';
  const compare = comparisonKind(a.type);
  const results = [
    { ...a, shape },
    { ...a, shape, type: 'i32' as const },
  ];
  const text = `stablehlo.reduce(${a.id} init: ${worst.id}), (${places.id} init: ${last.id}) across dimensions = ${list(arrayAxes([axis], a.members))} : (${tensorType(a)}, ${tensorType(places)}, ${scalar}, ${place}) -> (${results.map(tensorType).join(', ')})
 reducer(%a${n}: ${scalar}, %b${n}: ${scalar}) (%i${n}: ${place}, %j${n}: ${place}) {
  %g${n} = stablehlo.compare ${better}, %a${n}, %b${n}, ${compare} : (${scalar}, ${scalar}) -> tensor<i1>
  %e${n} = stablehlo.compare EQ, %a${n}, %b${n}, ${compare} : (${scalar}, ${scalar}) -> tensor<i1>
  %l${n} = stablehlo.compare LT, %i${n}, %j${n}, SIGNED : (${place}, ${place}) -> tensor<i1>
  %f${n} = stablehlo.and %e${n}, %l${n} : tensor<i1>
  %c${n} = stablehlo.or %g${n}, %f${n} : tensor<i1>
  %v${n} = stablehlo.select %c${n}, %a${n}, %b${n} : tensor<i1>, ${scalar}
  %k${n} = stablehlo.select %c${n}, %i${n}, %j${n} : tensor<i1>, ${place}
  stablehlo.return %v${n}, %k${n} : ${scalar}, ${place}
 }`;
  return b.emitMany(text, results)[1]!;
}

function worstOf(type: Value['type'], kind: 'largest' | 'smallest'): number {
  if (type === 'f32') return kind === 'largest' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (type === 'i32') return kind === 'largest' ? -(2 ** 31) : 2 ** 31 - 1;
  return kind === 'largest' ? 0 : 1;
}

/** The k largest of the last axis in falling order, the first of equals first: `[values, indices]`. A stable sort of both. */
export function topK(b: FunctionBuilder, a: Value, k: number): [Value, Value] {
  const axis = a.shape.length - 1;
  const places = b.lift(b.iota(a.shape, axis, 'i32'), a.members);
  const n = b.nextId();
  const scalar = tensorType({ shape: [], type: a.type });
  const text = `"stablehlo.sort"(${a.id}, ${places.id}) ({ ^bb0(%ta${n}: ${scalar}, %tb${n}: ${scalar}, %tc${n}: tensor<i32>, %td${n}: tensor<i32>): %te${n} = stablehlo.compare GT, %ta${n}, %tb${n}, ${comparisonKind(a.type)} : (${scalar}, ${scalar}) -> tensor<i1> stablehlo.return %te${n} : tensor<i1> }) {dimension = ${arrayAxes([axis], a.members)} : i64, is_stable = true} : (${tensorType(a)}, ${tensorType(places)}) -> (${tensorType(a)}, ${tensorType(places)})`;
  const sorted = b.emitMany(text, [a, places]);
  return sorted.map((value) => {
    const begin = a.shape.map(() => 0);
    return b.slice(value, begin, [...a.shape.slice(0, -1), k]);
  }) as [Value, Value];
}

/** `indices` `[..., k]` address the first k axes of `a`; the result is `[..., rest of a's axes]`. */
export function gatherNd(b: FunctionBuilder, a: Value, indices: Value): Value {
  const members = membersOf(a, indices);
  if (a.members !== undefined) return b.asMembers(gatherNd(b, b.asArray(a), withMember(b, indices, members!)));
  // All look into one array: their places are one list.
  if (members !== undefined) return b.asMembers(gatherNd(b, a, b.asArray(indices)));
  const depth = indices.shape.at(-1)!;
  const rest = a.shape.slice(depth);
  const lead = indices.shape.slice(0, -1);
  const shape = [...lead, ...rest];
  const addressed = Array.from({ length: depth }, (_, axis) => axis);
  const numbers = `#stablehlo.gather<offset_dims = ${list(rest.map((_, axis) => lead.length + axis))}, collapsed_slice_dims = ${list(addressed)}, start_index_map = ${list(addressed)}, index_vector_dim = ${lead.length}>`;
  return b.emit(
    `"stablehlo.gather"(${a.id}, ${indices.id}) {dimension_numbers = ${numbers}, slice_sizes = ${array([...addressed.map(() => 1), ...rest])}, indices_are_sorted = false} : (${tensorType(a)}, ${tensorType(indices)}) -> ${tensorType({ shape, type: a.type })}`,
    { shape, type: a.type },
  );
}

/** Places `[..., k]` in each member's array as places `[members, ..., 1 + k]` in the array of all. */
function withMember(b: FunctionBuilder, indices: Value, members: number): Value {
  const places = b.asArray(b.lift(indices, members));
  const member = b.iota([...places.shape.slice(0, -1), 1], 0, places.type);
  return b.concatenate([member, places], places.shape.length - 1);
}

/** Adds `updates` `[..., rest]` at `indices` `[..., k]` of `target`; places outside are left out. */
export function scatterAdd(b: FunctionBuilder, target: Value, indices: Value, updates: Value): Value {
  const members = membersOf(target, indices, updates);
  if (members !== undefined) {
    const [all, added] = [target, updates].map((value) => b.asArray(b.lift(value, members))) as [Value, Value];
    return b.asMembers(scatterAdd(b, all, withMember(b, indices, members), added));
  }
  const lead = indices.shape.length - 1;
  const depth = indices.shape.at(-1)!;
  const addressed = Array.from({ length: depth }, (_, axis) => axis);
  const windows = updates.shape.slice(lead).map((_, axis) => lead + axis);
  const scalar = tensorType({ shape: [], type: target.type });
  const n = b.nextId();
  const numbers = `#stablehlo.scatter<update_window_dims = ${list(windows)}, inserted_window_dims = ${list(addressed)}, scatter_dims_to_operand_dims = ${list(addressed)}, index_vector_dim = ${lead}>`;
  const block = `({ ^bb0(%xa${n}: ${scalar}, %xb${n}: ${scalar}): %xc${n} = stablehlo.add %xa${n}, %xb${n} : ${scalar} stablehlo.return %xc${n} : ${scalar} })`;
  return b.emit(
    `"stablehlo.scatter"(${target.id}, ${indices.id}, ${updates.id}) ${block} {scatter_dimension_numbers = ${numbers}, indices_are_sorted = false, unique_indices = false} : (${tensorType(target)}, ${tensorType(indices)}, ${tensorType(updates)}) -> ${tensorType(target)}`,
    target,
  );
}
