// How fast is the emulator? Frames/s of one core against ALE (every screen drawn, and at frame skip 4) and against itself without translating
// the ROM, and whole agent steps/s (skip 4, sticky actions, maximum of two frames, 84x84, stack of 4, rewards, resets) against Gymnasium's
// AtariPreprocessing and ale_py's AtariVectorEnv on one thread; `environment/...` rows time `makeAtari` itself against the batch below it, in the same play.
// Both sides play the same games with the same kind of random actions in turns of a few milliseconds; each turn counts the CPU time of the thread that
// runs it, and the ratio is that of the sums.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEFAULT_ATARI_CONFIG, makeAtari } from '../packages/ale-env/src/index.ts';
import { loadRoms } from '../packages/ale-wasm/scripts/roms.mjs';
import { GAMES } from '../packages/ale-wasm/src/games.ts';
import { Ale, AleBatch } from '../packages/ale-wasm/src/index.ts';

const PEER = join(dirname(fileURLToPath(import.meta.url)), 'peers', 'emulator_ale.py');
const CONSOLES = 8;
/** `--quick` takes these instead of the paper's 20: its geometric means are of these games only. */
const QUICK_GAMES = ['breakout', 'pong', 'seaquest'];

export async function run({ peers, options }) {
  const python = peers.has('ale') ? peers.python('ale') : undefined;
  const wanted = options.games ?? (options.quick ? QUICK_GAMES : undefined);
  const games = GAMES.filter((game) => game.sets.includes('paper20') && (wanted?.includes(game.id) ?? true));
  const roms = loadRoms(games);
  const rounds = options.quick ? 8 : 30;
  const rows = [];
  const ratios = { full: [], translation: [], skip4: [], gymnasium: [], 'ale-vector': [] };
  const add = (kind, name, unit, result) => {
    rows.push({ name, unit, ...result });
    if (result.ratio !== undefined) ratios[kind].push(result.ratio);
  };
  for (const game of games) {
    const rom = roms.get(game.id);
    if (rom === undefined) {
      options.log(`${game.id}: no ROM, left out`);
      continue;
    }
    const measure = async (ours, command, chunk, framesPerCall) => {
      const peer = python === undefined ? undefined : await startPeer(python, command);
      const result = await interleave(ours, peer, chunk, rounds, framesPerCall);
      peer?.stop();
      return result;
    };
    add('full', `emulator/${game.id}`, 'frames/s', await measure(acting(rom, game, 1), `act ${game.id} 1`, 400, 1));
    add(
      'translation',
      `emulator/${game.id}/translation`,
      'frames/s',
      await interleave(acting(rom, game, 1), interpreting(rom, game), 400, Math.ceil(rounds / 3), 1),
    );
    add(
      'skip4',
      `emulator/${game.id}/skip4`,
      'frames/s',
      await measure(acting(rom, game, 4), `act ${game.id} 4`, 100, 4),
    );
    for (const [kind, command] of [
      ['gymnasium', `gymnasium ${game.id}`],
      ['ale-vector', `vector ${game.id} ${CONSOLES}`],
    ]) {
      add(
        kind,
        `pipeline/${game.id}/${kind}`,
        'agent steps/s',
        await measure(stepping(rom, game, kind === 'gymnasium' ? 1 : CONSOLES), command, 80, 1),
      );
    }
    // What people use, against the batch below it: how much the environment adds. The ratio is the batch's time over the environment's.
    rows.push({
      name: `environment/${game.id}/against-batch`,
      unit: 'agent steps/s',
      ...environmentAgainstBatch(rom, game, rounds),
    });
    options.log(
      `${game.id.padEnd(18)} ${rows
        .slice(-6)
        .map(
          ({ name, ours, ratio }) =>
            `${name.split('/').slice(2).join('/') || 'full'} ${Math.round(ours)}/s ${ratio?.toFixed(2) ?? ''}`,
        )
        .join('   ')}`,
    );
  }
  const geomean = (name, values, unit) =>
    values.length > 0 &&
    rows.push({
      name,
      ours: undefined,
      peer: undefined,
      unit,
      ratio: Math.exp(values.reduce((sum, ratio) => sum + Math.log(ratio), 0) / values.length),
    });
  geomean('emulator/geomean', ratios.full, 'frames/s');
  geomean('emulator/geomean-translation', ratios.translation, 'frames/s');
  geomean('emulator/geomean-skip4', ratios.skip4, 'frames/s');
  geomean('pipeline/geomean/gymnasium', ratios.gymnasium, 'agent steps/s');
  geomean('pipeline/geomean/ale-vector', ratios['ale-vector'], 'agent steps/s');
  return rows;
}

function indices(seed, count, choices, hold) {
  let x = seed >>> 0;
  let index = 0;
  return Array.from({ length: count }, (_, t) => {
    if (t % hold === 0) {
      x = (Math.imul(1664525, x) + 1013904223) >>> 0;
      index = (x >>> 16) % choices;
    }
    return index;
  });
}

/** CPU seconds of this thread (Node 24), or of the process. */
const cpuSeconds = () => {
  const { user, system } = (process.threadCpuUsage ?? process.cpuUsage).call(process);
  return (user + system) / 1e6;
};

