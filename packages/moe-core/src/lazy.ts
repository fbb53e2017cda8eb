// Results that cost something and that most callers never read: computed when first read, then kept.

/** A record whose properties are computed on first read. Read them inside the same `tidy` as the call that made the record. */
export function lazyRecord<T extends object>(compute: { readonly [K in keyof T]: () => T[K] }): T {
  const record = {} as T;
  for (const key of Object.keys(compute) as (keyof T)[]) {
    let value: { readonly result: T[keyof T] } | undefined;
    Object.defineProperty(record, key, {
      enumerable: true,
      get() {
        value ??= { result: compute[key]() };
        return value.result;
      },
    });
  }
  return record;
}
