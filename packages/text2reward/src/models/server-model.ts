// A language model behind a server that speaks the OpenAI protocol. Every way in which a server fails has a name.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { InvalidArgumentError, requireBoolean, requireFinite, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { APICallError, generateText, streamText } from 'ai';
import { LanguageModelError } from '../errors.ts';
import type { LanguageModel } from '../language-model.ts';
import { guardedFetch } from './guarded-fetch.ts';

export interface ServerModelOptions {
  /** Where the API begins: `https://api.openai.com/v1`, `http://localhost:11434/v1` (Ollama), `http://localhost:8080/v1` (llama.cpp). */
  readonly url: string;
  /** Name of the model, as the server calls it. */
  readonly model: string;
  /** Sent as a bearer token; written nowhere. Default: none. */
  readonly apiKey?: string;
  /** Asks for the answer piece by piece. Default false. */
  readonly isStreaming?: boolean;
  /** Longest wait for the answer, or, when streaming, for its next piece. Default 300. */
  readonly timeoutSeconds?: number;
  /** How often an answer that failed in a way that may pass (an overloaded server) is asked for again. Default 1. */
  readonly retries?: number;
  /** Longest answer. Default 200,000. */
  readonly maximumCharacters?: number;
}

const OPTIONS: readonly (keyof ServerModelOptions)[] = [
  ...(['url', 'model', 'apiKey', 'isStreaming', 'timeoutSeconds', 'retries', 'maximumCharacters'] as const),
];

/**
 * Makes a client; nothing is sent before `generate`.
 * @throws InvalidArgumentError for an address that is no http or https URL, an empty name, an unknown option, or a number out of range
 */
export function serverModel(options: ServerModelOptions): LanguageModel {
  requireKnownOptions('a model of a server', options, OPTIONS);
  const { model, apiKey, isStreaming = false, timeoutSeconds = 300, retries = 1 } = options;
  const { maximumCharacters = 200_000 } = options;
  const url = requireUrl(options.url);
  if (typeof model !== 'string' || model.trim() === '')
    throw new InvalidArgumentError('the name of the model is empty');
  requireBoolean('isStreaming', isStreaming);
  requireFinite('timeoutSeconds', timeoutSeconds, 0.001, 86_400);
  requireInteger('retries', retries, 0, 10);
  requireInteger('maximumCharacters', maximumCharacters, 1);
  const name = `${model} at ${url}`;
  const provider = createOpenAICompatible({
    name: 'server',
    baseURL: url,
    ...(apiKey === undefined ? {} : { apiKey }),
    // JSON around the text, and escapes within it, take their room.
    fetch: guardedFetch(name, maximumCharacters * (isStreaming ? 400 : 8) + 100_000),
  });
  return {
    name,
    async generate({ messages, temperature, signal }) {
      const clock = createClock(timeoutSeconds * 1000, signal);
      const request = {
        model: provider(model),
        messages: messages.map(({ role, content }) => ({ role, content })),
        // Our prompts hold nothing of anybody else's, so that a system message among them is no intrusion.
        allowSystemInMessages: true,
        temperature,
        maxRetries: retries,
        abortSignal: clock.signal,
      };
      try {
        const { text, finishReason } = isStreaming
          ? await readStream(request, clock, maximumCharacters)
          : await generateText(request);
        if (finishReason === 'length') {
          throw new LanguageModelError('cut-off', `${name}: the answer was cut off at the server's limit of tokens`);
        }
        if (finishReason !== 'stop') {
          throw new LanguageModelError('cut-off', `${name}: the answer broke off (finish reason: ${finishReason})`);
        }
        if (text.trim() === '') throw new LanguageModelError('empty', `${name}: the answer is empty`);
        if (text.length > maximumCharacters) throw tooLong(name, maximumCharacters);
        return text;
      } catch (error) {
        signal?.throwIfAborted();
        throw clock.isOver() ? timedOut(name, timeoutSeconds, isStreaming) : byName(error, name);
      } finally {
        clock.stop();
      }
    },
  };
}

interface Clock {
  readonly signal: AbortSignal;
  /** The wait begins anew. */
  restart(): void;
  isOver(): boolean;
  stop(): void;
}

