/** `$facet`: https://www.mongodb.com/docs/manual/reference/operator/aggregation/facet/ */
import { type Document, isPlainObject } from "../../values/document.js";
import { StageMemory } from "./memory.js";
import { malformed, pipelineOf, type Stage, type StageContext } from "./stage.js";

/** Stages that a facet cannot have, because they do not work on the documents of the facet. */
const notInside = new Set(["$facet", "$out", "$merge", "$documents"]);

export function facet(operand: unknown, context: StageContext): Stage {
  if (!isPlainObject(operand) || Object.keys(operand).length === 0) {
    throw malformed("the $facet specification must be a non-empty object.");
  }
  const facets = Object.keys(operand).map((name) => {
    if (name === "" || name === "__proto__" || /^\$|\./.test(name)) {
      throw malformed(`'${name}' cannot be the name of a facet.`);
    }
    const pipeline = pipelineOf(`The facet '${name}'`, operand[name]);
    for (const stage of pipeline) {
      const inside = Object.keys(stage).find((key) => notInside.has(key));
      if (inside) throw malformed(`${inside} is not allowed to be used within a $facet stage.`);
    }
    return { name, run: context.compile(pipeline, context.variables) };
  });
  return function* (input) {
    const memory = new StageMemory("$facet");
    const source = isRepeatable(input) ? input : held(input, memory);
    const result: Document = {};
    for (const { name, run } of facets) result[name] = held(run(source), memory);
    yield result;
  };
}

/** A collection can be read once for each facet, without holding it; a stream cannot. */
function isRepeatable(input: Iterable<Document>): boolean {
  return (input[Symbol.iterator]() as unknown) !== input;
}

function held(input: Iterable<Document>, memory: StageMemory): Document[] {
  const documents: Document[] = [];
  for (const document of input) {
    memory.keep(document);
    documents.push(document);
  }
  return documents;
}
