/** Updates that must and must not compile. Nothing here runs. */
import type { Document } from "@liorandb/core";
import { loose, trees, users } from "./models.js";

export function accepted(): void {
  users.updateOne({}, { $set: { name: "a", nickname: "b", "address.zip.code": 3, deleted: null } });
  users.updateOne({}, { $set: { "tags.0": "a", "items.0.qty": 1, "items.$.qty": 1 } });
  users.updateOne({}, { $set: { "items.$[].qty": 1, "tags.$[]": "a", "items.$[one].qty": 1 } });
  users.updateOne({}, { $set: { anything: 1, "byDay.monday": 1, "extra.a": true } });
  users.updateOne({}, { $setOnInsert: { born: new Date() }, $unset: { nickname: "", home: true } });
  users.updateOne({}, { $inc: { age: 1, balance: 1n, "items.$[].qty": -1, other: 1, extra: 1 } });
  users.updateOne({}, { $mul: { age: 2 }, $min: { age: 1 }, $max: { born: new Date() } });
  users.updateOne({}, { $rename: { nickname: "alias" }, $bit: { age: { and: 3 } } });
  users.updateOne({}, { $currentDate: { born: true, deleted: { $type: "date" } } });
  users.updateOne({}, { $push: { tags: "a", items: { sku: "a", qty: 1 }, unknown: 1 } });
  users.updateOne({}, { $push: { scores: { $each: [3], $sort: -1, $slice: 5, $position: 0 } } });
  users.updateOne({}, { $push: { items: { $each: [{ sku: "a", qty: 1 }], $sort: { qty: 1 } } } });
  users.updateOne({}, { $push: { "items.$[].notes": "a" } });
  users.updateOne({}, { $addToSet: { tags: { $each: ["a"] }, scores: 3 } });
  users.updateOne({}, { $pull: { tags: "a", scores: { $gt: 3 }, items: { qty: { $lt: 1 } } } });
  users.updateOne({}, { $pullAll: { tags: ["a"] }, $pop: { scores: -1 } });
  users.updateMany({}, [{ $set: { age: { $add: ["$age", 1] } } }], { upsert: true });
  users.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $inc: { age: 1 } } } }]);
  users.updateOne({}, { $inc: { age: 1 } }, { sort: { born: -1 }, maxTimeMS: 50 });
  users.bulkWrite([{ updateOne: { filter: {}, update: { $inc: { age: 1 } }, sort: ["age"] } }]);
  trees.updateOne({}, { $set: { value: 1, "children.$[].value": 2 } });
  loose.updateOne({}, { $set: { a: 1 }, $inc: { "b.c": 1 }, $push: { d: { $each: [1] } } });
  const update: Document = {};
  loose.updateOne({}, update);
}

export function refused(): void {
  // @ts-expect-error many documents have no order
  users.updateMany({}, { $inc: { age: 1 } }, { sort: { born: -1 } });
  // @ts-expect-error a string field takes a string
  users.updateOne({}, { $set: { name: 3 } });
  // @ts-expect-error also below
  users.updateOne({}, { $set: { "address.zip.code": "a" } });
  // @ts-expect-error also at a position
  users.updateOne({}, { $set: { "items.0.qty": "a" } });
  // @ts-expect-error also at the one that matched
  users.updateOne({}, { $set: { "items.$.qty": "a" } });
  // @ts-expect-error also at all of them
  users.updateOne({}, { $set: { "items.$[].qty": "a" } });
  // @ts-expect-error also of simple elements
  users.updateOne({}, { $set: { "tags.$[]": 1 } });
  // @ts-expect-error only numbers are counted up
  users.updateOne({}, { $inc: { name: 1 } });
  // @ts-expect-error by numbers
  users.updateOne({}, { $inc: { age: "1" } });
  // @ts-expect-error only numbers are multiplied
  users.updateOne({}, { $mul: { "address.city": 2 } });
  // @ts-expect-error a smaller value of the same type
  users.updateOne({}, { $min: { age: "a" } });
  // @ts-expect-error only dates become the date
  users.updateOne({}, { $currentDate: { name: true } });
  // @ts-expect-error only arrays grow
  users.updateOne({}, { $push: { name: "a" } });
  // @ts-expect-error by elements
  users.updateOne({}, { $push: { tags: 3 } });
  // @ts-expect-error also by several
  users.updateOne({}, { $push: { tags: { $each: [3] } } });
  // @ts-expect-error also below an array
  users.updateOne({}, { $push: { "items.$[].notes": 3 } });
  // @ts-expect-error sets have elements of one type
  users.updateOne({}, { $addToSet: { scores: "a" } });
  // @ts-expect-error what is pulled has a type
  users.updateOne({}, { $pull: { scores: "a" } });
  // @ts-expect-error also what is compared
  users.updateOne({}, { $pull: { items: { qty: "a" } } });
  // @ts-expect-error a list of elements
  users.updateOne({}, { $pullAll: { tags: "a" } });
  // @ts-expect-error only arrays are popped
  users.updateOne({}, { $pop: { age: 1 } });
  // @ts-expect-error at one of two ends
  users.updateOne({}, { $pop: { tags: 2 } });
  // @ts-expect-error names
  users.updateOne({}, { $rename: { name: 3 } });
  // @ts-expect-error in a bulk write too
  users.bulkWrite([{ updateOne: { filter: {}, update: { $inc: { name: 1 } } } }]);
  // @ts-expect-error an update is an object or a pipeline
  loose.updateOne({}, "a");
}
