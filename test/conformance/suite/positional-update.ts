import assert from "node:assert/strict";
import type { Subject } from "../mode.js";
import { rejection } from "./expectations.js";

export function positionalUpdateSuite(subject: Subject): void {
  const grades = () =>
    subject.seeded([
      {
        _id: 1,
        grades: [
          { test: "a", points: 5 },
          { test: "b", points: 8 },
          { test: "c", points: 9 },
        ],
        numbers: [1, 2, 3],
      },
    ]);

  subject.test("$ is the first element that the filter matched", async () => {
    const collection = await grades();
    await collection.updateOne({ _id: 1, numbers: { $gte: 2 } }, { $inc: { "numbers.$": 10 } });
    await collection.updateOne({ "grades.test": "b" }, { $set: { "grades.$.points": 0 } });
    const { numbers, grades: list } = (await collection.findOne())!;
    assert.deepEqual(numbers, [1, 12, 3]);
    assert.deepEqual(
      (list as { points: number }[]).map(({ points }) => points),
      [5, 0, 9],
    );
  });

  subject.test("$ without a matching array in the filter is refused", async () => {
    const collection = await grades();
    await rejection(() => collection.updateOne({ _id: 1 }, { $set: { "numbers.$": 0 } }), {
      code: 2,
    });
  });

  subject.test("$[] is every element", async () => {
    const collection = await grades();
    await collection.updateMany({}, { $inc: { "numbers.$[]": 1, "grades.$[].points": 1 } });
    const { numbers, grades: list } = (await collection.findOne())!;
    assert.deepEqual(numbers, [2, 3, 4]);
    assert.deepEqual(
      (list as { points: number }[]).map(({ points }) => points),
      [6, 9, 10],
    );
  });

  subject.test("$[name] is every element that its array filter selects", async () => {
    const collection = await grades();
    const update = { $set: { "grades.$[good].best": true, "numbers.$[small]": 0 } };
    const arrayFilters = [{ "good.points": { $gte: 8 } }, { small: { $lt: 3 } }];
    await collection.updateOne({ _id: 1 }, update, { arrayFilters });
    const { numbers, grades: list } = (await collection.findOne())!;
    assert.deepEqual(numbers, [0, 0, 3]);
    assert.deepEqual(
      (list as { best?: boolean }[]).map(({ best }) => best),
      [undefined, true, true],
    );
    const found = await collection.findOneAndUpdate(
      {},
      { $unset: { "grades.$[c].best": 1 } },
      { arrayFilters: [{ "c.test": "c" }], returnDocument: "after", projection: { grades: 1 } },
    );
    assert.deepEqual((found!.grades as object[])[2], { test: "c", points: 9 });
    await collection.bulkWrite([
      {
        updateMany: {
          filter: {},
          update: { $set: { "numbers.$[n]": 7 } },
          arrayFilters: [{ n: 3 }],
        },
      },
    ]);
    assert.deepEqual((await collection.findOne())!.numbers, [0, 0, 7]);
  });

  subject.test("array filters that are missing, unused or wrong are refused", async () => {
    const collection = await grades();
    const update = { $set: { "numbers.$[n]": 0 } };
    await rejection(() => collection.updateOne({}, update), { code: 2, names: ["n"] });
    await rejection(
      () => collection.updateOne({}, update, { arrayFilters: [{ n: 1 }, { m: 1 }] }),
      {
        code: 9,
        names: ["m"],
      },
    );
    await rejection(() => collection.updateOne({}, update, { arrayFilters: [{ n: { $x: 1 } }] }), {
      code: 2,
      names: ["$x"],
    });
    assert.deepEqual((await collection.findOne())!.numbers, [1, 2, 3]);
  });
}
