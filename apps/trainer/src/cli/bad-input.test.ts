// Every kind of bad input: one sentence, exit code 2, and nothing is written.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runMain } from '../testing/run-main.ts';
import { expectRefusal } from '../testing/tiny-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-bad-input-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const FILES = {
  'modules.json': '{"modules": 3}',
  'list.json': '[1]',
  'broken.json': '{"seed": 1,}',
  'broken.yaml': 'seed: [1',
  'alias.yaml': 'game: *pong\n',
  'doubled.yaml': 'seed: 1\nseed: 2\n',
  'dotted.yaml': 'agent.batchSize: 4\n',
  'proto.json': '{"__proto__": {"x": 1}}',
  'nested.json': '{"network": {"constructor": 3}}',
  'foreign.json': '{"formatVersion": 99, "seed": 1}',
  'plain-file': 'x',
  'study/study.json': '{"seed": 1, "plan": [{"size": "x"}]}',
  'null-study/study.json': 'null',
  'null-run/config.json': 'null',
  'modules-run/config.json': '{"formatVersion": 1, "modules": [3]}',
  'null-experiment/experiment.json': 'null',
  'bare-experiment/experiment.json': '{"formatVersion": 1}',
};
for (const [name, text] of Object.entries(FILES)) {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}
mkdirSync(join(root, 'folder.mjs'));
const before = readdirSync(root);

/** `train` on Catch with the preset classic-control, and these options. */
const train = (options: string): string => `train --game bsuite/catch --preset classic-control ${options}`;

