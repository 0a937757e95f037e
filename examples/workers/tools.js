// Modules of the example shop that are easier to write in JavaScript.

import { Worker, t } from "../../sdk/typescript/src/index.js";

new Worker()
  .module(
    "Slug",
    { inputs: { title: t.string }, output: t.string, effect: "pure", doc: "A title as a part of a URL." },
    ({ title }) => title.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-"),
  )
  .serve();
