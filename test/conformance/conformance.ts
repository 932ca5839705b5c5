/** Registers every suite for one mode. */
import { after, before, describe } from "node:test";
import { type Mode, Subject } from "./mode.js";
import { aggregateSuite } from "./suite/aggregate.js";
import { aggregateOutputSuite } from "./suite/aggregate-output.js";
import { bulkWriteSuite } from "./suite/bulk-write.js";
import { cancellingSuite } from "./suite/cancelling.js";
import { closingSuite } from "./suite/closing.js";
import { collectionsSuite } from "./suite/collections.js";
import { concurrencySuite } from "./suite/concurrency.js";
import { countingSuite } from "./suite/counting.js";
import { crudBulkSuite } from "./suite/crud-bulk.js";
import { crudReadsSuite } from "./suite/crud-reads.js";
import { crudWritesSuite } from "./suite/crud-writes.js";
import { cursorsSuite } from "./suite/cursors.js";
import { deleteSuite } from "./suite/delete.js";
import { dotsAndDollarsSuite } from "./suite/dots-and-dollars.js";
import { explainSuite } from "./suite/explain.js";
import { findSuite } from "./suite/find.js";
import { findAndModifySuite } from "./suite/find-and-modify.js";
import { idsSuite } from "./suite/ids.js";
import { indexedReadsSuite } from "./suite/indexed-reads.js";
import { indexesSuite } from "./suite/indexes.js";
import { insertSuite } from "./suite/insert.js";
import { insertStreamSuite } from "./suite/insert-stream.js";
import { invalidArgumentsSuite } from "./suite/invalid-arguments.js";
import { invalidValuesSuite } from "./suite/invalid-values.js";
import { largeReadsSuite } from "./suite/large-reads.js";
import { largeWritesSuite } from "./suite/large-writes.js";
import { listingSuite } from "./suite/listing.js";
import { positionalUpdateSuite } from "./suite/positional-update.js";
import { refusedWritesSuite } from "./suite/refused-writes.js";
import { replaceSuite } from "./suite/replace.js";
import { schemaSuite } from "./suite/schema.js";
import { updateSuite } from "./suite/update.js";
import { updateLanguageSuite } from "./suite/update-language.js";
import { upsertSuite } from "./suite/upsert.js";
import { validationSuite } from "./suite/validation.js";
import { valuesSuite } from "./suite/values.js";

type Suite = (subject: Subject) => void;

const reading: Suite[] = [
  findSuite,
  crudReadsSuite,
  valuesSuite,
  idsSuite,
  countingSuite,
  cursorsSuite,
  aggregateSuite,
  largeReadsSuite,
  cancellingSuite,
  listingSuite,
  indexedReadsSuite,
  explainSuite,
  invalidArgumentsSuite,
];

const writing: Suite[] = [
  insertSuite,
  insertStreamSuite,
  invalidValuesSuite,
  updateSuite,
  updateLanguageSuite,
  crudWritesSuite,
  dotsAndDollarsSuite,
  positionalUpdateSuite,
  upsertSuite,
  replaceSuite,
  deleteSuite,
  findAndModifySuite,
  bulkWriteSuite,
  crudBulkSuite,
  validationSuite,
  schemaSuite,
  aggregateOutputSuite,
  collectionsSuite,
  indexesSuite,
  largeWritesSuite,
  concurrencySuite,
];

export function conformance(mode: Mode): void {
  describe(`conformance: ${mode.name}`, () => {
    const subject = new Subject(mode);
    before(() => subject.open());
    after(() => subject.close());
    for (const suite of reading) suite(subject);
    for (const suite of mode.canWrite ? writing : [refusedWritesSuite]) suite(subject);
    // Last: it opens and closes managers of its own on the same root.
    closingSuite(subject);
  });
}
