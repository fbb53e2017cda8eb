// The fetch that talks to servers: refuses web pages and answers without end before anybody reads them.
import { LanguageModelError } from '../errors.ts';

type Fetch = typeof globalThis.fetch;

/** @param name what messages call the server */
export function guardedFetch(name: string, maximumBytes: number): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const type = response.headers.get('content-type') ?? '';
    if (/\bhtml\b/i.test(type)) {
      const start = (await startOf(response)).replaceAll(/\s+/g, ' ').slice(0, 120);
      throw new LanguageModelError(
        'html',
        `${name}: the server answered with a web page (status ${response.status}): ${start}; does the URL end in /v1?`,
      );
    }
    if (response.body === null) return response;
    let bytes = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          if (bytes <= maximumBytes) controller.enqueue(chunk);
          else
            controller.error(
              new LanguageModelError(
                'too-long',
                `${name}: the answer has more than ${maximumBytes.toLocaleString('en-US')} bytes`,
              ),
            );
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  };
}

/** The first pieces of an answer, a few thousand bytes: the rest is not waited for. */
async function startOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > 4000) break;
  }
  return text;
}
