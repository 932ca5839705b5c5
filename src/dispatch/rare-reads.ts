/**
 * The reads that most processes never ask for. Their code is loaded with the first of them: see `late.ts`.
 */
export { dividePipeline } from "../query/aggregate/divide.js";
export { aggregateRows } from "./aggregate.js";
export { frontOf } from "./divided/pipeline-front.js";
export { explain, explainNothing } from "./explain.js";