const CASES: readonly (readonly [line: string, message: RegExp])[] = [
  ['trian', /unknown command 'trian'[\s\S]*Did you mean train\?/],
  ['train --gmae pong', /unknown option '--gmae'[\s\S]*Did you mean --game\?/],
  ['train extra', /too many arguments for 'train'/],
  ['train --preset toString', /there is no preset "toString"; there are dqn,/],
  ['train --game bsuite/cach', /there is no game "bsuite\/cach"; did you mean bsuite\/catch/],
  ['train --game constructor', /there is no game "constructor"/],
  ['train --set network.moe.router.k=2', /network\.moe\.router\.k does not apply to network\.moe\.router\.type soft/],
  [train('--agent-steps 100'), /agent\.minReplayHistoryAgentSteps is 500, so a run of 100 agent steps never learns/],
  [train('--steps 3 --agent-steps 4'), /--agent-steps is 4 and --steps, which means the same, is 3/],
  [train('--agent-steps 0'), /trainingAgentSteps is 0; expected an integer of at least 1/],
  [train('--agent-steps 1e3x'), /--agent-steps is "1e3x"; expected an integer/],
  [train('--seed x'), /--seed is "x"; expected an integer/],
  [train('--seed 99999999999'), /seed is 99999999999; expected an integer of at least 0 and at most 2147483647/],
  [train('--threads 0'), /threads is 0; expected/],
  [train('--backend tpu'), /backend is "tpu"; expected one of auto/],
  [train('--rom /etc/passwd'), /environment\.rom does not apply to environment\.type small; it belongs to atari/],
  [train('--fresh-replay'), /--fresh-replay belongs to --resume/],
  [train('--resume'), /there is no run in runs\/bsuite_catch-classic-control-s1 to resume/],
  [train('--run-folder plain-file'), /cannot create the folder plain-file: a file of that name is in the way/],
  [train('--run-folder plain-file/x'), /cannot create the folder plain-file\/x: a part of the path is a file/],
  [train('--config foreign.json'), /foreign\.json has format version 99; this program reads version 1/],
  ['play nowhere --random-agent --backend cpu', /--backend would do nothing: --random-agent computes nothing/],
  ['play nowhere --random-agent --threads 2', /--threads would do nothing: --random-agent/],
  [
    'train --game navigation/room --preset tabular-q-learning --backend cpu',
    /backend is "cpu", which would do nothing: the agents of the preset tabular-q-learning/,
  ],
  [train('--config nowhere.json'), /cannot read nowhere\.json: there is no such file/],
  [train('--config broken.json'), /broken\.json is not valid JSON/],
  [train('--config broken.yaml'), /broken\.yaml is not valid YAML/],
  [train('--config alias.yaml'), /alias\.yaml is not valid YAML: Unresolved alias .*pong/],
  [train('--config doubled.yaml'), /doubled\.yaml is not valid YAML: Map keys must be unique at line 2, column 1\n$/],
  [
    train('--config dotted.yaml'),
    /agent\.batchSize: the key "agent\.batchSize" has dots; expected nested settings, \{ agent: \{ batchSize: \.\.\. \} \}/,
  ],
  [train('--config list.json'), /list\.json: expected settings, as a run folder keeps them/],
  [train('--config modules.json'), /modules\.json: modules is 3; expected a list/],
  [train('--config proto.json'), /there is no setting "__proto__"/],
  [train('--config nested.json'), /there is no setting "network\.constructor"/],
  [train('--set agent.batchSize'), /expected path=value/],
  [train('--set __proto__.x=1'), /expected path=value/],
  [train('--set agent.batchsize=3'), /there is no setting "agent\.batchsize"; did you mean agent\.batchSize/],
  [train('--set agent.batchSize=1e9'), /agent\.batchSize is 1000000000; expected an integer/],
  [train('--set agent.discountFactor=1.5'), /agent\.discountFactor is 1\.5; expected/],
  [train('--set environment=3'), /"environment" is a group of settings/],
  [train('--set environment.frameSkip=3'), /environment\.frameSkip does not apply to environment\.type small/],
  [train('--set network.encoder.type=cnn'), /network\.encoder\.type is "cnn"; expected one of nature/],
  [
    train('--set network.moe.experts=4'),
    /network\.moe\.experts does not apply: it belongs to settings where network\.moe\.router\.type is not none/,
  ],
  [train('--set optimizer.beta1=1'), /optimizer\.beta1 is 1; expected a number of at least 0 and below 1/],
  [train('--set replay.capacity=5'), /replay\.capacity is 5; expected more than/],
  [
    train('--set evaluation.agentSteps=5 --set evaluation.episodes=5'),
    /evaluation\.episodes is 5 and evaluation\.agentSteps is 5; expected one of them/,
  ],
  [train('--set sinks.csv.isOn=true'), /there is no setting "sinks\.csv\.isOn"/],
  [train('--dataset nowhere'), /cannot read .*nowhere: there is no such file or folder/],
  [train('--dataset plain-file'), /plain-file: the dataset is not a Parquet file, or is cut off/],
  [train('--record-dataset plain-file'), /dataset\.recordFolder is .*plain-file, which is not empty/],
  [train('--module none.mjs'), /cannot load the module none\.mjs: there is no such file/],
  [train('--module folder.mjs'), /cannot read .*folder\.mjs: it is a folder/],
  ['compare x', /compare got 1 run folder; expected two or more/],
  ['compare x y', /x holds no run/],
  ['report nowhere', /nowhere holds no run/],
  ['report nowhere --output x.gif', /--output is "x\.gif"; expected a name that ends with \.svg or \.png/],
  ['evaluate nowhere', /nowhere holds no run/],
  ['evaluate nowhere --episodes 0', /--episodes is 0; expected an integer/],
  ['play nowhere', /nowhere holds no run/],
  ['evaluate nowhere --seed -1', /--seed is -1; expected an integer from 0 to 2147483647/],
  ['play nowhere --seed 99999999999', /--seed is 99999999999; expected an integer from 0/],
  ['play nowhere --seed 2147483647 --best-of 2', /--best-of is 2 and --seed is 2147483647; expected seeds of at most/],
  ['play nowhere --output x.avi', /--output is "x\.avi"; expected a name that ends with \.gif or \.mp4/],
  ['play nowhere --output x.gif --format mp4', /--format is mp4, but --output is "x\.gif", which says it itself/],
  ['play nowhere --output plain-file/x.gif', /cannot write plain-file\/x\.gif: a part of the path is a file/],
  ['compare x y --output plain-file/x.svg', /cannot write plain-file\/x\.svg: a part of the path is a file/],
  ['report nowhere --output folder.mjs', /--output is "folder\.mjs"; expected a name that ends with \.svg or \.png/],
  ['report nowhere --output plain-file/a/x.png', /cannot write plain-file\/a\/x\.png: a part of the path is a file/],
  ['play nowhere --scale 0', /--scale is 0; expected an integer from 1 to 16/],
  ['play nowhere --format avi', /--format is "avi"; expected one of gif, mp4, both/],
  ['presets nothing', /there is no preset "nothing"/],
  ['presets dqn --game pongg', /there is no game "pongg"; did you mean pong/],
  ['presets --game pong', /--game would do nothing in the list of presets; expected a preset too, or --json-schema/],
  ['presets --reward x', /--reward would do nothing in the list of presets/],
  ['presets dqn --rewards', /--rewards lists all designs of rewards; name would do nothing/],
  ['presets --rewards --json-schema', /--rewards lists all designs of rewards; --json-schema would do nothing/],
  ['presets dqn --reward originl', /reward\.type is "originl"; expected one of original.*; did you mean original\?/],
  [train('--backend wams'), /backend is "wams"; expected one of auto, .*; did you mean wasm\?/],
  [train('--set network.encoder.type=perceptrn'), /expected one of .*; did you mean perceptron\?/],
  ['statistics densty', /study is "densty"; expected one of density, .*; did you mean density\?/],
  ['statistics density --folder study', /study\.json does not say what the study was begun with/],
  ['statistics density --folder null-study', /study\.json holds null; expected a JSON object/],
  ['evaluate null-run', /config\.json is not the configuration of a run/],
  ['report null-run', /config\.json is not the configuration of a run/],
  ['play modules-run', /config\.json: modules is \[3\]; expected a list of { path, sha256 }/],
  ['train --resume --run-folder modules-run', /modules is \[3\]; expected a list/],
  ['experiment status null-experiment', /experiment\.json holds null; expected a JSON object/],
  ['experiment report bare-experiment', /experiment\.json/],
  ['experiment worker bare-experiment', /experiment\.json/],
  ['statistics density --repeats 1e12', /repeats is 1000000000000; expected an integer from 1 to 1000000/],
  ['statistics density --sizes 1e300', /size is 1e\+300; expected an integer from 1 to 1000000000/],
  ['statistics density --seed -4', /--seed is -4; expected an integer of at least 0/],
  [
    'experiment plan --suite demo --variants baseline --set trainingAgentSteps=5',
    /variant baseline: agent\.minReplayHistoryAgentSteps is \d+, so a run of 5 agent steps never learns/,
  ],
  ['experiment run --suite classic --variants soft --backend pjrt-cpu --batch-seeds 0', /--batch-seeds is 0; expected/],
  [
    'experiment run --suite classic --variants soft --backend cpu --batch-seeds 2',
    /backend is "cpu", which runs one step at a time.*expected one of pjrt-cpu, pjrt-cuda, pjrt-rocm/,
  ],
  [
    'experiment run --suite classic --variants soft --backend pjrt-cpu --batch-seeds 2 --queue redis://127.0.0.1:1',
    /--batch-seeds is 2, but --queue hands out jobs one by one/,
  ],
  ['experiment worker bare-experiment --batch-seeds x', /--batch-seeds/],
  ['experiment plan --suite demoo', /there is no suite "demoo"; did you mean demo\?/],
  ['experiment plan --seeds 0', /seeds is 0; expected an integer from 1/],
  ['quickstart --resume --run-folder none', /there is no run in none to resume; leave out --resume to start one/],
  ['quickstart --agent-steps 5', /agent\.minReplayHistoryAgentSteps is \d+, so a run of 5 agent steps never learns/],
  ['quickstart --agent-steps 0', /trainingAgentSteps is 0/],
  ['quickstart --episodes -1', /evaluationEpisodes is -1/],
  ['roms --folder nowhere', /nowhere does not exist/],
];

