/**
 * The reads that most processes never ask for. Their code is a seventh of what would have to be compiled
 * before a first read, so it is loaded with the first of them: see `rare.ts`.
 */
export { aggregateRows } from "./aggregate.js";
export { explain, explainNothing } from "./explain.js";
