// Locks, checkpoints, configuration: what has to hold when things go wrong.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeState, encodeState } from '@moe-rl/core';
import { replaceFile, storageError } from '@moe-rl/core/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentConfigOf, changeOnResume, checkRunConfig, newRunConfig, parseSetOption } from '../config/run-config.ts';
import { checkpointStore, readCheckpoint } from './checkpoint-store.ts';
import { createRunFolder, lockRunFolder, openRunFolder, readRunConfig } from './run-folder.ts';

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
  it('refuses a folder that holds a run or anything else, and opens what it made', () => {
    const config = newRunConfig({ options: { seed: 5 }, set: [['agent.updateHorizon', '3']] });
    const folder = createRunFolder(join(root, 'a'), config);
    expect(() => createRunFolder(join(root, 'a'), config)).toThrow(expect.objectContaining({ code: 'ALREADY_IN_USE' }));
    folder.unlock();
    expect(() => createRunFolder(join(root, 'a'), config)).toThrow(/already holds a run/);
    expect(readRunConfig(join(root, 'a'))).toEqual(config);
    mkdirSync(join(root, 'b'));
    writeFileSync(join(root, 'b', 'thesis.txt'), 'x');
    expect(() => createRunFolder(join(root, 'b'), config)).toThrow(/not empty \(it has thesis\.txt\)/);
    expect(existsSync(join(root, 'b', 'run.lock'))).toBe(false);
    expect(() => openRunFolder(join(root, 'b'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('changes only what may change on resume', () => {
    const config = newRunConfig({ options: { seed: 5 } });
    expect(changeOnResume(config, { options: { trainingAgentSteps: 7 } })).toEqual({
      ...config,
      trainingAgentSteps: 7,
    });
    expect(() => changeOnResume(config, { options: { seed: 6 } })).toThrow(
      /seed can't change on resume: the run has 5, now asked for 6/,
    );
    expect(() => changeOnResume(config, { set: [['optimizer.learningRate', '1']] })).toThrow(/optimizer can't change/);
  });
});

describe('run configuration', () => {
  it('is the preset, then the file, then --set, then the named options', () => {
    const config = newRunConfig({
      file: { preset: 'der', seed: 3, agent: { batchSize: 16, updateHorizon: 5 }, environment: { stackSize: 2 } },
      set: [
        ['agent.batchSize', '8'],
        ['environment.noopMax', '30'],
        ['network.encoder.type', 'perceptron'],
        ['network.encoder.hiddenUnits', '64,32'],
        ['seed', '4'],
      ],
      options: { seed: 5, game: undefined },
    });
    expect(config).toMatchObject({ preset: 'der', seed: 5, game: 'windfall', trainingAgentSteps: 100_000 });
    expect(config.agent).toMatchObject({ batchSize: 8, updateHorizon: 5, atoms: 51 });
    expect(config.network.encoder.hiddenUnits).toEqual([64, 32]);
    // DER's own environment rules, the change, and Dopamine's defaults for the rest.
    expect(config.environment).toMatchObject({
      repeatActionProbability: 0,
      terminalOnLifeLoss: true,
      stackSize: 2,
      noopMax: 30,
      frameSkip: 4,
    });
    expect(config.environment.maxEpisodeFrames).toBe(108_000);
    expect(checkRunConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    const { batchSize, ...older } = config.agent;
    expect(checkRunConfig({ ...config, agent: older }).agent).toEqual({ ...older, batchSize: 32 });
    expect(batchSize).toBe(8);
    expect(agentConfigOf(config).environment.maxEpisodeAgentSteps).toBe(27_000);
  });

  it('says how long an evaluation is in episodes or in agent steps', () => {
    const settings = newRunConfig({
      set: [
        ['evaluation.periodAgentSteps', '250000'],
        ['evaluation.agentSteps', '125000'],
      ],
    });
    expect(settings.evaluation).toEqual({
      periodAgentSteps: 250_000,
      episodes: null,
      agentSteps: 125_000,
      maxEpisodeAgentSteps: null,
    });
    expect(checkRunConfig(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
    const { evaluation: _, ...older } = settings;
    expect(checkRunConfig(older).evaluation.periodAgentSteps).toBe(null);
  });

  it('splits --set at the first equals sign', () => {
    expect(parseSetOption('rom=/a=b.bin')).toEqual(['rom', '/a=b.bin']);
    for (const bad of ['seed', '=1', 'agent..x=1', 'agent.__proto__.x=1']) {
      expect(() => parseSetOption(bad)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it.each([
    [{ options: { preset: 'dqm' } }, 'there is no preset "dqm"'],
    [{ file: { sede: 3 } }, 'there is no setting "sede"; did you mean seed'],
    [{ set: [['agent.batchsize', '3']] as const }, 'did you mean agent.batchSize'],
    [{ set: [['agent.batchSize', 'many']] as const }, 'agent.batchSize is "many"'],
    [{ set: [['environment.frameskip', '3']] as const }, 'there is no environment setting "frameskip"'],
    [{ file: { environment: { repeatActionProbability: 2 } } }, 'repeatActionProbability is 2; expected'],
    [{ file: { agent: 3 } }, 'agent is 3; expected an object'],
    [{ options: { seed: -1 } }, 'seed is -1'],
    [{ options: { backend: 'gpu' } }, 'backend is "gpu"; expected one of auto, tensorflow'],
    [{ options: { trainingAgentSteps: 0 } }, 'trainingAgentSteps is 0'],
    [{ set: [['evaluation.periodAgentSteps', '0']] as const }, 'evaluation.periodAgentSteps is 0; expected'],
    [
      { set: [['evaluation.period', '5']] as const },
      'no setting "evaluation.period"; did you mean evaluation.periodAgentSteps',
    ],
    [
      { file: { evaluation: { episodes: 5, agentSteps: 100 } } },
      'evaluation.episodes is 5 and evaluation.agentSteps is 100',
    ],
    [{ set: [['evaluation', '5']] as const }, 'no setting "evaluation"'],
    [{ options: { evaluationEpisodes: '30' } }, 'evaluationEpisodes is "30"'],
  ])('refuses %j', (requested, message) => {
    expect(() => newRunConfig(requested)).toThrow(message);
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
