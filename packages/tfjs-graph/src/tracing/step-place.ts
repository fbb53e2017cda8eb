// Where in a step something happened: the first line of the call stack that belongs neither to tfjs nor to this package.

const OWN =
  /[\\/](tfjs[^\\/]*|pjrt|webgpu)[\\/](dist|src)[\\/]|node:internal|node_modules[\\/](@tensorflow|\.pnpm[\\/]@tensorflow)/;

/** ` (at createUpdateStep, update-step.ts:40:12)`, or nothing where the stack doesn't tell. */
export function placeInStep(stack: string = deepStack()): string {
  const frame = stack
    .split('\n')
    .slice(1)
    .find((line) => /^\s+at /.test(line) && (isTest(line) || !OWN.test(line)) && !line.includes('<anonymous>'));
  if (frame === undefined) return '';
  const match = /at (?:(?:async |new )?([\w.<>$]+) \()?(?:file:\/\/)?(.*?):(\d+):(\d+)\)?$/.exec(frame.trim());
  if (match === null) return '';
  const [, name, path, line, column] = match;
  const file = path!.split(/[\\/]/).slice(-2).join('/');
  return ` (${name === undefined ? '' : `in ${name}, `}${file}:${line}:${column})`;
}

/** tfjs alone takes more than the ten frames that V8 keeps by default. */
function deepStack(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  return stack;
}

function isTest(line: string): boolean {
  return line.includes('.test.ts');
}
