// What went wrong with a model server, in one sentence that names the server.
import { MoeRlError } from '@moe-rl/core';
import { APICallError, NoSuchModelError, RetryError } from 'ai';

/** A language model server is down, slow, cuts a reply off, answers with something that is no reply, or gives an empty one. */
export class ModelServerError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('MODEL_SERVER', message, options);
  }
}

/** The error of a failed call. `isTimeout`: it took longer than was allowed. */
export function serverError(url: string, timeoutMs: number, isTimeout: boolean, cause: unknown): ModelServerError {
  return new ModelServerError(`the model server ${url} ${reasonOf(cause, timeoutMs, isTimeout)}`, { cause });
}

function reasonOf(error: unknown, timeoutMs: number, isTimeout: boolean): string {
  if (isTimeout) return `gave no answer in ${timeoutMs / 1000} s; expected one within --timeout`;
  const last = RetryError.isInstance(error) ? error.lastError : error;
  if (NoSuchModelError.isInstance(last)) return `has no such model: ${last.message}`;
  if (!APICallError.isInstance(last)) return `failed: ${last instanceof Error ? last.message : String(last)}`;
  const { statusCode, responseBody = '' } = last;
  if (statusCode === undefined) return `can not be reached: ${rootMessage(last)}; is it running?`;
  if (statusCode >= 400) return `answered with status ${statusCode}: ${excerpt(responseBody) || last.message}`;
  if (/^\s*</.test(responseBody)) {
    return `answered with HTML (${excerpt(responseBody)}); expected the OpenAI protocol: does the address end in /v1?`;
  }
  return `was cut off or did not speak the OpenAI protocol: ${rootMessage(last)}`;
}

/** The innermost message: `connect ECONNREFUSED 127.0.0.1:1234`. */
function rootMessage(error: unknown): string {
  let present = error;
  while (present instanceof Error && present.cause !== undefined) present = present.cause;
  if (present instanceof AggregateError) present = present.errors[0];
  const { message, code } = present as { readonly message?: string; readonly code?: string };
  return message || code || String(present);
}

const excerpt = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 80);
