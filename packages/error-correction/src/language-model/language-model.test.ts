// The adapter against a local server that speaks the OpenAI protocol, and against servers that don't.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createLanguageModelRoles, type LanguageModelConfig } from './roles.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Handler = (body: Record<string, unknown>, response: ServerResponse, request: IncomingMessage) => void;

async function listen(handler: Handler): Promise<string> {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => handler(JSON.parse(text) as Record<string, unknown>, response, request));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server!.address() as AddressInfo).port}/v1`;
}

function reply(response: ServerResponse, content: string, finishReason = 'stop'): void {
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      id: '1',
      object: 'chat.completion',
      created: 1,
      model: 'stub',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finishReason }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    }),
  );
}

const SITUATION = { instruction: 'wash cup', observation: ['room kitchen', 'hands empty'], history: ['find cup'] };
const rolesOf = (url: string, config: Partial<LanguageModelConfig> = {}) =>
  createLanguageModelRoles({ url, model: 'stub', retries: 0, timeoutMs: 20_000, ...config });

test('three roles are told apart by their instructions, and answers are repaired', async () => {
  const asked: { readonly system: string; readonly user: string }[] = [];
  let key: string | undefined;
  const url = await listen(({ messages }, response, request) => {
    const [system, user] = (messages as { content: unknown }[]).map(({ content }) => JSON.stringify(content));
    asked.push({ system: system!, user: user! });
    key = request.headers.authorization;
    if (system!.includes('You plan')) reply(response, '<think>hm</think>\n```\n1. Pick up the cup.\n```');
    else if (system!.includes('You foresee'))
      reply(response, user!.includes('grab cup') ? 'true' : '**Error**: cup is empty');
    else reply(response, 'Go to the sink');
  });
  const roles = rolesOf(url, { apiKey: 'secret' });
  expect(await roles.plan([SITUATION, SITUATION])).toEqual(['grab cup', 'grab cup']);
  const judged = ['grab cup', 'drink cup'].map((action) => ({ ...SITUATION, action }));
  expect(await roles.judge(judged)).toEqual(['True', 'Error, cup is empty']);
  expect(await roles.correct([{ ...judged[1]!, feedback: 'Error, cup is empty' }])).toEqual(['walk to sink']);
  expect(asked.at(-1)!.user).toContain('Task: wash cup');
  expect(asked.at(-1)!.user).toContain('Feedback: Error, cup is empty');
  expect(asked[0]!.system).toContain('put X in Y');
  expect(key).toBe('Bearer secret');
});

test.each<[string, Handler, RegExp]>([
  [
    'HTML',
    (_, response) => response.setHeader('content-type', 'text/html').end('<html>Welcome</html>'),
    /answered with HTML \(<html>Welcome/,
  ],
  [
    'cut off',
    (_, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '999' })
        .write('{"id": "1", "choi', () => response.destroy()),
    /was cut off or did not speak the OpenAI protocol/,
  ],
  [
    'half of the JSON',
    (_, response) => response.setHeader('content-type', 'application/json').end('{"choices": ['),
    /was cut off or did not speak/,
  ],
  [
    'status 500',
    (_, response) => response.writeHead(500).end('out of memory'),
    /answered with status 500: out of memory/,
  ],
  [
    'unknown model',
    (_, response) => response.writeHead(404).end('{"error":{"message":"no model stub"}}'),
    /answered with status 404: .*no model stub/,
  ],
  [
    'a line that was cut off',
    (_, response) => reply(response, 'Error, the fri', 'length'),
    /the model stub of .* was cut off after 200 tokens in the role "plan": "Error, the fri"/,
  ],
  [
    'thoughts without an end',
    (_, response) => reply(response, '<think>The cup may be', 'length'),
    /was cut off after 200 tokens .*<think>/,
  ],
  ['empty', (_, response) => reply(response, '  \n'), /the model stub of .* gave an empty answer in the role "plan"/],
])('a server that answers with %s is refused by name', async (_, handler, message) => {
  const url = await listen(handler);
  await expect(rolesOf(url).plan([SITUATION])).rejects.toMatchObject({
    code: 'MODEL_SERVER',
    message: expect.stringMatching(message),
  });
});

test('a server that is down, and one that is too slow, are refused by name', async () => {
  const url = await listen(() => {});
  await expect(rolesOf(url, { timeoutMs: 100 }).plan([SITUATION])).rejects.toThrow(/gave no answer in 0.1 s/);
  server!.closeAllConnections();
  await new Promise((resolve) => server!.close(resolve));
  await expect(rolesOf(url).plan([SITUATION])).rejects.toThrow(/can not be reached: .*ECONNREFUSED.*is it running\?/);
});

test('an overloaded server is asked again', async () => {
  let calls = 0;
  const url = await listen((_, response) => {
    if (++calls === 1) response.writeHead(503, { 'retry-after-ms': '10' }).end('busy');
    else reply(response, 'END');
  });
  expect(await rolesOf(url, { retries: 1 }).plan([SITUATION])).toEqual(['END']);
  expect(calls).toBe(2);
});

test('an address that is none is refused before anything is asked', () => {
  expect(() => rolesOf('localhost:1')).toThrow(/url is "localhost:1"; expected the address of a model server/);
  expect(() => rolesOf('http://x/v1', { model: ' ' })).toThrow('model is empty');
});

test('an answer whose first line is whole counts, however long the rest goes on', async () => {
  const url = await listen((_, response) => reply(response, 'grab cup\nThen I would', 'length'));
  expect(await rolesOf(url).plan([SITUATION])).toEqual(['grab cup']);
});

test('when one answer fails, the others are not waited for', async () => {
  let calls = 0;
  let left = 0;
  const url = await listen((_, response) => {
    response.on('close', () => left++);
    if (++calls === 3) response.writeHead(400).end('no');
  });
  await expect(rolesOf(url).plan([SITUATION, SITUATION, SITUATION])).rejects.toThrow('status 400: no');
  await expect.poll(() => left, { timeout: 2000 }).toBe(3);
});

test.each([
  [{ url: 'http://me:secret@localhost/v1' }, /^(?!.*secret).*holds a password/],
  [{ temperature: Number.NaN }, /^temperature is NaN/],
  [{ timeoutMs: 1e10 }, /^timeoutMs is 10000000000/],
  [{ timeout: 5 }, /^a language model in three roles has no option "timeout"/],
])('is refused with %j', (config, message) => {
  expect(() => rolesOf('http://localhost/v1', config as Partial<LanguageModelConfig>)).toThrow(message);
});

test('a time that is no whole number of milliseconds is one', async () => {
  const url = await listen((_, response) => reply(response, 'END'));
  expect(await rolesOf(url, { timeoutMs: 5000.5 }).plan([SITUATION])).toEqual(['END']);
});
