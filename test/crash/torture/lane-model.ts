/** What the documents and the collections of one lane look like after an operation. */
import {
  type Done,
  type Item,
  type ItemOperation,
  nothingDone,
  type SchemaOperation,
  type Statement,
} from "./operations.js";

export type Items = ReadonlyMap<string, Item>;

/** The documents after an operation, and how it ends. */
export function applyItems(
  items: Items,
  op: string,
  operation: ItemOperation,
): { items: Items; done: Done } {
  const after = new Map(items);
  const done: Done = { ...nothingDone, failed: [] };
  switch (operation.kind) {
    case "one":
      applyStatement(after, op, operation.statement, done, 0);
      break;
    case "findAndModify":
      done.value = items.get(idOf(operation.statement)) ?? null;
      applyStatement(after, op, operation.statement, done, 0);
      if (done.failed.length > 0) done.value = null;
      break;
    case "insertMany":
      applyAll(
        after,
        op,
        operation.items.map((item): Statement => ({ kind: "insert", item })),
        operation.ordered,
        done,
      );
      break;
    case "bulkWrite":
      applyAll(after, op, operation.statements, operation.ordered, done);
      break;
    case "moveAll":
      for (const item of items.values()) {
        if (item.key !== operation.from) continue;
        applyStatement(after, op, { kind: "move", id: item._id, key: operation.to }, done, 0);
      }
      break;
    case "deleteAll":
      for (const item of items.values()) {
        if (item.key !== operation.key) continue;
        applyStatement(after, op, { kind: "delete", id: item._id }, done, 0);
      }
      break;
    case "upsert": {
      const { item } = operation;
      const there = items.get(item._id);
      if (there) applyStatement(after, op, { kind: "increment", id: item._id }, done, 0);
      else {
        after.set(item._id, { ...item, n: 1, ops: [op] });
        done.upserted = 1;
      }
      break;
    }
  }
  return { items: after, done };
}

function applyAll(
  items: Map<string, Item>,
  op: string,
  statements: readonly Statement[],
  ordered: boolean,
  done: Done,
): void {
  for (const [at, statement] of statements.entries()) {
    applyStatement(items, op, statement, done, at);
    if (ordered && done.failed.length > 0) return;
  }
}

function applyStatement(
  items: Map<string, Item>,
  op: string,
  statement: Statement,
  done: Done,
  at: number,
): void {
  const there = items.get(idOf(statement));
  if (statement.kind === "insert") {
    const { item } = statement;
    if (there || isTaken(items, item)) done.failed.push(at);
    else {
      items.set(item._id, { ...item, ops: [op] });
      done.inserted += 1;
    }
    return;
  }
  if (!there) return;
  if (statement.kind === "delete") {
    items.delete(there._id);
    done.deleted += 1;
    return;
  }
  const changed = changedItem(there, op, statement);
  if (isTaken(items, changed)) {
    done.failed.push(at);
    return;
  }
  items.set(changed._id, changed);
  done.matched += 1;
  done.modified += 1;
}

function changedItem(
  item: Item,
  op: string,
  statement: Exclude<Statement, { kind: "insert" | "delete" }>,
): Item {
  const ops = [...item.ops, op];
  switch (statement.kind) {
    case "increment":
      return { ...item, n: item.n + 1, ops };
    case "move":
      return { ...item, key: statement.key, ops };
    case "retag":
      return { ...item, tag: statement.tag, ops };
    case "replace":
      return { ...statement.item, ops: [op] };
  }
}

export function idOf(statement: Statement): string {
  return "item" in statement ? statement.item._id : statement.id;
}

/** Whether the unique index has the tag for another document. Tags carry the name of their lane. */
function isTaken(items: Items, { _id, tag }: Item): boolean {
  for (const item of items.values()) if (item.tag === tag && item._id !== _id) return true;
  return false;
}

/** A collection of a lane. Of one that all write to, only the indexes of this lane are known: it has no `ids`. */
export interface KnownCollection {
  ids?: readonly string[];
  indexes: readonly string[];
}

export type Schema = ReadonlyMap<string, KnownCollection>;

export const initialSchema: Schema = new Map([["big", { indexes: [] }]]);

/** The beginning of the names of a lane's own collections. */
export function collectionPrefix(lane: string): string {
  return `own-${lane}-`;
}

/** The beginning of the names of a lane's indexes of a collection of all. */
export function indexPrefix(lane: string): string {
  return `lane-${lane}-`;
}

/** The collections after an operation, and how it ends. */
export function applySchema(
  schema: Schema,
  operation: SchemaOperation,
): { schema: Schema; done: Done } {
  const { collection } = operation;
  const after = new Map(schema);
  const done: Done = { ...nothingDone, failed: [] };
  const there = schema.get(collection);
  const { ids, indexes } = there ?? { ids: [], indexes: [] };
  switch (operation.kind) {
    case "fill":
      after.set(collection, { ids: [...ids!, ...operation.ids], indexes });
      done.inserted = operation.ids.length;
      break;
    case "createIndex":
      after.set(collection, { ids, indexes: [...indexes, operation.name] });
      break;
    case "createUnique":
      done.failed.push(0);
      break;
    case "dropIndex":
      after.set(collection, { ids, indexes: indexes.filter((name) => name !== operation.name) });
      break;
    case "drop":
      after.delete(collection);
      done.deleted = there ? 1 : 0;
      break;
    case "rename":
      after.delete(collection);
      after.set(operation.to, { ids, indexes });
      break;
  }
  return { schema: after, done };
}

/**
 * What may be there when an operation was sent and not acknowledged: nothing of it, or all of it; of an insert that is
 * cut into several operations any first part.
 */
export function possibleSchemas(schema: Schema, operation: SchemaOperation): Schema[] {
  const all = [schema];
  if (operation.kind === "fill" && operation.padBytes > 0) {
    for (let length = 1; length < operation.ids.length; length += 1) {
      all.push(applySchema(schema, { ...operation, ids: operation.ids.slice(0, length) }).schema);
    }
  }
  all.push(applySchema(schema, operation).schema);
  return all;
}
