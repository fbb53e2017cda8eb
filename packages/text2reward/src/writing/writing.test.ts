// From a goal to a program: what a model is asked, how often, and with which words when its program failed.
import { createSmallEnvironment } from '@moe-rl/small-environments';
import { describe, expect, it } from 'vitest';
import { findDescription } from '../descriptions/index.ts';
import { LanguageModelError, RetriesExhaustedError } from '../errors.ts';
import { type ChatMessage, type LanguageModel, recordedReplies } from '../language-model.ts';
import { checkProgram } from './check-program.ts';
import { checkExamples, nearestExamples, REWARD_EXAMPLES } from './examples.ts';
import { refineReward, writeReward } from './write-reward.ts';

const description = findDescription('bsuite/catch');
const goal = 'Be under the ball.';
const block = (source: string): string =>
  `I think.\n\`\`\`js\n${source}\n\`\`\`\nAnd another:\n\`\`\`js\nnever\n\`\`\``;
const GOOD = block('function computeReward(env) { return env.ball.column === env.paddle.column ? 0.5 : 0 }');
const BAD = block('function computeReward(env) { return env.ball.height }');

/** Replies in order, and what was asked for each. */
function listening(replies: readonly string[]) {
  const asked: { readonly messages: readonly ChatMessage[]; readonly temperature: number }[] = [];
  const recorded = recordedReplies(replies);
  const model: LanguageModel = {
    name: 'a model',
    generate(request) {
      asked.push({ messages: [...request.messages], temperature: request.temperature });
      return recorded.generate(request);
    },
  };
  return { model, asked };
}

const environment = createSmallEnvironment('bsuite/catch', { seed: 1 });
const options = { description, environment, checkAgentSteps: 30 };

