/** Filters that must and must not compile. Nothing here runs. */
import type { Document, Filter } from "@liorandb/core";
import { loose, nodes, notes, people, shapes, trees, users } from "./models.js";

export function accepted(): void {
  users.find({});
  users.find(null);
  users.find({ _id: 1, name: "a", age: 3, balance: 3n, active: true, born: new Date() });
  users.find({ name: /^a/, role: "admin", deleted: null, nickname: null });
  users.find({ name: { $in: ["a", /b/], $nin: ["c"], $ne: "d", $not: /e/, $exists: true } });
  users.find({ name: { $regex: "^a", $options: "i" }, nickname: { $regex: /b/ } });
  users.find({ age: { $gt: 1, $gte: 1, $lt: 9, $lte: 9, $mod: [2, 0], $not: { $gt: 3 } } });
  users.find({ age: { $type: "int" }, balance: { $type: ["long", 16], $gt: 5n } });
  users.find({ age: { $bitsAllSet: 3, $bitsAnyClear: [0, 1] }, picture: new Uint8Array(1) });
  users.find({ tags: "a", scores: 3, items: { sku: "a", qty: 1 } });
  users.find({ tags: ["a"], scores: { $gt: 3, $size: 2 } });
  users.find({ tags: { $all: ["a"], $size: 1, $elemMatch: { $gt: "a", $regex: "b" } } });
  users.find({ items: { $elemMatch: { sku: "a", qty: { $gt: 1 } }, $size: 1 } });
  users.find({ items: { $all: [{ $elemMatch: { qty: 1 } }] } });
  users.find({ address: { city: "a", zip: { code: 1 } } });
  users.find({ "address.city": "a", "address.zip.code": { $gt: 1 }, "address.zip.extra": null });
  users.find({ "home.city": { $in: ["a"] }, "tags.0": "a", "items.0.qty": 3, "scores.1": 3 });
  // Other names take anything, as with the driver.
  users.find({ unknown: 1, "items.qty": 3, "byDay.monday": 3, "extra.anything": true });
  users.find({ extra: 1, byDay: { monday: 3 } });
  users.find({ $and: [{ age: 1 }, { name: "a" }], $or: [{ age: 1 }], $nor: [{ name: "a" }] });
  users.find({ $expr: { $gt: ["$age", 3] }, $comment: "why", $jsonSchema: { required: ["age"] } });
  notes.find({ _id: "a", text: "b" });
  shapes.find({ kind: "circle" });
  trees.find({ value: 1, "left.value": 2, "children.0.value": 3 });
  people.find({ "employer.title": "a", "employer.owner.employer.owner.name": "b" });
  nodes.find({ "a.weight": 1, "c.0.weight": { $gt: 1 } });
  loose.find({ anything: 1, "a.b": { $gt: "x" }, $or: [{ a: 1 }] });
  const document: Document = {};
  loose.find(document);
  const filter: Filter<Document> = document;
  loose.find(filter);
}

export function refused(): void {
  // @ts-expect-error a number field is no string
  users.find({ age: "3" });
  // @ts-expect-error the type says that _id is a number
  users.findOne({ _id: "a" });
  // @ts-expect-error without a type for it, _id is a string
  notes.find({ _id: 1 });
  // @ts-expect-error none of the values
  users.find({ role: "owner" });
  // @ts-expect-error a field that is always there is never null
  users.find({ age: null });
  // @ts-expect-error $gt takes what the field holds
  users.find({ age: { $gt: "x" } });
  // @ts-expect-error $in takes an array
  users.find({ age: { $in: 3 } });
  // @ts-expect-error ... of what the field holds
  users.find({ age: { $in: ["a"] } });
  // @ts-expect-error only strings match expressions
  users.find({ age: /3/ });
  // @ts-expect-error only strings match expressions
  users.find({ age: { $regex: "3" } });
  // @ts-expect-error only numbers have a remainder
  users.find({ name: { $mod: [2, 0] } });
  // @ts-expect-error only arrays have a size
  users.find({ name: { $size: 2 } });
  // @ts-expect-error a size is a number
  users.find({ tags: { $size: "2" } });
  // @ts-expect-error only arrays have elements
  users.find({ name: { $elemMatch: { $gt: "a" } } });
  // @ts-expect-error elements are strings
  users.find({ tags: 3 });
  // @ts-expect-error a field of the element has a type
  users.find({ items: { $elemMatch: { qty: "many" } } });
  // @ts-expect-error no such operator
  users.find({ age: { $greater: 3 } });
  // @ts-expect-error no such type
  users.find({ age: { $type: "integer" } });
  // @ts-expect-error a dotted path has the type of what it reaches
  users.find({ "address.city": 3 });
  // @ts-expect-error at every depth
  users.find({ "address.zip.code": { $gt: "a" } });
  // @ts-expect-error through a field that may be missing
  users.find({ "home.city": 3 });
  // @ts-expect-error into an array
  users.find({ "tags.0": 3 });
  // @ts-expect-error and further
  users.find({ "items.0.qty": "a" });
  // @ts-expect-error in branches
  users.find({ $or: [{ age: "a" }] });
  // @ts-expect-error branches are an array
  users.find({ $and: { age: 1 } });
  // @ts-expect-error through types that contain each other
  people.find({ "employer.title": 3 });
  // @ts-expect-error also in many ways
  nodes.find({ "c.0.weight": "heavy" });
  // @ts-expect-error neither of the two
  shapes.find({ kind: "triangle" });
  // @ts-expect-error a filter is an object
  loose.find(3);
}
