// Locks, checkpoints, configuration: what has to hold when things go wrong.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeState, encodeState } from '@moe-rl/core';
import { replaceFile, storageError } from '@moe-rl/core/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeOnResume, newRunConfig } from '../config/run-config.ts';
import { createToyRegistry } from '../testing/toy-registry.ts';
import { checkpointStore, readCheckpoint } from './checkpoint-store.ts';
import { createRunFolder, lockRunFolder, openRunFolder, readRunConfig, readRunModules } from './run-folder.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-storage-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('lockRunFolder', () => {
  it('refuses a second holder and lets the next one in after the first let go', () => {
    const unlock = lockRunFolder(root);
    expect(() => lockRunFolder(root)).toThrow(expect.objectContaining({ code: 'ALREADY_IN_USE' }));
    unlock();
    lockRunFolder(root)();
    expect(readdirSync(root)).toEqual([]);
  });

  it('takes over a lock whose process is gone, or whose number belongs to a younger process', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    writeFileSync(join(root, 'run.lock'), JSON.stringify({ pid, host: hostname(), processStart: '1' }));
    lockRunFolder(root)();
    writeFileSync(join(root, 'run.lock'), 'not even JSON');
    lockRunFolder(root)();
    if (process.platform === 'linux') {
      writeFileSync(join(root, 'run.lock'), JSON.stringify({ pid: process.pid, host: hostname(), processStart: '1' }));
      lockRunFolder(root)();
    }
  });

  it('does not judge a process on another machine', () => {
    writeFileSync(join(root, 'run.lock'), JSON.stringify({ pid: 1, host: 'elsewhere', processStart: '' }));
    expect(() => lockRunFolder(root)).toThrow(/process 1 on elsewhere/);
  });
});

describe('encodeState', () => {
  it('gives back arrays, nesting and numbers that JSON lacks', () => {
    const state = {
      words: [1, 2, null, 'x', true],
      deep: { list: [{ data: Float32Array.of(1.5, Number.NaN) }, Int32Array.of(-1)], empty: new Uint8Array(0) },
      special: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    };
    const { json, tensors } = encodeState(state);
    expect(decodeState(json, tensors)).toEqual(state);
  });

  it('keeps names that every object has, and refuses those that the format uses itself', () => {
    const state = Object.fromEntries([['__proto__', Object.fromEntries([['__proto__', Uint8Array.of(1)]])]]);
    const { json, tensors } = encodeState(state);
    expect(Object.keys(decodeState(json, tensors))).toEqual(['__proto__']);
    expect(decodeState(json, tensors)).toEqual(state);
    expect(() => encodeState({ a: { $tensor: 'b' } })).toThrow(/"\$tensor" \(below "a"\)/);
    expect(() => decodeState('{"a":{"$tensor":"constructor"}}', tensors)).toThrow(/"constructor", which is missing/);
  });

  it('refuses a state whose tensor is missing', () => {
    const { tensors } = encodeState({});
    expect(() => decodeState('{"a":{"$tensor":"a"}}', tensors)).toThrow(/"a", which is missing/);
    expect(() => decodeState('{', tensors)).toThrow(/not valid JSON/);
  });
});

