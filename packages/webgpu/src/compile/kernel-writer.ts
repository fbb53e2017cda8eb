// Writes nodes into a kernel: reads what is in memory, recalls what the kernel computed already, and writes the rest in place.
import { literal } from '../graph/maps.ts';
import { type KernelContext, type Node, registerType } from '../graph/node.ts';
import { Index, type Scope } from './scope.ts';

/** What may be bound to a kernel. */
export interface Binding {
  readonly node: Node;
  readonly isWritten: boolean;
}

export class KernelWriter implements KernelContext {
  /** Nodes that lie in memory for this kernel. */
  readonly #inMemory: (node: Node) => boolean;
  /** Outputs by the arguments whose memory they take over. */
  readonly #taken: ReadonlyMap<Node, Node>;
  readonly #names = new Map<Node, string>();
  readonly #declared = new Set<string>();
  readonly bindings: Binding[] = [];

  constructor(inMemory: (node: Node) => boolean, taken: ReadonlyMap<Node, Node>) {
    this.#inMemory = inMemory;
    this.#taken = taken;
  }

  declare(text: string): void {
    this.#declared.add(text);
  }

  read(scope: Scope, node: Node, index: Index): string {
    const key = `${node.id}@${index.key}`;
    const known = scope.recall(key);
    if (known !== undefined) return known;
    const name = scope.let(this.#write(scope, node, index));
    scope.remember(key, name);
    return name;
  }

  readAt(scope: Scope, node: Node, axes: readonly string[]): string {
    return this.read(scope, node, Index.byAxes(scope, node.shape, axes));
  }

  /** Computes a kept node of this kernel, loop and all. */
  compute(scope: Scope, node: Node, index: Index): string {
    const { operation } = node;
    if (operation.kind !== 'fold') return scope.let(this.#written(scope, node, index));
    const accumulators = operation.accumulators.map(({ type, initial }) => {
      const name = scope.fresh('a');
      scope.lines.push(`var ${name}: ${registerType(type)} = ${initial(this)};`);
      return name;
    });
    scope.loop(operation.loop, (inner, places) => operation.step(this, inner, index, places, accumulators));
    return scope.let(operation.result(accumulators));
  }

  /** The statement that stores an element. */
  store(node: Node, number: string, value: string): string {
    const stored = node.type === 'i1' ? `select(0u, 1u, ${value})` : value;
    return `${this.nameOf(node, true)}[${number}] = ${stored};`;
  }

  /** The name of a node's buffer. */
  nameOf(node: Node, isWritten = false): string {
    const output = this.#taken.get(node);
    if (output !== undefined) return this.nameOf(output, true);
    let name = this.#names.get(node);
    if (name === undefined) {
      name = `b${this.bindings.length}`;
      this.#names.set(node, name);
      this.bindings.push({ node, isWritten });
    }
    return name;
  }

  /** The module around an entry function. */
  module(functions: string): string {
    const buffers = this.bindings.map(({ node, isWritten }, at) => {
      const type = node.type === 'f32' || node.type === 'i32' ? node.type : 'u32';
      return `@group(0) @binding(${at}) var<storage, ${isWritten ? 'read_write' : 'read'}> b${at}: array<${type}>;`;
    });
    return [...buffers, ...this.#declared, functions, ''].join('\n');
  }

  #write(scope: Scope, node: Node, index: Index): string {
    return this.#inMemory(node) ? this.#load(node, index) : this.#written(scope, node, index);
  }

  #load(node: Node, index: Index): string {
    const name = this.nameOf(node);
    const at = index.number;
    if (node.type === 'i1') return `(${name}[${at}] != 0u)`;
    if (node.type === 'ui8') return `((${name}[${at} / 4u] >> (${at} % 4u * 8u)) & 255u)`;
    return `${name}[${at}]`;
  }

  #written(scope: Scope, node: Node, index: Index): string {
    const { operation } = node;
    if (operation.kind === 'splat') return literal(this, operation.value, node.type);
    if (operation.kind === 'view') return operation.write(this, scope, index);
    if (operation.kind === 'map') {
      return operation.write(
        this,
        node.inputs.map((input) => this.read(scope, input, index)),
      );
    }
    throw new Error(`${operation.kind} ${node.id} is not computed in this kernel`);
  }
}
