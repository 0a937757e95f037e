// The package against the protocol, with its input and output in memory.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";

import { ModuleError, Worker, t } from "../src/index.js";

/** The first line, and the answers by their ids. */
async function answers(worker, ...requests) {
  const input = new PassThrough();
  const output = new PassThrough();
  for (const request of requests) {
    const defaults = "call" in request ? { callKey: "k", attempt: 1, deadlineMs: 1000 } : {};
    input.write(JSON.stringify({ ...defaults, ...request }) + "\n");
  }
  input.end();
  await worker.serve({ input, output });
  const [first, ...rest] = output.read().toString().trim().split("\n").map((line) => JSON.parse(line));
  return [first, new Map(rest.map((answer) => [answer.id, answer]))];
}

test("types are written as the language has them", () => {
  const line = t.record({ sku: t.string, unit: t.literal("kg", "g"), note: t.optional(t.float) });
  assert.equal(line.text, '{ sku: String, unit: "kg" | "g", note: Optional<Float> }');
  assert.equal(t.list(t.map(t.union(t.int, t.boolean))).text, "List<Map<String, Int | Boolean>>");
});

test("calls are answered", async () => {
  const worker = new Worker()
    .module(
      "Double",
      { inputs: { n: t.int }, output: t.int, effect: "pure", doc: "Twice." },
      ({ n }) => 2 * n,
    )
    .module("Key", { inputs: {}, output: t.string }, async (_, call) => `${call.key} ${call.attempt}`);
  const [first, said] = await answers(
    worker,
    { id: 1, call: "Double", inputs: { n: 21 } },
    { id: 2, call: "Key", inputs: {} },
  );
  assert.deepEqual(first, {
    tidegate: 1,
    modules: [
      { name: "Double", signature: "(n: Int) -> Int", effect: "pure", doc: "Twice." },
      { name: "Key", signature: "() -> String", effect: "read" },
    ],
  });
  assert.equal(said.get(1).output, 42);
  assert.equal(said.get(2).output, "k 1");
});

test("failures are told", async () => {
  const worker = new Worker().module("Fail", { inputs: { how: t.string }, output: t.int }, ({ how }) => {
    throw how === "busy" ? new ModuleError("later", { retryable: true }) : new RangeError("no");
  });
  const [, said] = await answers(
    worker,
    { id: 1, call: "Fail", inputs: { how: "busy" } },
    { id: 2, call: "Fail", inputs: { how: "other" } },
  );
  assert.deepEqual(said.get(1).error, { message: "later", retryable: true });
  assert.deepEqual(said.get(2).error, { message: "no", retryable: false });
});

test("a cancelled call is told and not answered", async () => {
  const worker = new Worker().module("Wait", { inputs: {}, output: t.int }, (_, { signal }) => {
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(1)));
  });
  const [, said] = await answers(worker, { id: 1, call: "Wait", inputs: {} }, { cancel: 1 }, { cancel: 9 });
  assert.equal(said.size, 0);
});