describe('bad input', () => {
  it.each(CASES)('%s', async (line, message) => {
    expectRefusal(await runMain(line.split(' '), root), message);
    expect(readdirSync(root)).toEqual(before);
  });
});

describe('a module that can’t be used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moe-rl-bad-modules-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const cases: [name: string, source: string, message: RegExp][] = [
    ['nothing exported', 'export const x = 1;', /exports x; expected a function register\(registry\)/],
    ['throws when loaded', 'throw new Error("no disk");', /cannot load the module .*: no disk/],
    ['throws when called', 'export default () => { throw new Error("no luck"); };', /could not register: no luck/],
    [
      'name taken',
      'export const register = ({ environments }) => environments.register("atari", { games: ["x"], create() {} });',
      /could not register: the name "atari" is taken/,
    ],
    [
      'game taken',
      'export const register = ({ environments }) => environments.register("mine", { games: ["bsuite/catch"], create() {} });',
      /the game "bsuite\/catch" of environment "mine" is taken by environment "small"/,
    ],
    [
      'no create',
      'export const register = ({ agents }) => agents.register("mine", {});',
      /agent "mine": create is undefined; expected a function/,
    ],
    [
      'no agent',
      'export const register = ({ presets }) => presets.register("mine", { settings: { network: { hiddenUnits: 8 } } });',
      /preset "mine": agent is missing; expected the name of the kind of agent that it sets up: value/,
    ],
    [
      'unknown agent',
      'export const register = ({ presets }) => presets.register("mine", { agent: "values" });',
      /preset "mine": there is no agent "values"; expected one of value.*; did you mean value\?/,
    ],
    [
      'no target',
      'export const register = ({ variants }) => variants.register({ name: "mine", values: "plain", penalties: [] });',
      /could not register: agent variant "mine": target is undefined; expected a function/,
    ],
    [
      'no options',
      'export const register = ({ routers }) => routers.register({ type: "mine", create: () => ({}) });',
      /could not register: router "mine": options is undefined; expected an object of settings by name/,
    ],
    ['syntax', 'export const = 1;', /cannot load the module/],
  ];
  it.each(cases)('%s', async (name, source, message) => {
    const file = join(folder, `${name.replaceAll(' ', '-')}.mjs`);
    writeFileSync(file, source);
    expectRefusal(await runMain(['presets', '--module', file], folder), message);
  });
});