/** The same console without translation, as a peer: what translating gains. */
function interpreting(rom, game) {
  const play = acting(rom, game, 1, false);
  for (let i = 0; i < 12; i++) play(400);
  return { go: async (count) => play(count) };
}

function acting(rom, game, frameSkip, translateRom = true) {
  const ale = new Ale(rom, { frameSkip, repeatActionProbability: 0, randomSeed: 1, translateRom });
  const sequence = indices(77, 3000 / frameSkip, game.minimalActions.length, 4).map(
    (index) => game.minimalActions[index],
  );
  let position = 0;
  return (count) => {
    const begin = cpuSeconds();
    for (let i = 0; i < count; i++) {
      ale.act(sequence[position++ % sequence.length]);
      if (ale.isOver) ale.reset();
    }
    return cpuSeconds() - begin;
  };
}

function stepping(rom, game, consoles) {
  const batch = new AleBatch(rom, { consoles, observationStyle: 'gymnasium' });
  for (let i = 0; i < consoles; i++) batch.reset(i);
  const sequences = Array.from({ length: consoles }, (_, i) =>
    indices(consoles === 1 ? 77 : i, 750, game.minimalActions.length, 1).map((index) => game.minimalActions[index]),
  );
  let position = 0;
  return (count) => {
    const begin = cpuSeconds();
    for (let done = 0; done < count; done += consoles) {
      batch.step(sequences.map((sequence) => sequence[position % 750]));
      position++;
      for (let i = 0; i < consoles; i++) if (batch.gameOver[i]) batch.reset(i);
    }
    return cpuSeconds() - begin;
  };
}

/**
 * `makeAtari`, as people step it, against the batch below it with the environment's own settings and seed: both play the same frames of the same episodes,
 * warmed by the same steps, in turns that change who goes first. Whoever plays something else ends the benchmark.
 * @returns the rates over all turns, and the batch's time over the environment's
 */
function environmentAgainstBatch(rom, game, rounds) {
  const sequence = indices(77, 750, game.minimalActions.length, 1);
  const chunk = 480;
  const environment = () => {
    const atari = makeAtari({ rom });
    atari.reset({ seed: 0 });
    let position = 0;
    return (count) => {
      let played = 0;
      const begin = cpuSeconds();
      for (let i = 0; i < count; i++) {
        const { reward, terminated, truncated, info } = atari.step(sequence[position++ % sequence.length]);
        played = (Math.imul(played, 31) + reward + info.lives) | 0;
        if (terminated || truncated) atari.reset();
      }
      return { seconds: cpuSeconds() - begin, played };
    };
  };
  const batch = () => {
    const { repeatActionProbability, maxEpisodeFrames } = DEFAULT_ATARI_CONFIG;
    const ale = new AleBatch(rom, { game, repeatActionProbability, maxEpisodeFrames });
    ale.load(0, 0);
    ale.reset(0);
    let position = 0;
    return (count) => {
      let played = 0;
      const begin = cpuSeconds();
      for (let i = 0; i < count; i++) {
        ale.stepConsole(0, game.minimalActions[sequence[position++ % sequence.length]]);
        played = (Math.imul(played, 31) + ale.rewards[0] + ale.lives[0]) | 0;
        if (ale.gameOver[0] || ale.truncated[0]) ale.reset(0);
      }
      return { seconds: cpuSeconds() - begin, played };
    };
  };
  const players = [environment(), batch()];
  const turn = (round) => {
    const results = [];
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) results[which] = players[which](chunk);
    if (results[0].played !== results[1].played)
      throw new Error(`${game.id}: the environment and the batch played different games in round ${round}`);
    return results.map(({ seconds }) => seconds);
  };
  for (let round = 0; round < 6; round++) turn(round); // until the compilers are done
  // Processor time comes in ticks of milliseconds on some systems: a single turn's ratio, or a median of them, would be one of few fractions.
  let ours = 0;
  let peer = 0;
  for (let round = 0; round < rounds; round++) {
    const [mine, theirs] = turn(round);
    ours += mine;
    peer += theirs;
  }
  return { ours: (chunk * rounds) / ours, peer: (chunk * rounds) / peer, ratio: peer / ours };
}

async function startPeer(python, command) {
  const child = spawn(python, [PEER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line) => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done || value.startsWith('error')) throw new Error(`the ALE peer failed on "${line}": ${value}`);
    return value;
  };
  await ask(command);
  return { go: async (count) => Number(await ask(`go ${count}`)), stop: () => child.stdin.end() };
}

async function interleave(ours, peer, chunk, rounds, framesPerCall) {
  for (let i = 0; i < 12; i++) ours(chunk); // until the compiler is done
  await peer?.go(chunk);
  // Both start their turns at the same place of the play.
  const mine = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(ours(chunk));
    if (peer) theirs.push(await peer.go(chunk));
  }
  // Processor time comes in ticks of the system, so it is summed over all turns.
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const rate = (values) => (chunk * rounds * framesPerCall) / sum(values);
  return peer
    ? { ours: rate(mine), peer: rate(theirs), ratio: sum(theirs) / sum(mine) }
    : { ours: rate(mine), peer: undefined, ratio: undefined };
}
