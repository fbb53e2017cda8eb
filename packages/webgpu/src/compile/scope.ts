// Statements of a block that is being written, and indices into tensors as expressions. All indices are u32: what would be negative wraps around and is refused by
// the same comparison as what is too large.

/** A block. Equal expressions are computed once; an inner block sees what the outer ones have. */
export class Scope {
  readonly lines: string[] = [];
  readonly #known = new Map<string, string>();
  readonly #parent: Scope | undefined;
  readonly #names: { count: number };

  constructor(parent?: Scope) {
    this.#parent = parent;
    this.#names = parent === undefined ? { count: 0 } : parent.#names;
  }

  fresh(prefix = 'v'): string {
    return `${prefix}${this.#names.count++}`;
  }

  /** A name for an expression. */
  let(expression: string): string {
    if (/^\w+$/.test(expression)) return expression;
    const known = this.recall(expression);
    if (known !== undefined) return known;
    const name = this.fresh();
    this.lines.push(`let ${name} = ${expression};`);
    this.remember(expression, name);
    return name;
  }

  recall(key: string): string | undefined {
    return this.#known.get(key) ?? this.#parent?.recall(key);
  }

  remember(key: string, name: string): void {
    this.#known.set(key, name);
  }

  /** A block within this one. */
  inner(): Scope {
    return new Scope(this);
  }

  /** A variable that is `otherwise` unless the condition holds, then what `write` returns. */
  guarded(condition: string, type: string, otherwise: string, write: (inner: Scope) => string): string {
    const name = this.fresh('g');
    const inner = new Scope(this);
    const value = write(inner);
    this.lines.push(
      `var ${name}: ${type} = ${otherwise};`,
      `if (${condition}) {`,
      ...inner.lines,
      `${name} = ${value};`,
      '}',
    );
    return name;
  }

  /** Nested loops. */
  loop(sizes: readonly number[], write: (inner: Scope, places: readonly string[]) => void): void {
    const inner = new Scope(this);
    const places = sizes.map((size) => (size === 1 ? '0u' : this.fresh('l')));
    write(inner, places);
    const heads = sizes.flatMap((size, axis) => {
      const place = places[axis];
      return size === 1 ? [] : [`for (var ${place} = 0u; ${place} < ${size}u; ${place}++) {`];
    });
    // Without any loop a block keeps the names apart.
    this.lines.push(
      ...(heads.length === 0 ? ['{'] : heads),
      ...inner.lines,
      ...(heads.length === 0 ? ['}'] : heads.map(() => '}')),
    );
  }
}

/** Row-major places of an index in a shape: by axes, or as the number of the element; each is computed from the other where it is asked for. */
export class Index {
  readonly shape: readonly number[];
  readonly #scope: Scope;
  #axes: readonly string[] | undefined;
  #linear: string | undefined;

  private constructor(
    scope: Scope,
    shape: readonly number[],
    axes: readonly string[] | undefined,
    linear: string | undefined,
  ) {
    this.#scope = scope;
    this.shape = shape;
    this.#axes = axes;
    this.#linear = linear;
  }

  static byAxes(scope: Scope, shape: readonly number[], axes: readonly string[]): Index {
    return new Index(
      scope,
      shape,
      axes.map((axis, at) => (shape[at] === 1 ? '0u' : scope.let(axis))),
      undefined,
    );
  }

  static byNumber(scope: Scope, shape: readonly number[], linear: string): Index {
    return new Index(scope, shape, undefined, scope.let(linear));
  }

  /** The number if that is how the index is known. */
  get knownNumber(): string | undefined {
    return this.#linear;
  }

  get key(): string {
    return this.#linear ?? `[${this.#axes}]`;
  }

  get number(): string {
    this.#linear ??= this.#scope.let(composed(this.#axes!, this.shape));
    return this.#linear;
  }

  get axes(): readonly string[] {
    this.#axes ??= decompose(this.#scope, this.#linear!, this.shape);
    return this.#axes;
  }

  /** The same element of a tensor of another shape. */
  reshaped(shape: readonly number[]): Index {
    if (this.#linear === undefined) {
      const [kept, wanted] = [this.shape, shape].map((sizes) => sizes.filter((size) => size !== 1).join());
      if (kept === wanted) {
        const places = this.#axes!.filter((_, axis) => this.shape[axis] !== 1);
        return new Index(
          this.#scope,
          shape,
          shape.map((size) => (size === 1 ? '0u' : places.shift()!)),
          undefined,
        );
      }
    }
    return new Index(this.#scope, shape, undefined, this.number);
  }
}

/** Axes of an element's number. */
export function decompose(scope: Scope, linear: string, shape: readonly number[]): string[] {
  let stride = shape.reduce((product, size) => product * size, 1);
  const largest = stride;
  return shape.map((size) => {
    const above = stride;
    stride = size === 0 ? 0 : stride / size;
    if (size <= 1) return '0u';
    const divided = stride === 1 ? linear : scope.let(`${linear} / ${stride}u`);
    return above === largest ? divided : scope.let(`${divided} % ${size}u`);
  });
}

function composed(axes: readonly string[], shape: readonly number[]): string {
  let stride = 1;
  const terms: string[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (axes[axis] !== '0u') terms.unshift(stride === 1 ? axes[axis]! : `${axes[axis]} * ${stride}u`);
    stride *= shape[axis]!;
  }
  return terms.length === 0 ? '0u' : terms.join(' + ');
}
