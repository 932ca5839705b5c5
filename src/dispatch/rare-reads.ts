/**
 * The reads that most processes never ask for. Their code is loaded with the first of them: see `late.ts`.
 */
export { aggregateRows } from "./aggregate.js";
export { explain, explainNothing } from "./explain.js";
