/** Computes what a child of the benchmark's job computes, without a database: `bare-child.js <from> <count>`. */
import { benchDocument, filledId } from "../stores/store.js";
import { map } from "./similarity-module.js";

const BATCH_DOCUMENTS = 1_000;
const [from, count] = process.argv.slice(2).map(Number) as [number, number];

for (let first = from; first < from + count; first += BATCH_DOCUMENTS) {
  map(
    Array.from({ length: BATCH_DOCUMENTS }, (_, at) =>
      benchDocument(filledId(first + at), first + at),
    ),
  );
}
