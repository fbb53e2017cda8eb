// TensorFlow's graph and saved-model messages, written in protocol-buffer wire format. Only the fields that a recorded step needs.

/** The value of a node's attribute. */
export type NodeAttribute =
  | { readonly kind: 'type' | 'integer'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'flag'; readonly value: boolean }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'shape'; readonly value: readonly number[] }
  | { readonly kind: 'types' | 'integers' | 'floats' | 'flags'; readonly value: readonly number[] }
  | { readonly kind: 'shapes'; readonly value: readonly (readonly number[])[] }
  /** A function of the graph, by name. */
  | { readonly kind: 'function'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: ConstantTensor };

/** A constant. When all elements are equal, `data` may hold just one: TensorFlow repeats it. */
export interface ConstantTensor {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  /** The one value of a constant whose elements are all equal, instead of `data`. */
  readonly fill?: { readonly field: 'float' | 'integer' | 'flag'; readonly value: number };
}

/** One operation of a graph. An input is `name`, `name:output`, or `^name` for a control dependency. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, NodeAttribute>>;
}

/** An argument or a result of a function; `source`, of a result, is the output within the function that it is. */
export interface FunctionValue {
  readonly name: string;
  readonly dtype: number;
  readonly source?: string;
}

/** A function of a graph. Its nodes name each other's outputs `node:output's name:index`, and an argument by its name. */
export interface GraphFunction {
  readonly name: string;
  readonly inputs: readonly FunctionValue[];
  readonly outputs: readonly FunctionValue[];
  readonly nodes: readonly GraphNode[];
  readonly attributes: Readonly<Record<string, NodeAttribute>>;
}

const encoder = new TextEncoder();

/** Writes one message; nested messages are writers of their own. */
class MessageWriter {
  private readonly chunks: Uint8Array[] = [];
  private small: number[] = [];
  private chunkBytes = 0;

  integer(field: number, value: number | bigint): this {
    this.varint((field << 3) | 0);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.small.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.small.push(Number(rest));
    return this;
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    this.small.push(...new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    this.flush();
    this.chunks.push(value);
    this.chunkBytes += value.length;
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, writer: MessageWriter): this {
    return this.bytes(field, writer.finish());
  }

  finish(): Uint8Array {
    this.flush();
    const whole = new Uint8Array(this.chunkBytes);
    let at = 0;
    for (const chunk of this.chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  private varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.small.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.small.push(rest);
  }

  private flush(): void {
    if (this.small.length === 0) return;
    this.chunks.push(Uint8Array.from(this.small));
    this.chunkBytes += this.small.length;
    this.small = [];
  }
}

function shapeMessage(shape: readonly number[]): MessageWriter {
  const writer = new MessageWriter();
  for (const size of shape) writer.message(2, new MessageWriter().integer(1, size));
  return writer;
}

function tensorMessage({ dtype, shape, data, fill }: ConstantTensor): MessageWriter {
  const writer = new MessageWriter().integer(1, dtype).message(2, shapeMessage(shape));
  if (fill === undefined) return writer.bytes(4, data);
  if (fill.field === 'float') return writer.float(5, fill.value);
  return writer.integer(fill.field === 'integer' ? 7 : 11, fill.value);
}

function attributeMessage(attribute: NodeAttribute): MessageWriter {
  const writer = new MessageWriter();
  switch (attribute.kind) {
    case 'text':
      return writer.text(2, attribute.value);
    case 'integer':
      return writer.integer(3, attribute.value);
    case 'float':
      return writer.float(4, attribute.value);
    case 'flag':
      return writer.integer(5, attribute.value ? 1 : 0);
    case 'type':
      return writer.integer(6, attribute.value);
    case 'shape':
      return writer.message(7, shapeMessage(attribute.value));
    case 'tensor':
      return writer.message(8, tensorMessage(attribute.value));
    case 'function':
      return writer.message(10, new MessageWriter().text(1, attribute.value));
    case 'shapes': {
      const list = new MessageWriter();
      for (const shape of attribute.value) list.message(7, shapeMessage(shape));
      return writer.message(1, list);
    }
    default: {
      const list = new MessageWriter();
      const field = { integers: 3, floats: 4, flags: 5, types: 6 }[attribute.kind];
      for (const value of attribute.value) {
        if (attribute.kind === 'floats') list.float(field, value);
        else list.integer(field, value);
      }
      return writer.message(1, list);
    }
  }
}

// The graph version that operations are read by: old enough for TensorFlow 2.9, unchanged in meaning since.
const graphProducerVersion = 1395;

function writeAttributes(writer: MessageWriter, attributes: GraphNode['attributes']): MessageWriter {
  for (const [name, attribute] of Object.entries(attributes)) {
    writer.message(5, new MessageWriter().text(1, name).message(2, attributeMessage(attribute)));
  }
  return writer;
}

function nodeMessage({ name, op, inputs, attributes }: GraphNode): MessageWriter {
  const writer = new MessageWriter().text(1, name).text(2, op);
  for (const input of inputs) writer.text(3, input);
  return writeAttributes(writer, attributes);
}

function functionMessage({ name, inputs, outputs, nodes, attributes }: GraphFunction): MessageWriter {
  const signature = new MessageWriter().text(1, name);
  const value = (each: FunctionValue) => new MessageWriter().text(1, each.name).integer(3, each.dtype);
  for (const input of inputs) signature.message(2, value(input));
  for (const output of outputs) signature.message(3, value(output));
  // It reads variables, hence it is stateful.
  signature.integer(17, 1);
  const writer = writeAttributes(new MessageWriter().message(1, signature), attributes);
  for (const node of nodes) writer.message(3, nodeMessage(node));
  for (const { name: output, source = '' } of outputs) {
    writer.message(4, new MessageWriter().text(1, output).text(2, source));
  }
  return writer;
}

/** A saved model (`saved_model.pb`) with the tag `serve` that holds the graph, its functions, and nothing else. */
export function encodeSavedModel(nodes: readonly GraphNode[], functions: readonly GraphFunction[] = []): Uint8Array {
  const graph = new MessageWriter();
  for (const node of nodes) graph.message(1, nodeMessage(node));
  if (functions.length > 0) {
    const library = new MessageWriter();
    for (const each of functions) library.message(1, functionMessage(each));
    graph.message(2, library);
  }
  graph.message(4, new MessageWriter().integer(1, graphProducerVersion));
  const metaGraph = new MessageWriter().message(1, new MessageWriter().text(4, 'serve')).message(2, graph);
  return new MessageWriter().integer(1, 1).message(2, metaGraph).finish();
}