describe('checkpointStore', () => {
  it('keeps the newest two and reads the newest back', () => {
    const store = checkpointStore(join(root, 'checkpoints'));
    expect(() => store.loadNewest()).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    for (const agentSteps of [10, 20, 30]) store.save(agentSteps, { agent: { weights: Float32Array.of(agentSteps) } });
    expect(store.list()).toEqual([20, 30]);
    expect(store.loadNewest()).toMatchObject({
      agentSteps: 30,
      parts: { agent: { weights: Float32Array.of(30) } },
      skipped: [],
    });
  });

  it('replaces a checkpoint of the same step by renames, so that one is whole wherever that ends', () => {
    const store = checkpointStore(root);
    const savedValue = () => store.loadNewest().parts['agent']!['a'];
    const target = store.save(7, { agent: { a: 1 } });
    expect(store.save(7, { agent: { a: 2 } })).toBe(target);
    expect(savedValue()).toBe(2);
    expect(readdirSync(root)).toEqual(['checkpoint-000000000007']);
    // Killed between the two renames.
    renameSync(target, join(root, '.checkpoint-000000000007.before'));
    expect(savedValue()).toBe(2);
    expect(store.list()).toEqual([7]);
    store.save(7, { agent: { a: 3 } });
    expect(savedValue()).toBe(3);
    expect(readdirSync(root)).toEqual(['checkpoint-000000000007']);
    // Where both are there, the one in its place counts.
    mkdirSync(join(root, '.checkpoint-000000000007.before'));
    expect(savedValue()).toBe(3);
    expect(store.newestFirst()).toEqual([target]);
  });

  it('counts one that stepped aside: a new run does not take the place of one that has nothing else', () => {
    const config = newRunConfig({ options: { game: 'toy/line', preset: 'toy' } }, createToyRegistry());
    const folder = createRunFolder(join(root, 'run'), config);
    const target = folder.checkpoints.save(7, { agent: { a: 1 } });
    folder.unlock();
    renameSync(target, join(folder.checkpoints.folder, '.checkpoint-000000000007.before'));
    expect(() => createRunFolder(folder.path, config)).toThrow(/already holds a run; continue it with --resume/);
    expect(folder.checkpoints.loadNewest().agentSteps).toBe(7);
  });

  it('refuses foreign folders, other versions and damaged files by name', () => {
    const store = checkpointStore(root);
    const path = store.save(1, { agent: { a: 1 } });
    writeFileSync(join(path, 'agent.json'), '{"a":2}');
    expect(() => readCheckpoint(path)).toThrow(/agent\.json is damaged/);
    writeFileSync(
      join(path, 'manifest.json'),
      JSON.stringify({ format: 'moe-rl-checkpoint', formatVersion: 9, files: {}, parts: [] }),
    );
    expect(() => readCheckpoint(path)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT', message: expect.stringContaining('version 9') }),
    );
    writeFileSync(join(path, 'manifest.json'), '[]');
    expect(() => readCheckpoint(path)).toThrow(/not a moe-rl checkpoint/);
    expect(() => readCheckpoint(join(root, 'nothing'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});

describe('run folder', () => {
  const registry = createToyRegistry();
  const named = { game: 'toy/line', preset: 'toy' };

  it('refuses a folder that holds a run or anything else, and opens what it made', () => {
    const config = newRunConfig({ options: { ...named, seed: 5 }, set: [['learner.rate', '0.3']] }, registry);
    const folder = createRunFolder(join(root, 'a'), config);
    expect(() => createRunFolder(join(root, 'a'), config)).toThrow(expect.objectContaining({ code: 'ALREADY_IN_USE' }));
    folder.checkpoints.save(1, { agent: {} });
    folder.unlock();
    expect(() => createRunFolder(join(root, 'a'), config)).toThrow(/already holds a run/);
    expect(readRunConfig(join(root, 'a'), registry)).toEqual(config);
    // Without a registry the run's own settings are checked, and the others are there as they are.
    expect(readRunConfig(join(root, 'a'))).toEqual(config);
    mkdirSync(join(root, 'b'));
    writeFileSync(join(root, 'b', 'thesis.txt'), 'x');
    expect(() => createRunFolder(join(root, 'b'), config)).toThrow(/not empty \(it has thesis\.txt\)/);
    expect(readdirSync(join(root, 'b'))).toEqual(['thesis.txt']);
    expect(() => openRunFolder(join(root, 'b'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('leaves alone what is called as its own files are where no run was', () => {
    const config = newRunConfig({ options: named }, registry);
    const path = join(root, 'a');
    for (const [name, file] of [
      ['dataset', 'dataset/0.bin'],
      ['videos', 'videos/holiday.mp4'],
      ['reward', 'reward/mine.mjs'],
      ['metrics.jsonl', 'metrics.jsonl'],
    ] as const) {
      mkdirSync(join(path, name === file ? '' : name), { recursive: true });
      writeFileSync(join(path, file), 'mine');
      expect(() => createRunFolder(path, config)).toThrow(`is not empty (it has ${name})`);
      expect(readdirSync(path)).toEqual([name]);
      expect(existsSync(join(path, file))).toBe(true);
      rmSync(path, { recursive: true });
    }
    mkdirSync(path);
    writeFileSync(join(path, 'checkpoints'), 'mine');
    expect(() => createRunFolder(path, config)).toThrow(
      expect.objectContaining({ code: 'STORAGE', message: expect.stringContaining('is a file, not a folder') }),
    );
    rmSync(path, { recursive: true });
    // What a start leaves that was killed before it wrote its configuration.
    for (const name of ['events', 'videos']) mkdirSync(join(path, name), { recursive: true });
    createRunFolder(path, config).discard();
    expect(readdirSync(path)).toEqual([]);
  });

  it('gives way where a start never came to a checkpoint, and takes itself back', () => {
    const config = newRunConfig({ options: named }, registry);
    const failed = createRunFolder(join(root, 'a'), config);
    writeFileSync(failed.metricsFile, '{"agentSteps":1}\n');
    mkdirSync(join(root, 'a', 'checkpoints', 'replay'), { recursive: true });
    failed.unlock();
    const next = createRunFolder(join(root, 'a'), { ...config, seed: 2 });
    expect(next.replacesUnfinished).toBe(true);
    expect(readdirSync(next.path).sort()).toEqual(['config.json', 'events', 'run.lock', 'videos']);
    next.discard();
    // The folder was there before the second start.
    expect(readdirSync(next.path)).toEqual([]);
    const fresh = createRunFolder(join(root, 'c'), config);
    expect(fresh.replacesUnfinished).toBe(false);
    fresh.discard();
    expect(existsSync(join(root, 'c'))).toBe(false);
  });

  it('refuses a configuration and a list of modules of another form, naming the file', () => {
    const folder = join(root, 'forms');
    mkdirSync(folder);
    for (const [text, message] of [
      ['null', /config\.json is not the configuration of a run/],
      ['{"formatVersion": 1, "modules": [3]}', /config\.json: modules is \[3\]; expected a list of { path, sha256 }/],
      ['{"formatVersion": 1, "modules": {"path": "x"}}', /config\.json: modules is {"path":"x"}; expected a list/],
    ] as const) {
      writeFileSync(join(folder, 'config.json'), text);
      expect(() => readRunModules(folder)).toThrow(message);
    }
    writeFileSync(join(folder, 'config.json'), '{"formatVersion": 1}');
    expect(readRunModules(folder)).toEqual([]);
  });

  it('changes only what may change on resume, and says which setting it is otherwise', () => {
    const config = newRunConfig({ options: { ...named, seed: 5 } }, registry);
    expect(changeOnResume(config, { options: { trainingAgentSteps: 7 } }, registry)).toEqual({
      ...config,
      trainingAgentSteps: 7,
    });
    expect(changeOnResume(config, { set: [['environment.file', 'x']] }, registry).environment.file).toBe('x');
    for (const [path, text, message] of [
      ['seed', '6', "seed can't change on resume: the run has 5, now asked for 6"],
      ['preset', 'slow', `preset can't change on resume: the run has "toy", now asked for "slow"`],
      ['learner.rate', '1', "learner.rate can't change on resume: the run has 0.1, now asked for 1"],
      ['environment.size', '5', "environment.size can't change on resume: the run has 9, now asked for 5"],
    ] as const) {
      expect(() => changeOnResume(config, { set: [[path, text]] }, registry)).toThrow(message);
    }
  });
});

describe('storage', () => {
  it('says what could not be done, where and why', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => replaceFile(join(root, 'file', 'x.json'), '{}')).toThrow(
      /cannot write .*: a part of the path is a file, not a folder/,
    );
    const denied = storageError('write', '/somewhere', Object.assign(new Error('EACCES'), { code: 'EACCES' }));
    expect(denied).toMatchObject({ code: 'STORAGE', message: 'cannot write /somewhere: permission denied' });
  });
});
