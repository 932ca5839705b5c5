/** Sends an operation through the public API, and says in one form how it has ended. */
import type { Collection, Database, Document, LioranError } from "@liorandb/core";
import {
  type Done,
  type ItemOperation,
  nothingDone,
  type Operation,
  type SchemaOperation,
  type SharedOperation,
  type Statement,
} from "./operations.js";

const duplicateKey = 11000;

/** @throws what is no refusal of a duplicate */
export async function perform(db: Database, op: string, operation: Operation): Promise<Done> {
  try {
    const done = await send(db, op, operation);
    return { ...nothingDone, failed: [], ...done };
  } catch (error) {
    const { code, result, writeErrors } = error as LioranError;
    if (code !== duplicateKey || writeErrors?.some((each) => each.code !== duplicateKey))
      throw error;
    const failed = writeErrors?.map(({ index }) => index) ?? [0];
    return { ...nothingDone, ...(result && counts(result as Counts)), failed };
  }
}

function send(db: Database, op: string, operation: Operation): Promise<Partial<Done>> {
  if (operation.on === "items") return sendItems(db.collection("items"), op, operation);
  if (operation.on === "shared") return sendShared(db, op, operation);
  return sendSchema(db, operation);
}

async function sendItems(
  items: Collection<Document>,
  op: string,
  operation: ItemOperation,
): Promise<Partial<Done>> {
  switch (operation.kind) {
    case "one":
      return counts(await sendOne(items, op, operation.statement));
    case "findAndModify":
      return await findAndModify(items, op, operation.statement);
    case "insertMany": {
      const { ordered } = operation;
      const documents = operation.items.map((item) => ({ ...item, ops: [op] }));
      return counts(await items.insertMany(documents, { ordered }));
    }
    case "bulkWrite": {
      const models = operation.statements.map((statement) => modelOf(op, statement));
      return counts(await items.bulkWrite(models as never, { ordered: operation.ordered }));
    }
    case "moveAll": {
      const update = { $set: { key: operation.to }, $push: { ops: op } };
      return counts(
        await items.updateMany({ lane: operation.lane, key: operation.from }, update as Document),
      );
    }
    case "deleteAll":
      return counts(await items.deleteMany({ lane: operation.lane, key: operation.key }));
    case "upsert": {
      const { lane, key, tag, _id } = operation.item;
      const update = { $inc: { n: 1 }, $push: { ops: op }, $setOnInsert: { lane, key, tag } };
      return counts(await items.updateOne({ _id }, update as Document, { upsert: true }));
    }
  }
}

function sendOne(items: Collection<Document>, op: string, statement: Statement): Promise<Counts> {
  switch (statement.kind) {
    case "insert":
      return items.insertOne({ ...statement.item, ops: [op] });
    case "replace":
      return items.replaceOne({ _id: statement.item._id }, { ...statement.item, ops: [op] });
    case "delete":
      return items.deleteOne({ _id: statement.id });
    default:
      return items.updateOne({ _id: statement.id }, updateOf(op, statement));
  }
}

async function findAndModify(
  items: Collection<Document>,
  op: string,
  statement: Statement,
): Promise<Partial<Done>> {
  if (statement.kind === "delete") {
    const value = await items.findOneAndDelete({ _id: statement.id });
    return { value, deleted: value ? 1 : 0 };
  }
  const value = await (statement.kind === "replace"
    ? items.findOneAndReplace({ _id: statement.item._id }, { ...statement.item, ops: [op] })
    : items.findOneAndUpdate({ _id: (statement as { id: string }).id }, updateOf(op, statement)));
  return { value, matched: value ? 1 : 0, modified: value ? 1 : 0 };
}

function modelOf(op: string, statement: Statement): Document {
  switch (statement.kind) {
    case "insert":
      return { insertOne: { document: { ...statement.item, ops: [op] } } };
    case "replace": {
      const { item } = statement;
      return { replaceOne: { filter: { _id: item._id }, replacement: { ...item, ops: [op] } } };
    }
    case "delete":
      return { deleteOne: { filter: { _id: statement.id } } };
    default:
      return { updateOne: { filter: { _id: statement.id }, update: updateOf(op, statement) } };
  }
}

function updateOf(op: string, statement: Statement): Document {
  const $push = { ops: op };
  if (statement.kind === "move") return { $set: { key: statement.key }, $push };
  if (statement.kind === "retag") return { $set: { tag: statement.tag }, $push };
  return { $inc: { n: 1 }, $push };
}

async function sendShared(
  db: Database,
  op: string,
  operation: SharedOperation,
): Promise<Partial<Done>> {
  const countUp = { $inc: { n: 1 }, $push: { ops: op } } as Document;
  switch (operation.kind) {
    case "count": {
      const collection = db.collection<Document>(operation.collection);
      const document = await collection.findOneAndUpdate({ _id: operation.id }, countUp, {
        returnDocument: "after",
        projection: { n: 1 },
      });
      return { value: document?.n };
    }
    case "compareAndSet": {
      const filter = { _id: operation.id, n: operation.seen };
      return counts(await db.collection<Document>("registers").updateOne(filter, countUp));
    }
    case "claim":
      return counts(await db.collection("claims").insertOne({ _id: op, slot: operation.slot }));
    case "release":
      return counts(await db.collection<Document>("claims").deleteOne({ _id: operation.claim }));
  }
}

async function sendSchema(db: Database, operation: SchemaOperation): Promise<Partial<Done>> {
  const collection = db.collection<Document>(operation.collection);
  switch (operation.kind) {
    case "fill": {
      const pad = "x".repeat(operation.padBytes);
      const documents = operation.ids.map((_id, n) => ({ _id, n, ...(pad && { pad }) }));
      return counts(await collection.insertMany(documents));
    }
    case "createIndex":
    case "createUnique": {
      const { name, key } = operation;
      // Two indexes of the same key would be one: each has a path of its own, which no document has.
      const keys = { [key]: 1, ...(operation.collection === "big" && { [name]: 1 }) };
      await collection.createIndex(keys as never, {
        name,
        unique: operation.kind === "createUnique",
      });
      return {};
    }
    case "dropIndex":
      await collection.dropIndex(operation.name);
      return {};
    case "drop":
      return { deleted: (await collection.drop()) ? 1 : 0 };
    case "rename":
      await collection.rename(operation.to);
      return {};
  }
}

/** The counts of whatever result. */
interface Counts {
  insertedId?: unknown;
  insertedCount?: number;
  matchedCount?: number;
  modifiedCount?: number;
  deletedCount?: number;
  upsertedCount?: number;
}

function counts(result: Counts): Partial<Done> {
  return {
    inserted: result.insertedCount ?? ("insertedId" in result ? 1 : 0),
    matched: result.matchedCount ?? 0,
    modified: result.modifiedCount ?? 0,
    deleted: result.deletedCount ?? 0,
    upserted: result.upsertedCount ?? 0,
  };
}
