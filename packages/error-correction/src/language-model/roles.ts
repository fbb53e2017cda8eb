// The adapter: a server that speaks the OpenAI protocol (hosted, Ollama, llama.cpp, ...) answers in all three roles, through the `ai` SDK.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { InvalidArgumentError, requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { generateText, type LanguageModel } from 'ai';
import { saysError } from '../household/feedback.ts';
import { repairAction } from '../household/parse.ts';
import type { Roles, Situation } from '../learning/roles.ts';
import { questionText, SYSTEM_PROMPTS } from './prompts.ts';
import { ModelServerError, serverError } from './server-error.ts';

export interface LanguageModelConfig {
  /** Address of the server, with its version: `http://127.0.0.1:11434/v1`. */
  readonly url: string;
  /** Name of the model there. */
  readonly model: string;
  /** Sent as a bearer token; local servers need none. */
  readonly apiKey?: string;
  /** Longest time for one answer, all tries together, in milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** Further tries where the server is overloaded or can't be reached. Default 2. */
  readonly retries?: number;
  /** Questions asked at a time. Default 4. */
  readonly concurrency?: number;
  /** Default 0. */
  readonly temperature?: number;
  readonly signal?: AbortSignal;
}

const OPTIONS: readonly (keyof LanguageModelConfig)[] = [
  ...(['url', 'model', 'apiKey', 'timeoutMs', 'retries', 'concurrency', 'temperature', 'signal'] as const),
];

/** Words of an answer; a line is all that is wanted. */
const MAX_ANSWER_TOKENS = 200;

/**
 * Roles played by a language model. Answers are repaired: the first line that says something counts, numbering, articles and usual synonyms are taken care
 * of. A role's answer that is no action stays as it is, for the household to reject.
 * @throws InvalidArgumentError for an address that is none, an unknown option or a number out of range; the roles throw ModelServerError
 */
export function createLanguageModelRoles(config: LanguageModelConfig): Roles {
  requireKnownOptions('a language model in three roles', config, OPTIONS);
  const { url, model, apiKey, timeoutMs = 60_000, retries = 2, concurrency = 4, temperature = 0, signal } = config;
  requireAddress(url);
  if (model.trim() === '') throw new InvalidArgumentError('model is empty; expected the name of a model of the server');
  requireFinite('timeoutMs', timeoutMs, 1, 86_400_000);
  requireInteger('retries', retries, 0, 10);
  requireInteger('concurrency', concurrency, 1, 1000);
  requireFinite('temperature', temperature, 0, 2);
  const provider = createOpenAICompatible({
    name: 'server',
    baseURL: url.replace(/\/+$/, ''),
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const languageModel: LanguageModel = provider.chatModel(model);

  const ask = async (
    role: keyof typeof SYSTEM_PROMPTS,
    question: Situation,
    isGivenUp: AbortSignal,
  ): Promise<string> => {
    const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
    let text: string;
    let finishReason: string;
    try {
      ({ text, finishReason } = await generateText({
        model: languageModel,
        system: SYSTEM_PROMPTS[role],
        prompt: questionText(question),
        maxRetries: retries,
        maxOutputTokens: MAX_ANSWER_TOKENS,
        temperature,
        abortSignal: AbortSignal.any([timeout, isGivenUp, ...(signal === undefined ? [] : [signal])]),
      }));
    } catch (error) {
      signal?.throwIfAborted();
      throw serverError(url, timeoutMs, timeout.aborted, error);
    }
    const { line: answer, isLast } = firstLine(text);
    if (finishReason === 'length' && isLast) {
      throw new ModelServerError(
        `the model ${model} of ${url} was cut off after ${MAX_ANSWER_TOKENS} tokens in the role "${role}": ${JSON.stringify(text.trim().slice(0, 80))}; expected one line, without thoughts before it`,
      );
    }
    if (answer === '')
      throw new ModelServerError(`the model ${model} of ${url} gave an empty answer in the role "${role}"`);
    return answer;
  };
  const askAll = async (role: keyof typeof SYSTEM_PROMPTS, questions: readonly Situation[]): Promise<string[]> => {
    const answers: string[] = [];
    const controller = new AbortController();
    try {
      for (let start = 0; start < questions.length; start += concurrency) {
        const part = questions.slice(start, start + concurrency);
        answers.push(...(await Promise.all(part.map((question) => ask(role, question, controller.signal)))));
      }
    } catch (error) {
      // Nobody waits for the others any more.
      controller.abort();
      throw error;
    }
    return answers;
  };
  return {
    plan: async (situations) => (await askAll('plan', situations)).map(repairAction),
    judge: async (judgements) => (await askAll('judge', judgements)).map(repairFeedback),
    correct: async (corrections) => (await askAll('correct', corrections)).map(repairAction),
  };
}

/** The first line that says something: no code fences, no reasoning in tags. `isLast`: nothing comes after it, so that it may be cut off. */
function firstLine(text: string): { readonly line: string; readonly isLast: boolean } {
  const lines = text
    .replace(/<think>[\s\S]*?(?:<\/think>|$)/g, '')
    .split('\n')
    .map((line) => line.trim());
  const index = lines.findIndex((line) => line !== '' && !line.startsWith('```'));
  return { line: lines[index] ?? '', isLast: index < 0 || index === lines.length - 1 };
}

/** `True`, `Task finished` or `Error, <reason>`, whatever is around it. */
function repairFeedback(answer: string): string {
  if (saysError(answer)) return `Error, ${answer.replace(/^.*?\berror\b\W*/i, '')}`;
  if (/\bfinished\b/i.test(answer)) return 'Task finished';
  return /\btrue\b/i.test(answer) ? 'True' : answer;
}

function requireAddress(url: string): void {
  let protocol: string | undefined;
  let isSecret = false;
  try {
    const address = new URL(url);
    ({ protocol } = address);
    isSecret = address.username !== '' || address.password !== '';
  } catch {
    // Told below.
  }
  if (isSecret) throw new InvalidArgumentError('the url of the model server holds a password; expected it as apiKey');
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new InvalidArgumentError(
      `url is ${JSON.stringify(url)}; expected the address of a model server, such as http://127.0.0.1:11434/v1`,
    );
  }
}