function createClock(milliseconds: number, outer: AbortSignal | undefined): Clock {
  const controller = new AbortController();
  let isOver = false;
  const ring = (): void => {
    isOver = true;
    controller.abort();
  };
  let timer = setTimeout(ring, milliseconds);
  return {
    signal: outer === undefined ? controller.signal : AbortSignal.any([controller.signal, outer]),
    restart() {
      clearTimeout(timer);
      timer = setTimeout(ring, milliseconds);
    },
    isOver: () => isOver,
    stop: () => clearTimeout(timer),
  };
}

async function readStream(
  request: Parameters<typeof streamText>[0],
  clock: Clock,
  maximumCharacters: number,
): Promise<{ readonly text: string; readonly finishReason: string }> {
  let text = '';
  let finishReason = 'none';
  // Errors come as parts of the stream; the SDK would print them too.
  const { fullStream } = streamText({ ...request, onError: () => {} });
  for await (const part of fullStream) {
    clock.restart();
    if (part.type === 'error') throw part.error;
    if (part.type === 'abort') throw new Error('aborted');
    if (part.type === 'text-delta') text += part.text;
    if (part.type === 'finish') finishReason = part.finishReason;
    // The caller says that it is too long.
    if (text.length > maximumCharacters) return { text, finishReason: 'stop' };
  }
  return { text, finishReason };
}

function tooLong(name: string, maximumCharacters: number): LanguageModelError {
  return new LanguageModelError(
    'too-long',
    `${name}: the answer is longer than ${maximumCharacters.toLocaleString('en-US')} characters`,
  );
}

function timedOut(name: string, seconds: number, isStreaming: boolean): LanguageModelError {
  return new LanguageModelError(
    'timeout',
    `${name}: no ${isStreaming ? 'further piece of the answer' : 'answer'} within ${seconds} s`,
  );
}

/** Any failure of the SDK or the connection as one of ours. */
function byName(error: unknown, name: string): unknown {
  for (const one of causes(error)) if (one instanceof LanguageModelError) return one;
  const call = causes(error).find((one) => APICallError.isInstance(one));
  const connection = causes(error)
    .map((one) => (one as { code?: unknown }).code)
    .find((code) => typeof code === 'string');
  const message = error instanceof Error ? error.message : String(error);
  if (call?.statusCode !== undefined && call.statusCode >= 400) {
    const words = (call.responseBody ?? '').replaceAll(/\s+/g, ' ').slice(0, 300);
    return new LanguageModelError(
      'refused',
      `${name}: the server refused with status ${call.statusCode}: ${words || call.message}`,
      { cause: error },
    );
  }
  if (
    connection !== undefined &&
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT|CERT_|DEPTH_ZERO|ERR_TLS|ERR_SSL)/.test(
      connection,
    )
  ) {
    return new LanguageModelError('unreachable', `${name}: nobody answers (${connection}); is the server running?`, {
      cause: error,
    });
  }
  if (connection !== undefined && /^(UND_ERR|ECONNRESET|EPIPE|HPE_)/.test(connection)) {
    return new LanguageModelError('cut-off', `${name}: the answer broke off (${connection})`, { cause: error });
  }
  if (
    causes(error).some((one) =>
      /terminated|other side closed|premature|unexpected end/i.test(String((one as Error).message)),
    )
  ) {
    return new LanguageModelError('cut-off', `${name}: the answer broke off`, { cause: error });
  }
  return new LanguageModelError(
    'malformed',
    `${name}: the answer is not what the protocol says: ${message.slice(0, 300)}`,
    { cause: error },
  );
}

/** An error and everything that caused it. */
function causes(error: unknown): readonly unknown[] {
  const all: unknown[] = [];
  const visit = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || all.includes(one)) return;
    all.push(one);
    const { cause, errors, lastError } = one as { cause?: unknown; errors?: unknown; lastError?: unknown };
    visit(lastError);
    if (Array.isArray(errors)) for (const inner of errors) visit(inner);
    visit(cause);
  };
  visit(error);
  return all;
}

function requireUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new InvalidArgumentError(
      `the server is ${JSON.stringify(text)}; expected a URL like http://localhost:11434/v1`,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidArgumentError(
      `the server is ${JSON.stringify(text)}; expected a URL that begins with http:// or https://`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('the URL of the server holds a password; give keys by --api-key-variable');
  }
  return text.replace(/\/+$/, '');
}
