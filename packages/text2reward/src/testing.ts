// A server on loopback that speaks the OpenAI protocol and answers what it is told to, well or badly: for repeatable tests of whatever talks to a model.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server answers to one request. */
export type StubAnswer =
  /** This text, whole, or in pieces where the request asks for a stream. */
  | { readonly text: string; readonly finishReason?: string }
  /** An error of the API. */
  | { readonly status: number; readonly message: string }
  /** A web page. */
  | 'html'
  /** A web page without end. */
  | 'endless-html'
  /** Bytes that are no JSON. */
  | 'garbage'
  /** JSON of another form. */
  | 'other-json'
  /** Half of an answer; then the connection is gone. */
  | 'cut-off'
  /** A stream that ends without saying why it ended; without streaming, JSON that stops in the middle. */
  | 'unfinished'
  /** Never an answer. */
  | 'silence'
  /** More and more. */
  | 'endless';

export interface StubRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly model: string;
  readonly temperature?: number;
  readonly stream?: boolean;
  /** The header of this name. */
  readonly authorization: string | undefined;
}

export interface StubServer {
  /** Where the API begins. */
  readonly url: string;
  /** What was asked, in order. */
  readonly requests: readonly StubRequest[];
  close(): Promise<void>;
}

/** Starts a server that gives these answers, one for each request, the last one again and again. */
export async function startStubServer(answers: readonly StubAnswer[]): Promise<StubServer> {
  const requests: StubRequest[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? 'silence';
      const asked = JSON.parse(body) as Omit<StubRequest, 'authorization'>;
      requests.push({ ...asked, authorization: request.headers.authorization });
      respond(response, answer, asked.stream === true);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM_TYPE = { 'content-type': 'text/event-stream' };

function respond(response: ServerResponse, answer: StubAnswer, isStream: boolean): void {
  if (answer === 'silence') return;
  if (answer === 'html') {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end('<!doctype html><title>Sign in</title><p>Welcome to the portal.</p>');
  } else if (answer === 'garbage') {
    response.writeHead(200, isStream ? STREAM_TYPE : JSON_TYPE);
    response.end(isStream ? 'data: }{ this is no JSON\n\n' : '}{ this is no JSON');
  } else if (answer === 'other-json') {
    response.writeHead(200, isStream ? STREAM_TYPE : JSON_TYPE);
    response.end(isStream ? 'data: {"weather":"fine"}\n\n' : '{"weather":"fine"}');
  } else if (answer === 'cut-off') {
    const whole = isStream ? piece('function compute') : completion('function computeReward', 'stop');
    response.writeHead(200, { ...(isStream ? STREAM_TYPE : JSON_TYPE), 'content-length': String(whole.length + 1000) });
    response.write(whole.slice(0, whole.length - 10), () => response.destroy());
  } else if (answer === 'unfinished') {
    response.writeHead(200, isStream ? STREAM_TYPE : JSON_TYPE);
    response.end(isStream ? piece('function compute') : completion('function computeReward', 'stop').slice(0, -30));
  } else if (answer === 'endless' || answer === 'endless-html') {
    const isPage = answer === 'endless-html';
    response.writeHead(200, isPage ? { 'content-type': 'text/html' } : isStream ? STREAM_TYPE : JSON_TYPE);
    if (!isStream) response.write('{"choices":[{"message":{"content":"');
    const chunk = isStream ? piece('more '.repeat(2000)) : 'more '.repeat(20_000);
    const pour = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', pour);
    pour();
  } else if ('status' in answer) {
    response.writeHead(answer.status, JSON_TYPE);
    response.end(JSON.stringify({ error: { message: answer.message, type: 'error', param: null, code: null } }));
  } else if (isStream) {
    response.writeHead(200, STREAM_TYPE);
    for (let start = 0; start < answer.text.length; start += 40)
      response.write(piece(answer.text.slice(start, start + 40)));
    response.write(piece('', answer.finishReason ?? 'stop'));
    response.end('data: [DONE]\n\n');
  } else {
    response.writeHead(200, JSON_TYPE);
    response.end(completion(answer.text, answer.finishReason ?? 'stop'));
  }
}

const HEAD = { id: 'stub', created: 0, model: 'stub' };

function completion(content: string, finishReason: string): string {
  const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: finishReason };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return JSON.stringify({ ...HEAD, object: 'chat.completion', choices: [choice], usage });
}

function piece(content: string, finishReason: string | null = null): string {
  const choice = { index: 0, delta: { role: 'assistant', content }, finish_reason: finishReason };
  return `data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [choice] })}\n\n`;
}
