// What a reward program finds in its sandbox, written in JavaScript that the sandbox runs before it: the environment's records, no clock, no randomness but a
// seeded one, nothing that can be changed from one step to the next.
import { type EnvironmentDescription, STEP_FIELDS } from '../description/environment-description.ts';
import type { ValueLayout } from '../description/state-reader.ts';

/** Longest list that a built-in function may go through: they don't count as steps while they do. */
const MAX_LIST_LENGTH = 10_000;

/**
 * What the guest is handed at each step, in numbers of eight bytes: action, seed, then the values now, then those of the step before. Lists have their length
 * in front.
 */
export const STEP_ACTION = 0;
export const STEP_SEED = 1;
export const STEP_VALUES = 2;

/** Length of what is handed over, in numbers. */
export function stepLength({ length }: ValueLayout): number {
  return STEP_VALUES + 2 * recordLength(length);
}

/** Numbers of one record: the values and the step fields. */
export function recordLength(layoutLength: number): number {
  return layoutLength + Object.keys(STEP_FIELDS).length;
}

/**
 * The guest's own program: an expression whose value is `{ load, step }`. It takes away what a pure function of its arguments has no use for and freezes the
 * rest.
 */
export function guestSource(
  description: EnvironmentDescription,
  layout: ValueLayout,
  hasRandomness: boolean,
  maximumMagnitude: number,
): string {
  const fields = [
    ...layout.slots.map(({ field, offset, maximumLength }) => ({
      name: field.simulatorName,
      general: field.generalName,
      offset,
      kind: maximumLength !== undefined ? 'list' : field.type,
      length: maximumLength ?? 1,
    })),
    ...Object.entries(STEP_FIELDS).map(([name, { type }], index) => ({
      name,
      general: name,
      offset: layout.length + index,
      kind: type,
      length: 1,
    })),
  ];
  const settings = {
    fields,
    objects: Object.keys(description.objects),
    actions: description.actions.map(({ name }) => name),
    recordLength: recordLength(layout.length),
    hasRandomness,
    maximumMagnitude,
    maxListLength: MAX_LIST_LENGTH,
    values: STEP_VALUES,
    action: STEP_ACTION,
    seed: STEP_SEED,
  };
  return `(${GUEST})(${JSON.stringify(settings)})`;
}

