/** Inserts, replacements and results. Nothing here runs. */
import type {
  Collection,
  Document,
  Filter,
  FindCursor,
  IdOf,
  InsertManyResult,
  InsertOneResult,
  InsertStreamResult,
  OptionalUnlessRequiredId,
  PathsOf,
  UpdateFilter,
  ValueAt,
  WithId,
} from "@liorandb/core";
import { loose, type Note, notes, same, shapes, type User, users } from "./models.js";

declare const user: User;
declare function laterNotes(): AsyncGenerator<{ text: string }>;

export async function inserts(): Promise<void> {
  await users.insertOne(user);
  await users.insertMany([user, user], { ordered: false, bypassDocumentValidation: true });
  await notes.insertOne({ text: "a" });
  await notes.insertOne({ _id: "a", text: "b" });
  await shapes.insertMany([
    { kind: "circle", radius: 1 },
    { kind: "square", side: 2 },
  ]);
  const some = await users.insertMany([user]);
  same<typeof some, InsertManyResult<number>>();
  const streamed = await users.insertMany(new Set([user]));
  same<typeof streamed, InsertStreamResult>();
  await users.insertMany(users.find());
  await notes.insertMany(laterNotes(), { ordered: false });
  await loose.insertOne({});
  await loose.insertOne({ _id: 1, a: { b: 2 } });
  await notes.bulkWrite([{ insertOne: { document: { text: "a" } } }]);
  const inserted = await notes.insertOne({ text: "a" });
  same<typeof inserted, InsertOneResult<string>>();
  same<(typeof inserted)["insertedId"], string>();
  const { insertedId } = await users.insertOne(user);
  same<typeof insertedId, number>();

  const { _id, ...withoutId } = user;
  await users.replaceOne({ _id }, withoutId);
  await users.replaceOne({ _id }, user);
  await users.findOneAndReplace({ _id }, withoutId, { returnDocument: "after" });

  // @ts-expect-error a field is missing
  await notes.insertOne({});
  // @ts-expect-error a field has another type
  await notes.insertOne({ text: 3 });
  // @ts-expect-error a field is unknown
  await notes.insertOne({ text: "a", other: 1 });
  // @ts-expect-error the type demands an _id
  await users.insertOne(withoutId);
  // @ts-expect-error an _id that is made is a string
  await notes.insertOne({ _id: 1, text: "a" });
  // @ts-expect-error a field is missing
  await notes.insertMany(new Set([{}]));
  // @ts-expect-error a string is no iterable of documents
  await notes.insertMany("text");
  // @ts-expect-error the ids of a stream are not kept
  streamed.insertedIds;
  // @ts-expect-error a circle has a radius
  await shapes.insertOne({ kind: "circle", side: 1 });
  // @ts-expect-error a field is missing
  await notes.replaceOne({}, {});
  // @ts-expect-error a field has another type
  await notes.bulkWrite([{ insertOne: { document: { text: 3 } } }]);
  // @ts-expect-error no such option
  await notes.insertOne({ text: "a" }, { upsert: true });
}

export async function reads(): Promise<void> {
  const found = await notes.findOne({ text: "a" });
  same<typeof found, WithId<Note> | null>();
  same<NonNullable<typeof found>["_id"], string>();
  const all = await users.find().toArray();
  same<(typeof all)[0]["address"]["zip"]["extra"], string | undefined>();
  same<(typeof all)[0]["_id"], number>();
  const awaited = await notes.find();
  same<typeof awaited, WithId<Note>[]>();

  const projected = notes.find().project<{ text: string }>({ text: 1, _id: 0 });
  same<typeof projected, FindCursor<{ text: string }>>();
  const named = await notes.findOne<{ text: string }>({}, { projection: { _id: 0 } });
  same<typeof named, { text: string } | null>();
  const lengths = await notes
    .find()
    .map((note) => note.text.length)
    .toArray();
  same<typeof lengths, number[]>();
  const anything = await loose.findOne({});
  anything?.field.inside.toFixed();
  await loose.insertOne(user);
  await loose.replaceOne({}, user);

  same<Awaited<ReturnType<typeof distinctTags>>, string[]>();
  const cities = await users.distinct("address.city");
  same<typeof cities, string[]>();
  const quantities = await users.distinct("items.0.qty", { age: 3 });
  same<typeof quantities, number[]>();
  const ids = await users.distinct("_id");
  same<typeof ids, number[]>();
  const others = await users.distinct("items.qty");
  same<typeof others, unknown[]>();
  const [first] = await loose.distinct("a");
  first.toFixed();

  const before = await notes.findOneAndDelete({});
  same<typeof before, WithId<Note> | null>();
  const { value } = await notes.findOneAndUpdate(
    {},
    { $set: { text: "a" } },
    { includeResultMetadata: true },
  );
  same<typeof value, WithId<Note> | null>();
  const shape = await shapes.findOne({});
  if (shape?.kind === "circle") same<typeof shape.radius, number>();

  // @ts-expect-error the field has another type
  found?.text.toFixed();
  // @ts-expect-error it may not be there
  found.text;
}

function distinctTags() {
  return users.distinct("tags");
}

export function paths(): void {
  same<ValueAt<User, "address.zip.code">, number>();
  same<ValueAt<User, "home.city">, string | undefined>();
  const path: PathsOf<User> = "items.0.notes.1";
  // @ts-expect-error no such path
  const wrong: PathsOf<User> = "address.street";
  void [path, wrong];
}

export function collections(): void {
  // Code for any collection is generic over its documents, as with the driver.
  const any = <T extends object>(collection: Collection<T>) => collection.collectionName;
  const typed: Collection<Document> = loose;
  any(typed);
  any(users);
  const open = (collection: Collection<{ name: string }>) => collection.findOne({ name: "a" });
  void open;
}

/** Code that is generic over the documents. */
export async function generic<T extends { name: string }>(
  collection: Collection<T>,
): Promise<WithId<T>[]> {
  await collection.updateOne(
    { name: "a" } as Filter<T>,
    { $set: { name: "b" } } as UpdateFilter<T>,
  );
  await collection.deleteMany({ $or: [] } as Filter<T>);
  return collection.find({}).toArray();
}

/** A wrapper with a filter of its own. */
export class Repository<T extends object> {
  readonly #collection: Collection<T>;

  constructor(collection: Collection<T>) {
    this.#collection = collection;
  }

  find(filter: Filter<T>): Promise<WithId<T> | null> {
    return this.#collection.findOne(filter);
  }

  add(document: OptionalUnlessRequiredId<T>): Promise<InsertOneResult<IdOf<T>>> {
    return this.#collection.insertOne(document);
  }
}

void new Repository(users).find({ age: 3 });
// @ts-expect-error through a wrapper too
void new Repository(users).find({ age: "3" });
