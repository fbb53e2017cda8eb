// Errors: stable codes, messages that name value, place and expectation.
import { describe, expect, it, vi } from 'vitest';
import * as core from './index.ts';

describe('errors', () => {
  it('carry the name of their class, a stable code and the cause', () => {
    const cause = new Error('below');
    const made = [
      [new core.InvalidArgumentError('m', { cause }), 'INVALID_ARGUMENT'],
      [new core.ShapeError('m', { cause }), 'SHAPE'],
      [new core.NonFiniteError('m', { cause }), 'NON_FINITE'],
      [new core.NotFoundError('m', { cause }), 'NOT_FOUND'],
      [new core.CorruptDataError('m', { cause }), 'CORRUPT_DATA'],
      [new core.CheckpointError('m', { cause }), 'CHECKPOINT'],
      [new core.AlreadyInUseError('m', { cause }), 'ALREADY_IN_USE'],
      [new core.StorageError('m', { cause }), 'STORAGE'],
      [new core.MissingDependencyError('m', { cause }), 'MISSING_DEPENDENCY'],
    ] as const;
    for (const [error, code] of made) {
      expect(error).toBeInstanceOf(core.MoeRlError);
      expect(error.code).toBe(code);
      expect(error.name).toBe(error.constructor.name);
      expect(error.cause).toBe(cause);
      expect(core.isMoeRlError(error)).toBe(true);
    }
  });

  it('recognizes errors of packages without dependencies by their mark, and nothing else', () => {
    const marked = Object.assign(new Error('wrong ROM'), { code: 'WRONG_ROM', isMoeRlError: true });
    expect(core.isMoeRlError(marked)).toBe(true);
    expect(core.isMoeRlError(Object.assign(new Error('no file'), { code: 'ENOENT' }))).toBe(false);
    expect(core.isMoeRlError({ code: 'SHAPE', isMoeRlError: true })).toBe(false);
    expect(core.isMoeRlError(undefined)).toBe(false);
  });

  it('recognizes those of another copy of this package', async () => {
    vi.resetModules();
    const other = await import('./index.ts');
    expect(other.InvalidArgumentError).not.toBe(core.InvalidArgumentError);
    expect(core.isMoeRlError(new other.InvalidArgumentError('size is 0'))).toBe(true);
    expect(other.isMoeRlError(new core.NotFoundError('no such file'))).toBe(true);
  });
});

describe('missingPeerError', () => {
  const peers = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'];
  const missing = (code: string, message: string) =>
    core.missingPeerError('@moe-rl/x/tfjs', peers, Object.assign(new Error(message), { code }));

  it('says what to install, from ESM and CommonJS', () => {
    for (const error of [
      missing('ERR_MODULE_NOT_FOUND', "Cannot find package '@tensorflow/tfjs-layers' imported from /x/dist/tfjs.js"),
      missing('MODULE_NOT_FOUND', "Cannot find module '@tensorflow/tfjs-layers'\nRequire stack:"),
    ]) {
      expect(error).toBeInstanceOf(core.MissingDependencyError);
      expect((error as Error).message).toBe(
        '@moe-rl/x/tfjs needs @tensorflow/tfjs-core and @tensorflow/tfjs-layers; @tensorflow/tfjs-layers is not installed. Run: npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers',
      );
    }
  });

  it('leaves every other error alone', () => {
    expect(missing('ERR_MODULE_NOT_FOUND', "Cannot find package 'left-pad'")).not.toBeInstanceOf(core.MoeRlError);
    const other = new TypeError("'@tensorflow/tfjs-layers'");
    expect(core.missingPeerError('@moe-rl/x/tfjs', peers, other)).toBe(other);
  });
});

describe('requireInteger, requireFinite, requireOneOf', () => {
  it('give back what is right', () => {
    expect(core.requireInteger('n', 3, 3, 3)).toBe(3);
    expect(core.requireFinite('x', -0.5)).toBe(-0.5);
    expect(core.requireOneOf('mode', 'b', ['a', 'b'])).toBe('b');
  });

  it('say what is wrong', () => {
    expect(() => core.requireInteger('n', 2.5)).toThrow('n is 2.5; expected an integer');
    expect(() => core.requireInteger('n', 0, 1)).toThrow('n is 0; expected an integer of at least 1');
    expect(() => core.requireInteger('n', 9, 1, 8)).toThrow('expected an integer from 1 to 8');
    expect(() => core.requireInteger('n', '4')).toThrow('n is "4"');
    expect(() => core.requireFinite('x', Number.NaN)).toThrow('x is NaN; expected a finite number');
    expect(() => core.requireFinite('x', 2, 0, 1)).toThrow('x is 2; expected a finite number from 0 to 1');
    expect(() => core.requireFinite('x', 2, undefined, 1)).toThrow('of at most 1');
    expect(() => core.requireOneOf('mode', 'c', ['a', 'b'])).toThrow('mode is "c"; expected one of a, b');
    expect(() => core.requireOneOf('mode', null, ['a'])).toThrow(core.InvalidArgumentError);
    expect(() => core.requireOneOf('mode', 'fats', ['fast', 'slow'])).toThrow('one of fast, slow; did you mean fast?');
    expect(() => core.requireBoolean('isOn', 'no')).toThrow('isOn is "no"; expected true or false');
    expect(core.requireBoolean('isOn', false)).toBe(false);
  });
});