describe('writing a reward', () => {
  it('tells the model the classes, the actions, the nearest examples and the goal, and takes the first block', async () => {
    const { model, asked } = listening([GOOD]);
    const shown: string[] = [];
    const written = await writeReward({ ...options, model, goal, onProgram: (source) => shown.push(source) });
    const [system, user] = asked[0]!.messages;
    expect(asked[0]!.temperature).toBe(0);
    expect(system!.role).toBe('system');
    for (const text of [
      'class Ball {\n  row: number; // 0 at the top to 9',
      'LEFT, NOOP, RIGHT',
      `The goal: ${goal}`,
      'Swing the car',
    ].slice(0, 3)) {
      expect(user!.content).toContain(text);
    }
    expect(user!.content.match(/^Goal: /gm)).toHaveLength(2);
    expect(user!.content).not.toContain('ballColumn');
    expect(shown).toEqual([written.source]);
    expect(written.source).not.toContain('never');
    expect(written.report).toMatchObject({ agentSteps: 30, minimum: 0, maximum: 0.5 });
    expect(written.messages.at(-1)).toEqual({ role: 'assistant', content: GOOD });
  });

  it('sends the error of a program that fails back, once for each failure, with its message', async () => {
    const { model, asked } = listening([BAD, GOOD]);
    const refusals: string[] = [];
    const written = await writeReward({ ...options, model, goal, onRefusal: (message) => refusals.push(message) });
    expect(asked).toHaveLength(2);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain('env.ball has no height; it has row, column');
    const repairs = asked[1]!.messages.filter(({ content }) => content.includes(refusals[0]!));
    expect(repairs).toHaveLength(1);
    expect(asked[1]!.messages.slice(2).map(({ role }) => role)).toEqual(['assistant', 'user']);
    expect(written.replies).toEqual([BAD, GOOD]);
  });

  it('asks again for a block where there is none, and gives up by name after the retries', async () => {
    const { model, asked } = listening(['no', BAD, 'no', GOOD]);
    const failure = writeReward({ ...options, model, goal, retries: 2 });
    await expect(failure).rejects.toThrow(RetriesExhaustedError);
    await expect(failure).rejects.toThrow(
      'a model gave no usable reward program in 3 attempts; the last one: the reply has no fenced code block',
    );
    expect(asked).toHaveLength(3);
    expect(asked[1]!.messages.at(-1)!.content).toContain('no fenced code block');
    await expect(writeReward({ ...options, model: recordedReplies([]), goal })).rejects.toThrow(LanguageModelError);
    await expect(writeReward({ ...options, model, goal: ' ' })).rejects.toThrow('the goal is empty');
  });

  it.each([
    [{ retry: 1 }, 'writing a reward has no option "retry"'],
    [{ retries: -1 }, 'retries is -1'],
    [{ checkAgentSteps: 0 }, 'agentSteps is 0'],
    [{ seed: -1 }, 'seed is -1'],
    [{ limits: { steps: 0 } }, 'limits.steps is 0'],
    [{ temperature: 3 }, 'temperature is 3'],
    [{ description: { ...description, title: '' } }, 'title is ""'],
    [{ description: findDescription('minatar/breakout') }, 'has 6 actions; the environment bsuite/catch has 3'],
  ])('asks nobody with %j', async (change, message) => {
    const { model, asked } = listening([GOOD]);
    await expect(writeReward({ ...options, model, goal, ...change } as never)).rejects.toThrow(message);
    const seen = { messages: [], seen: 'It falls.', advice: 'Be there.' };
    await expect(refineReward({ ...options, model, ...seen, ...change } as never)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  it('tells the model of all actions that the environment has', async () => {
    const { model, asked } = listening(['no']);
    const game = { ...environment, actionCount: 18, actionCodes: Array.from({ length: 18 }, (_, code) => code) };
    const request = {
      ...options,
      model,
      goal,
      environment: game,
      description: findDescription('windfall'),
      retries: 0,
    };
    await expect(writeReward(request)).rejects.toThrow(RetriesExhaustedError);
    expect(asked[0]!.messages[1]!.content).toContain('The agent has 18 actions: NOOP, FIRE');
  });

  it('is refined after the whole conversation, more freely, with what was seen and wanted', async () => {
    const first = await writeReward({ ...options, model: recordedReplies([GOOD]), goal });
    const better = block('function computeReward(env, action) { return action === "NOOP" ? 0.1 : 0 }');
    const { model, asked } = listening([better]);
    const refined = await refineReward({
      ...options,
      model,
      messages: first.messages,
      seen: 'It trembles.',
      advice: 'Stand still.',
    });
    expect(asked[0]!.temperature).toBe(0.7);
    expect(asked[0]!.messages.slice(0, 3)).toEqual(first.messages);
    expect(asked[0]!.messages.at(-1)!.content).toMatch(/It trembles\.[\s\S]*Stand still\.[\s\S]*Improve the code/);
    expect(refined.source).not.toBe(first.source);
    expect(refined.report.mean).not.toBe(first.report.mean);
  });
});

describe('examples', () => {
  it('are the nearest by their words, most alike first, and never the goal itself', () => {
    const near = (wanted: string) =>
      nearestExamples({ goal: wanted, title: 'Game', environment: 'x' }, 2).map(({ environment: id }) => id);
    expect(near('Balance a pole upright')[0]).toBe('classic-control/cart-pole');
    expect(near('cross the road between cars')[0]).toBe('minatar/freeway');
    expect(near('Swinging up the hills')[0]).toBe('classic-control/mountain-car');
    const own = REWARD_EXAMPLES[2]!;
    expect(nearestExamples(own, 100)).not.toContain(own);
    expect(nearestExamples(own, 0)).toEqual([]);
    expect(() => nearestExamples(own, -1)).toThrow('examples is -1');
    expect(() => checkExamples([{ goal: 'x' }], 'e.json')).toThrow('e.json: example 1 lacks environment');
  });

  it.each(REWARD_EXAMPLES.filter(({ environment: id }) => !id.startsWith('atari/')))(
    'of $environment runs',
    async ({ environment: id, source }) => {
      const report = await checkProgram({
        source,
        description: findDescription(id),
        environment: createSmallEnvironment(id),
        agentSteps: 60,
      });
      expect(report.maximum).toBeGreaterThan(report.minimum);
    },
  );
});