const GUEST = `(settings) => {
  'use strict';
  // What the host hands over: another one at each step.
  let shared;
  let stepCount = 0;
  const Numbers = Float64Array;
  const { fields, objects, actions, maxListLength } = settings;

  const refuse = (fault, message, Kind = TypeError) => {
    throw Object.assign(new Kind(message), { fault });
  };

  // ---- Built-in functions that go through lists refuse huge ones: a list of four billion holes costs nothing to make. ----
  const apply = Reflect.apply;
  const tooLong = (length) => refuse('memory-limit', 'a list has ' + length + ' elements; at most ' + maxListLength + ' are allowed', RangeError);
  // Nothing counts their steps while they run: they are taken before, one for a hundred elements, or characters that may be compared with others.
  const pay = (work) => {
    for (let left = work; left > 100; left -= 100);
  };
  const lengthOf = (list) => {
    const { length } = list;
    if (length > maxListLength) tooLong(length);
    return length > 0 ? length : 0;
  };
  const guard = (owner, name) => {
    const original = owner[name];
    if (typeof original !== 'function') return;
    const guarded = {
      [name](...given) {
        let work = this === null || this === undefined ? 0 : lengthOf(this);
        for (let index = 0; index < given.length; index++) {
          const one = given[index];
          if (typeof one === 'object' && one !== null) work += lengthOf(one);
        }
        pay(work);
        return apply(original, this, given);
      },
    }[name];
    Object.defineProperty(owner, name, { value: guarded });
  };
  const guardText = (owner, name) => {
    const original = owner[name];
    const isLonger = name === 'repeat' || name === 'padStart' || name === 'padEnd';
    const guarded = {
      [name](...given) {
        let factor = 1;
        for (let index = 0; index < given.length; index++) {
          const one = given[index];
          if (typeof one === 'string') factor += one.length;
          // What no memory holds fails at once.
          else if (isLonger && one > 0 && one < 1e7) factor += one;
        }
        pay((typeof this === 'string' ? this.length : 1) * factor);
        return apply(original, this, given);
      },
    }[name];
    Object.defineProperty(owner, name, { value: guarded });
  };
  for (const name of Object.getOwnPropertyNames(Array.prototype)) {
    if (!['constructor', 'length', 'push', 'pop', 'at', 'flat', 'flatMap'].includes(name)) guard(Array.prototype, name);
  }
  const flatten = (list, depth) => {
    const result = [];
    for (let index = 0; index < list.length; index++) {
      if (depth > 0 && Array.isArray(list[index])) for (const one of flatten(list[index], depth - 1)) result.push(one);
      else result.push(list[index]);
    }
    return result;
  };
  Object.defineProperty(Array.prototype, 'flat', { value(depth = 1) { return flatten(this, depth); } });
  Object.defineProperty(Array.prototype, 'flatMap', { value(body, self) { return flatten(this.map(body, self), 1); } });
  guard(Array, 'from');
  guard(JSON, 'stringify');
  guardText(JSON, 'parse');
  for (const name of Object.getOwnPropertyNames(String.prototype)) {
    if (!['constructor', 'length', 'at', 'charAt', 'charCodeAt', 'codePointAt', 'toString', 'valueOf'].includes(name)) guardText(String.prototype, name);
  }
  guard(String, 'raw');
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(Uint8Array))) {
    if (name === 'from') guard(Object.getPrototypeOf(Uint8Array), name);
  }

  // ---- Nothing ambient. ----
  const NativeProxy = Proxy;
  const noWay = (name) => refuse('unknown-name', name + ' is not available to reward programs', ReferenceError);
  const FunctionKinds = [function () {}, function* () {}, async function () {}, async function* () {}];
  for (const kind of FunctionKinds) {
    Object.defineProperty(Object.getPrototypeOf(kind), 'constructor', { value: undefined });
  }
  const kept = new Set(['Object', 'Array', 'Math', 'Number', 'Boolean', 'String', 'JSON', 'Map', 'Set', 'Symbol', 'Infinity', 'NaN', 'undefined',
    'isFinite', 'isNaN', 'parseFloat', 'parseInt', 'Error', 'TypeError', 'RangeError', 'ReferenceError', 'EvalError', 'SyntaxError', 'URIError',
    'Float64Array', 'Float32Array', 'Int32Array', 'Int16Array', 'Int8Array', 'Uint32Array', 'Uint16Array', 'Uint8Array', 'globalThis', 'Iterator']);
  // Out of reach by name, but not by what literals and errors are made of: frozen below with the rest.
  const removed = [];
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (kept.has(name)) continue;
    removed.push(globalThis[name]);
    delete globalThis[name];
  }
  for (const name of ['Date', 'eval', 'Function', 'setTimeout', 'fetch', 'require', 'process', 'performance', 'console']) {
    Object.defineProperty(globalThis, name, { get: () => noWay(name) });
  }

  // sfc32 (Chris Doty-Humphrey), from four words: begun anew at every step from a seed that the host draws.
  let a = 0, b = 0, c = 0, d = 0;
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  Object.defineProperty(Math, 'random', {
    value: settings.hasRandomness ? next : () => noWay('Math.random (without a seed)'),
  });

  // ---- Records of the environment: data by the simulator's names, views by the general ones. What isn't there throws. ----
  const quiet = new Set(['toJSON', 'then']);
  const guardOf = (what, names) =>
    new NativeProxy(Object.freeze(Object.create(null)), {
      get(_, key) {
        if (typeof key === 'symbol' || quiet.has(key)) return undefined;
        refuse('unknown-name', what + ' has no ' + key + '; it has ' + names.join(', '), ReferenceError);
      },
    });
  const topNames = [...objects, ...fields.map(({ general }) => general).filter((name) => !name.includes('.'))];
  const makeRecord = (root, base) => {
    const record = Object.create(guardOf(root, topNames));
    const updates = [];
    for (const { name, offset, kind, length } of fields) {
      const place = base + offset;
      if (kind === 'list') {
        // Made when it is asked for, once a step: most programs ask for few of them.
        let list, madeAt = -1;
        const get = () => {
          if (madeAt !== stepCount) {
            madeAt = stepCount;
            const count = shared[place - 1];
            list = [];
            for (let index = 0; index < count; index++) list.push(shared[place + index]);
          }
          return list;
        };
        Object.defineProperty(record, name, { get, enumerable: true });
      } else {
        record[name] = kind === 'boolean' ? false : 0;
        updates.push(kind === 'boolean' ? () => { record[name] = shared[place] !== 0; } : () => { record[name] = shared[place]; });
      }
    }
    for (const object of objects) {
      const own = fields.filter(({ general }) => general.startsWith(object + '.'));
      const names = own.map(({ general }) => general.slice(object.length + 1));
      const view = Object.create(guardOf(root + '.' + object, names));
      own.forEach(({ name }, index) => Object.defineProperty(view, names[index], { get: () => record[name], enumerable: true }));
      Object.defineProperty(record, object, { value: Object.freeze(view), enumerable: true });
    }
    for (const { name, general } of fields) {
      if (!general.includes('.') && general !== name) Object.defineProperty(record, general, { get: () => record[name], enumerable: true });
    }
    Object.seal(record);
    return { record, update: () => { for (let index = 0; index < updates.length; index++) updates[index](); } };
  };
  const now = makeRecord('env', settings.values);
  const before = makeRecord('previous', settings.values + settings.recordLength);

  // ---- Frozen: a program is a function of its arguments, so that a run can be gone on with exactly. ----
  const frozen = new Set();
  const freeze = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || frozen.has(value)) return;
    frozen.add(value);
    Object.freeze(value);
    freeze(Object.getPrototypeOf(value));
    for (const key of Reflect_ownKeys(value)) {
      const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key);
      freeze(inner); freeze(get); freeze(set);
    }
  };
  const Reflect_ownKeys = (value) => [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertySymbols(value)];
  for (const kind of FunctionKinds) freeze(Object.getPrototypeOf(kind));
  for (const one of removed) freeze(one);
  const iterators = [[].values(), new Map().values(), new Set().values(), ''[Symbol.iterator](), 'a'.matchAll(/a/g),
    [].values().map((one) => one), Iterator.from({ next() {} })];
  for (const one of iterators) freeze(Object.getPrototypeOf(one));
  freeze(Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())));
  freeze(globalThis);

  const { isFinite, String: toText } = globalThis;
  let program;
  return {
    load(made) { program = made; },
    step(buffer) {
      shared = new Numbers(buffer);
      stepCount++;
      if (settings.hasRandomness) {
        a = shared[settings.seed] | 0; b = 0x85ebca6b | 0; c = 0x9e3779b9 | 0; d = 1;
        for (let round = 0; round < 12; round++) next();
      }
      now.update();
      before.update();
      const reward = program(now.record, actions[shared[settings.action]], before.record);
      if (typeof reward !== 'number') {
        if (typeof reward === 'object' && reward !== null && typeof reward.then === 'function') refuse('promise', 'a promise');
        const isShort = reward === null || reward === undefined || typeof reward === 'boolean';
        refuse('no-number', isShort ? toText(reward) : typeof reward === 'string' ? 'the text "' + reward.slice(0, 40) + '"' : 'a value of type ' + typeof reward);
      }
      if (!isFinite(reward)) refuse('not-finite', toText(reward));
      if (reward > settings.maximumMagnitude || reward < -settings.maximumMagnitude) refuse('too-large', toText(reward));
      return reward;
    },
  };
}`;
