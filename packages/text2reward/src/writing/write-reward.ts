// From a goal in words to a program that runs: ask, take the first fenced block, try it, send the error back; and refinement by a person's advice.
import {
  type Environment,
  InvalidArgumentError,
  requireFinite,
  requireInteger,
  requireKnownOptions,
} from '@moe-rl/core';
import { checkDescription, type EnvironmentDescription } from '../description/environment-description.ts';
import { RetriesExhaustedError, RewardProgramError } from '../errors.ts';
import type { ChatMessage, LanguageModel } from '../language-model.ts';
import { firstFencedBlock } from '../program/extract-code.ts';
import { withActionsOf } from '../program/reward-program.ts';
import { type RewardLimits, requireLimits } from '../program/sandbox.ts';
import { type CheckReport, checkProgram, requireCheckNumbers } from './check-program.ts';
import { nearestExamples, type RewardExample } from './examples.ts';
import { NO_PROGRAM_PROMPT, refinementPrompt, repairPrompt, writingPrompt } from './prompt.ts';

/** A program that passed the check, and the way to it. */
export interface WrittenReward {
  readonly source: string;
  readonly report: CheckReport;
  /** The whole conversation, the last reply included: what a refinement goes on from. */
  readonly messages: readonly ChatMessage[];
  /** Every reply, in order: what `recordedReplies` takes. */
  readonly replies: readonly string[];
}

export interface WritingOptions {
  readonly model: LanguageModel;
  readonly description: EnvironmentDescription;
  /** Where programs are tried. */
  readonly environment: Environment;
  /** Attempts after the first one. Default 3. */
  readonly retries?: number;
  /** Default 0, as in the paper; a refinement's is 0.7. */
  readonly temperature?: number;
  readonly limits?: Partial<RewardLimits>;
  readonly hasRandomness?: boolean;
  /** Steps of the random agent that tries a program. Default 500. */
  readonly checkAgentSteps?: number;
  /** Of that agent. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Called with every program before it runs. */
  readonly onProgram?: (source: string, attempt: number) => void;
  /** Called with what was wrong with a reply, before the model is asked again. */
  readonly onRefusal?: (message: string, attempt: number) => void;
  /** Called with every reply as it comes. */
  readonly onReply?: (reply: string, attempt: number) => void;
}

export interface WriteRewardOptions extends WritingOptions {
  /** What the agent should do, in words. */
  readonly goal: string;
  /** How many examples the model is shown. Default 2. */
  readonly exampleCount?: number;
  /** Where they come from. Default: those of this package. */
  readonly examples?: readonly RewardExample[];
}

/**
 * Has a model write a reward program.
 * @throws RetriesExhaustedError when every attempt failed, with the last failure; LanguageModelError; before the model is asked InvalidArgumentError for an empty
 *   goal, a description that does not fit the environment, an unknown option or a number out of range
 */
export async function writeReward(options: WriteRewardOptions): Promise<WrittenReward> {
  const { goal, exampleCount = 2, examples, temperature = 0, ...rest } = options;
  if (goal.trim() === '') throw new InvalidArgumentError('the goal is empty; say in words what the agent should do');
  requireTryable(rest);
  const description = withActionsOf(rest.environment, rest.description);
  const { title, id } = description;
  const shown = nearestExamples({ goal, title, environment: id }, exampleCount, examples);
  return converse(writingPrompt(description, goal.trim(), shown), temperature, rest);
}

export interface RefineRewardOptions extends WritingOptions {
  /** The conversation until now, as `WrittenReward.messages`. */
  readonly messages: readonly ChatMessage[];
  /** What the agent did: an episode in words and numbers. */
  readonly seen: string;
  /** What the person who watched it wants changed. */
  readonly advice: string;
}

/**
 * Has a model improve its program after somebody watched an agent that learned from it.
 * @throws as `writeReward`, for empty advice in place of an empty goal
 */
export async function refineReward(options: RefineRewardOptions): Promise<WrittenReward> {
  const { messages, seen, advice, temperature = 0.7, ...rest } = options;
  if (advice.trim() === '') throw new InvalidArgumentError('the advice is empty; say what the reward should change');
  requireTryable(rest);
  const prompt: ChatMessage = { role: 'user', content: refinementPrompt(seen, advice.trim()) };
  return converse([...messages, prompt], temperature, rest);
}

const OPTIONS: readonly (keyof WritingOptions)[] = [
  ...(['model', 'description', 'environment', 'retries', 'temperature', 'limits', 'hasRandomness'] as const),
  ...(['checkAgentSteps', 'seed', 'signal', 'onProgram', 'onRefusal', 'onReply'] as const),
];

/** Says before a model is asked, which costs time and money, what its program could not be tried with. */
function requireTryable(options: WritingOptions): void {
  requireKnownOptions('writing a reward', options, OPTIONS);
  const { description, environment, retries = 3, limits, checkAgentSteps, seed } = options;
  requireInteger('retries', retries, 0, 100);
  requireLimits(limits);
  requireCheckNumbers(checkAgentSteps, seed);
  checkDescription(description);
  withActionsOf(environment, description);
}

async function converse(
  start: readonly ChatMessage[],
  temperature: number,
  options: WritingOptions,
): Promise<WrittenReward> {
  const { model, retries = 3, signal, onProgram, onRefusal, onReply, checkAgentSteps, ...rest } = options;
  requireFinite('temperature', temperature, 0, 2);
  const messages = [...start];
  const replies: string[] = [];
  let failure: { readonly message: string; readonly cause?: unknown } = { message: '' };
  for (let attempt = 1; attempt <= retries + 1; attempt++) {
    const reply = await model.generate({ messages, temperature, ...(signal === undefined ? {} : { signal }) });
    replies.push(reply);
    onReply?.(reply, attempt);
    messages.push({ role: 'assistant', content: reply });
    const source = firstFencedBlock(reply);
    if (source === undefined) {
      failure = { message: 'the reply has no fenced code block' };
    } else {
      onProgram?.(source, attempt);
      try {
        const { description, environment, limits, hasRandomness, seed } = rest;
        const report = await checkProgram({
          source,
          name: `of attempt ${attempt}`,
          description,
          environment,
          ...(limits === undefined ? {} : { limits }),
          ...(hasRandomness === undefined ? {} : { hasRandomness }),
          ...(seed === undefined ? {} : { seed }),
          ...(checkAgentSteps === undefined ? {} : { agentSteps: checkAgentSteps }),
        });
        return { source, report, messages, replies };
      } catch (cause) {
        if (!(cause instanceof RewardProgramError)) throw cause;
        failure = { message: cause.message, cause };
      }
    }
    onRefusal?.(failure.message, attempt);
    signal?.throwIfAborted();
    const again = source === undefined ? NO_PROGRAM_PROMPT : repairPrompt(failure.message);
    messages.push({ role: 'user', content: again });
  }
  throw new RetriesExhaustedError(
    `${model.name} gave no usable reward program in ${retries + 1} attempts; the last one: ${failure.message}`,
    { cause: failure.cause },
  );
}
