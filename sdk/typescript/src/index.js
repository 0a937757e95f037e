// Modules for Tidegate pipelines. One line of JSON says which modules there are, then a line a request
// and a line an answer, in any order. What user code prints goes to stderr, as stdout belongs to the
// protocol. The types are in index.d.ts.

import { Console } from "node:console";
import { createInterface } from "node:readline";

const quoted = (text) => JSON.stringify(text);
const type = (text) => ({ text });

/** Types of the pipeline language. */
export const t = {
  string: type("String"),
  int: type("Int"),
  float: type("Float"),
  boolean: type("Boolean"),
  literal: (...texts) => type(texts.map(quoted).join(" | ")),
  list: (of) => type(`List<${of.text}>`),
  map: (of) => type(`Map<String, ${of.text}>`),
  optional: (of) => type(`Optional<${of.text}>`),
  union: (...members) => type(members.map((member) => member.text).join(" | ")),
  record: (fields) => type(`{ ${parameters(fields)} }`),
};

function parameters(fields) {
  return Object.entries(fields)
    .map(([name, of]) => `${name}: ${of.text}`)
    .join(", ");
}

/** A failure that the pipeline sees. With `retryable` another attempt may succeed. */
export class ModuleError extends Error {
  constructor(message, { retryable = false } = {}) {
    super(message);
    this.name = "ModuleError";
    this.retryable = retryable;
  }
}

/** Modules, and the loop that answers calls of them. */
export class Worker {
  #modules = new Map();

  /** Declares a module; `run` gets the inputs and the call. */
  module(name, { inputs, output, effect = "read", doc }, run) {
    const signature = `(${parameters(inputs)}) -> ${output.text}`;
    const declared = { name, signature, effect, ...(doc === undefined ? {} : { doc }) };
    this.#modules.set(name, { declared, run });
    return this;
  }

  /** Answers calls until there are no more requests. */
  async serve({ input = process.stdin, output = process.stdout } = {}) {
    if (output === process.stdout) {
      globalThis.console = new Console(process.stderr, process.stderr);
    }
    const write = output.write.bind(output);
    const say = (document) => write(JSON.stringify(document) + "\n");
    say({ tidegate: 1, modules: [...this.#modules.values()].map(({ declared }) => declared) });
    const running = new Map();
    const answers = new Set();
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const request = JSON.parse(line);
      if ("cancel" in request) {
        running.get(request.cancel)?.abort();
        continue;
      }
      const aborting = new AbortController();
      running.set(request.id, aborting);
      const { callKey: key, attempt, deadlineMs } = request;
      const call = { key, attempt, deadlineMs, signal: aborting.signal };
      const answer = this.#answer(request, call).then((document) => {
        running.delete(request.id);
        if (!aborting.signal.aborted) say(document);
      });
      answers.add(answer.finally(() => answers.delete(answer)));
    }
    await Promise.all(answers);
  }

  async #answer({ id, call: name, inputs }, call) {
    try {
      const output = await this.#modules.get(name).run(inputs, call);
      const document = { id, output: output ?? null };
      JSON.stringify(document);
      return document;
    } catch (error) {
      if (!(error instanceof ModuleError) && !call.signal.aborted) console.error(error);
      const message = error instanceof Error && error.message ? error.message : String(error);
      return { id, error: { message, retryable: error instanceof ModuleError && error.retryable } };
    }
  }
}
