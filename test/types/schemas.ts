/** Collections whose types come from a schema. Nothing here runs. */
import type { Database, WithId } from "@liorandb/core";
import * as v from "valibot";
import { z } from "zod";
import { same } from "./models.js";

declare const database: Database;

const zodSchema = z.object({
  name: z.string(),
  age: z.coerce.number<string>().default(18),
  address: z.object({ city: z.string() }),
});
const valibotSchema = v.object({
  _id: v.number(),
  name: v.string(),
  age: v.optional(v.number(), 18),
});

export async function schemas(): Promise<void> {
  const ofZod = database.collection("a", { schema: zodSchema });
  const found = await ofZod.findOne({ name: "a", "address.city": "b", _id: "c" });
  same<typeof found, WithId<z.output<typeof zodSchema>> | null>();
  same<NonNullable<typeof found>["age"], number>();
  await ofZod.insertOne({ name: "a", address: { city: "b" } });
  await ofZod.insertOne({ _id: "c", name: "a", age: "3", address: { city: "b" } });
  await ofZod.replaceOne({}, { name: "a", age: "3", address: { city: "b" } });
  await ofZod.updateOne({}, { $inc: { age: 1 }, $set: { "address.city": "c" } });

  const ofValibot = await database.createCollection("b", { schema: valibotSchema, validator: {} });
  await ofValibot.insertOne({ _id: 1, name: "a" });
  const ids = await ofValibot.distinct("_id");
  same<typeof ids, number[]>();
  const renamed = await ofValibot.rename("c");
  await renamed.insertOne({ _id: 1, name: "a" });

  // @ts-expect-error a field is missing
  await ofZod.insertOne({ name: "a" });
  // @ts-expect-error the schema takes a string
  await ofZod.insertOne({ name: "a", age: 3, address: { city: "b" } });
  // @ts-expect-error and gives a number
  await ofZod.find({ age: "3" });
  // @ts-expect-error updates are of what is stored
  await ofZod.updateOne({}, { $set: { age: "3" } });
  // @ts-expect-error the schema demands an _id
  await ofValibot.insertOne({ name: "a" });
  // @ts-expect-error which is a number
  await renamed.insertOne({ _id: "1", name: "a" });
  // @ts-expect-error no schema
  database.collection("a", { schema: {} });
  // @ts-expect-error no such option
  database.collection("a", { validator: {} });
}
