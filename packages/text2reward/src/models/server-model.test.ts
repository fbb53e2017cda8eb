// A client against a server that answers well and badly: every failure has a name.
import { afterEach, describe, expect, it } from 'vitest';
import type { LanguageModelError } from '../errors.ts';
import { type StubAnswer, type StubServer, startStubServer } from '../testing.ts';
import { type ServerModelOptions, serverModel } from './server-model.ts';

let server: StubServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function ask(answers: readonly StubAnswer[], options: Partial<ServerModelOptions> = {}) {
  server = await startStubServer(answers);
  const model = serverModel({ url: server.url, model: 'stub', retries: 0, timeoutSeconds: 20, ...options });
  return model.generate({
    messages: [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'hello' },
    ],
    temperature: 0.7,
  });
}

const text = 'Think.\n```js\nfunction computeReward() { return 1 }\n```\n'.repeat(5);

describe.each([false, true])('a server, streaming %s', (isStreaming) => {
  it('gives its answer', async () => {
    expect(await ask([{ text }], { isStreaming, apiKey: 'secret' })).toBe(text);
    expect(server!.requests).toHaveLength(1);
    expect(server!.requests[0]).toMatchObject({
      model: 'stub',
      temperature: 0.7,
      messages: [
        { role: 'system', content: 'S' },
        { role: 'user', content: 'hello' },
      ],
      authorization: 'Bearer secret',
    });
    expect(server!.requests[0]!.stream === true).toBe(isStreaming);
  });

  it.each<[LanguageModelError['fault'], StubAnswer, RegExp]>([
    ['html', 'html', /answered with a web page \(status 200\): .*Sign in/],
    ['html', 'endless-html', /answered with a web page/],
    ['malformed', 'garbage', /not what the protocol says/],
    ['malformed', 'other-json', /not what the protocol says/],
    ['cut-off', 'cut-off', /the answer broke off/],
    ['refused', { status: 401, message: 'bad key' }, /refused with status 401: .*bad key/],
    ['empty', { text: '  ' }, /the answer is empty/],
    ['cut-off', { text, finishReason: 'length' }, /cut off at the server's limit of tokens/],
    ['too-long', 'endless', /longer than|more than/],
  ])('is refused as %s when it answers with %j', async (fault, answer, message) => {
    const failure = ask([answer], { isStreaming, maximumCharacters: 20_000 });
    await expect(failure).rejects.toMatchObject({ name: 'LanguageModelError', fault });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow('stub at http://127.0.0.1');
  });

  it('is refused when it is silent, and when it leaves off', async () => {
    await expect(ask(['silence'], { isStreaming, timeoutSeconds: 0.3 })).rejects.toMatchObject({ fault: 'timeout' });
    await server!.close();
    await expect(ask(['unfinished'], { isStreaming })).rejects.toMatchObject({
      fault: expect.stringMatching(/cut-off|malformed/),
    });
  });

  it('is asked again after a failure that may pass', async () => {
    expect(await ask([{ status: 503, message: 'busy' }, { text }], { isStreaming, retries: 1 })).toBe(text);
    expect(server!.requests).toHaveLength(2);
  });
});

describe('a server', () => {
  it('that is down is told apart, and an abort is no failure of the server', async () => {
    server = await startStubServer(['silence']);
    const { url } = server;
    const request = { messages: [{ role: 'user' as const, content: 'x' }], temperature: 0 };
    const waiting = serverModel({ url, model: 'm' }).generate({ ...request, signal: AbortSignal.timeout(100) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    await server.close();
    server = undefined;
    const down = serverModel({ url, model: 'm', retries: 0 }).generate(request);
    await expect(down).rejects.toMatchObject({ fault: 'unreachable' });
    await expect(down).rejects.toThrow(/nobody answers \(ECONNREFUSED\); is the server running\?/);
  });

  it.each([
    [{ url: 'localhost:11434' }, 'expected a URL that begins with http'],
    [{ url: 'nowhere' }, 'expected a URL like'],
    [{ url: 'http://me:secret@host/v1' }, 'holds a password'],
    [{ model: '' }, 'the name of the model is empty'],
    [{ timeoutSeconds: 0 }, 'timeoutSeconds is 0'],
    [{ timeout: 5 }, 'a model of a server has no option "timeout"'],
    [{ isStreaming: 'no' as never }, 'isStreaming is "no"'],
  ])('is refused as %j', (options, message) => {
    expect(() => serverModel({ url: 'http://localhost/v1', model: 'm', ...options })).toThrow(message);
  });
});
