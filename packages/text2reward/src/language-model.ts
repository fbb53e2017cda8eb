// What this package needs of a language model: an answer to a conversation. A server that gives one is in `@moe-rl/text2reward/models`; recorded replies
// need none.
import { LanguageModelError } from './errors.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface GenerateRequest {
  readonly messages: readonly ChatMessage[];
  /** 0 for the likeliest answer. */
  readonly temperature: number;
  readonly signal?: AbortSignal;
}

export interface LanguageModel {
  /** For people and records: `qwen3 at http://localhost:11434/v1`. */
  readonly name: string;
  /** @throws LanguageModelError naming what went wrong; whatever `signal` aborts with */
  generate(request: GenerateRequest): Promise<string>;
}

/**
 * A model that gives recorded replies, one after the other.
 * @throws LanguageModelError, from `generate`, when there are no more
 */
export function recordedReplies(replies: readonly string[], name = 'recorded replies'): LanguageModel {
  let next = 0;
  return {
    name,
    async generate({ signal }) {
      signal?.throwIfAborted();
      const reply = replies[next];
      if (reply === undefined) {
        throw new LanguageModelError(
          'no-recording',
          `${name}: reply ${next + 1} was asked for; there are ${replies.length}`,
        );
      }
      next++;
      return reply;
    },
  };
}
