// A vector's configuration is honoured key by key or refused by name. Checks read it through a wrapper that notes what was read; a key that nobody read and
// that is no mere description fails, so a set of vectors with another setting can't pass, or fail, for the wrong reason.

/** Wraps a configuration. `unread()` lists the dotted paths that were never read. */
export function honour(config) {
  const read = new Set();
  const wrap = (value, path) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : new Proxy(value, {
          get(target, key) {
            const below = typeof key === 'string' ? join(path, key) : path;
            if (typeof key === 'string') read.add(below);
            return wrap(target[key], below);
          },
        });
  const unread = (value, path) =>
    Object.keys(value).flatMap((key) => {
      const below = join(path, key);
      if (!read.has(below)) return [below];
      const child = value[key];
      return typeof child === 'object' && child !== null && !Array.isArray(child) ? unread(child, below) : [];
    });
  return { config: wrap(config, ''), unread: () => unread(config, '') };
}

/**
 * The checks of a family for one vector, and at the end one that every key of its configuration was read.
 * @param family { checks(given), descriptions?: keys that only describe }
 */
export function* checksOf(family, given) {
  const { config, unread } = honour(given.vector.config);
  let hasRun = false;
  let hasFailed = false;
  for (const check of family.checks({ ...given, vector: { ...given.vector, config } })) {
    if (check.run === undefined) {
      yield check;
      continue;
    }
    hasRun = true;
    yield {
      ...check,
      async run() {
        const failedBefore = hasFailed;
        hasFailed = true;
        await check.run();
        hasFailed = failedBefore;
      },
    };
  }
  if (!hasRun) return;
  yield {
    name: 'configuration',
    run() {
      // A check that failed half way has not read everything.
      if (hasFailed) return;
      const described = new Set(family.descriptions ?? []);
      const missed = unread().filter((path) => !described.has(path));
      if (missed.length > 0) throw new Error(`config has ${missed.join(', ')}, which nothing here honours`);
    },
  };
}

/** Throws unless a key of a configuration says what was found. */
export function expectKey(key, given, found) {
  if (JSON.stringify(given) !== JSON.stringify(found))
    throw new Error(`${key} is ${JSON.stringify(given)}; expected ${JSON.stringify(found)}`);
}

function join(path, key) {
  return path === '' ? key : `${path}.${key}`;
}
