/** The stages, on the examples of MongoDB's manual where it has some. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Document } from "../../../../src/values/document.js";
import { aggregate } from "./in-memory.js";

const sales = [
  { _id: 1, item: "abc", price: 10, quantity: 2, date: new Date("2014-03-01T08:00:00Z") },
  { _id: 2, item: "jkl", price: 20, quantity: 1, date: new Date("2014-03-01T09:00:00Z") },
  { _id: 3, item: "xyz", price: 5, quantity: 10, date: new Date("2014-03-15T09:00:00Z") },
  { _id: 4, item: "xyz", price: 5, quantity: 20, date: new Date("2014-04-04T11:21:39Z") },
  { _id: 5, item: "abc", price: 10, quantity: 10, date: new Date("2014-04-04T21:23:13Z") },
];

test("$group sums by key, and $match, $sort and $limit go around it", () => {
  const result = aggregate(sales, [
    { $group: { _id: "$item", total: { $sum: { $multiply: ["$price", "$quantity"] } } } },
    { $match: { total: { $gte: 100 } } },
    { $sort: { total: -1 } },
  ]);
  assert.deepEqual(result, [
    { _id: "xyz", total: 150 },
    { _id: "abc", total: 120 },
  ]);
});

test("$group by null, by dates and by objects", () => {
  assert.deepEqual(
    aggregate(sales, [{ $group: { _id: null, n: { $count: {} }, avg: { $avg: "$quantity" } } }]),
    [{ _id: null, n: 5, avg: 8.6 }],
  );
  const byDay = { $dateToString: { format: "%Y-%m-%d", date: "$date" } };
  assert.deepEqual(aggregate(sales, [{ $group: { _id: byDay, n: { $sum: 1 } } }]), [
    { _id: "2014-03-01", n: 2 },
    { _id: "2014-03-15", n: 1 },
    { _id: "2014-04-04", n: 2 },
  ]);
  assert.deepEqual(
    aggregate(
      [{ a: 1, b: { c: 1 } }, { a: 1n, b: { c: 1n } }, { a: 1 }],
      [{ $group: { _id: { x: "$a", y: "$b.c" }, n: { $sum: 1 } } }],
    ),
    [
      { _id: { x: 1, y: 1 }, n: 2 },
      { _id: { x: 1 }, n: 1 },
    ],
  );
});

test("$group takes keys by value: 1 and 1n are one, null and missing are one, text is no number", () => {
  const keys = [
    1,
    1n,
    "1",
    null,
    undefined,
    -0,
    0,
    Number.NaN,
    Number.NaN,
    "\0s",
    new Date(1),
    [1],
  ];
  const documents = [...keys, [1n], new Date(1), "\0s", 2n ** 60n, 2 ** 60].map((k) => ({ k }));
  const groups = aggregate(documents, [{ $group: { _id: "$k", n: { $sum: 1 } } }]);
  assert.deepEqual(
    groups.map(({ _id, n }) => [_id, n]),
    [
      [1, 2],
      ["1", 1],
      [null, 2],
      [-0, 2],
      [Number.NaN, 2],
      ["\0s", 2],
      [new Date(1), 2],
      [[1], 2],
      [2n ** 60n, 2],
    ],
  );
});

test("$project, $addFields, $unset, $replaceRoot and $replaceWith", () => {
  const documents = [{ _id: 1, a: { b: 2, c: 3 }, d: [1, 2] }];
  const cases: [Document[], Document][] = [
    [[{ $project: { "a.b": 1, n: { $size: "$d" } } }], { _id: 1, a: { b: 2 }, n: 2 }],
    [
      [{ $addFields: { "a.e": { $add: ["$a.b", "$a.c"] } } }, { $unset: "d" }],
      {
        _id: 1,
        a: { b: 2, c: 3, e: 5 },
      },
    ],
    [[{ $replaceRoot: { newRoot: "$a" } }], { b: 2, c: 3 }],
    [[{ $replaceWith: { $mergeObjects: [{ x: 0 }, "$a"] } }], { x: 0, b: 2, c: 3 }],
    [
      [
        { $set: { x: "$$ROOT._id", y: "$$CURRENT.a.b", z: "$$REMOVE" } },
        { $project: { x: 1, y: 1 } },
      ],
      {
        _id: 1,
        x: 1,
        y: 2,
      },
    ],
  ];
  for (const [pipeline, expected] of cases) {
    assert.deepEqual(aggregate(documents, pipeline), [expected]);
  }
});

test("$$NOW is one time for the whole pipeline", () => {
  const [a, b] = aggregate([{ _id: 1 }, { _id: 2 }], [{ $set: { at: "$$NOW" } }]);
  assert.ok(a!.at instanceof Date);
  assert.equal(a!.at, b!.at);
});

test("$unwind with positions and with empty arrays", () => {
  const documents = [
    { _id: 1, sizes: ["S", "M"] },
    { _id: 2, sizes: [] },
    { _id: 3, sizes: "M" },
    { _id: 4 },
    { _id: 5, sizes: null },
  ];
  assert.deepEqual(aggregate(documents, [{ $unwind: "$sizes" }]), [
    { _id: 1, sizes: "S" },
    { _id: 1, sizes: "M" },
    { _id: 3, sizes: "M" },
  ]);
  const unwind = { path: "$sizes", includeArrayIndex: "i", preserveNullAndEmptyArrays: true };
  assert.deepEqual(aggregate(documents, [{ $unwind: unwind }]), [
    { _id: 1, sizes: "S", i: 0 },
    { _id: 1, sizes: "M", i: 1 },
    { _id: 2, i: null },
    { _id: 3, sizes: "M", i: null },
    { _id: 4, i: null },
    { _id: 5, sizes: null, i: null },
  ]);
  assert.deepEqual(aggregate([{ a: { b: [1, 2], c: 3 } }], [{ $unwind: "$a.b" }]), [
    { a: { b: 1, c: 3 } },
    { a: { b: 2, c: 3 } },
  ]);
});

test("$count, $sortByCount, $skip, $limit and $sample", () => {
  assert.deepEqual(aggregate(sales, [{ $match: { price: { $lt: 20 } } }, { $count: "n" }]), [
    { n: 4 },
  ]);
  assert.deepEqual(aggregate([], [{ $count: "n" }]), []);
  assert.deepEqual(aggregate([{ t: "b" }, { t: "a" }, { t: "a" }], [{ $sortByCount: "$t" }]), [
    { _id: "a", count: 2 },
    { _id: "b", count: 1 },
  ]);
  const behind = [{ $set: { x: 1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 1 } }];
  assert.deepEqual(aggregate(sales, behind), [{ _id: 2 }, { _id: 3 }]);
  const chosen = aggregate(sales, [{ $sample: { size: 3 } }]).map(({ _id }) => _id);
  assert.equal(new Set(chosen).size, 3);
  assert.equal(aggregate(sales, [{ $sample: { size: 30 } }]).length, 5);
});

test("$sort is stable, orders all types, and keeps the best of many", () => {
  const documents = Array.from({ length: 1_000 }, (_, n) => ({ _id: n, k: (n * 7919) % 1_000 }));
  const best = [{ $set: { x: 1 } }, { $sort: { k: -1 } }, { $skip: 2 }, { $limit: 3 }];
  assert.deepEqual(
    aggregate(documents, best).map(({ k }) => k),
    [997, 996, 995],
  );
  const mixed = ["b", 2, null, "a", 1n, { x: 1 }].map((v) => ({ v }));
  assert.deepEqual(
    aggregate(mixed, [{ $unwind: "$v" }, { $sort: { v: 1 } }]).map(({ v }) => v),
    [1n, 2, "a", "b", { x: 1 }],
  );
});

const artwork = [
  {
    _id: 1,
    title: "The Pillars of Society",
    year: 1926,
    price: 199.99,
    tags: ["painting", "satire"],
  },
  { _id: 2, title: "Melancholy III", year: 1902, price: 280, tags: ["woodcut", "Expressionism"] },
  { _id: 3, title: "Dancer", year: 1925, price: 76.04, tags: ["oil", "Surrealism"] },
  { _id: 4, title: "The Great Wave", price: 167.3, tags: ["woodblock", "ukiyo-e"] },
  { _id: 5, title: "Persistence", year: 1931, price: 483, tags: ["Surrealism", "painting", "oil"] },
  { _id: 6, title: "Composition VII", year: 1913, price: 385, tags: ["oil", "painting"] },
  {
    _id: 7,
    title: "The Scream",
    year: 1893,
    price: 159,
    tags: ["Expressionism", "painting", "oil"],
  },
  { _id: 8, title: "Blue Flower", year: 1918, price: 118.42, tags: ["abstract", "painting"] },
];

test("$facet runs several pipelines over the same documents", () => {
  const [result] = aggregate(artwork, [
    {
      $facet: {
        byTags: [{ $unwind: "$tags" }, { $sortByCount: "$tags" }, { $limit: 2 }],
        byPrice: [
          { $match: { price: { $exists: true } } },
          {
            $bucket: {
              groupBy: "$price",
              boundaries: [0, 150, 200, 300, 400],
              default: "Other",
              output: { count: { $sum: 1 }, years: { $push: "$year" } },
            },
          },
        ],
        byYear: [{ $bucketAuto: { groupBy: "$year", buckets: 4 } }],
      },
    },
  ]);
  assert.deepEqual(result, {
    byTags: [
      { _id: "painting", count: 5 },
      { _id: "oil", count: 4 },
    ],
    byPrice: [
      { _id: 0, count: 2, years: [1925, 1918] },
      { _id: 150, count: 3, years: [1926, 1893] },
      { _id: 200, count: 1, years: [1902] },
      { _id: 300, count: 1, years: [1913] },
      { _id: "Other", count: 1, years: [1931] },
    ],
    byYear: [
      { _id: { min: null, max: 1902 }, count: 2 },
      { _id: { min: 1902, max: 1918 }, count: 2 },
      { _id: { min: 1918, max: 1926 }, count: 2 },
      { _id: { min: 1926, max: 1931 }, count: 2 },
    ],
  });
  assert.deepEqual(aggregate([], [{ $facet: { none: [{ $limit: 1 }] } }]), [{ none: [] }]);
});

test("$bucketAuto spreads evenly, keeps equal values together, and rounds to preferred numbers", () => {
  const numbers = (list: number[]) => list.map((n) => ({ n }));
  const auto = (list: number[], options: Document) =>
    aggregate(numbers(list), [{ $bucketAuto: { groupBy: "$n", ...options } }]).map(
      ({ _id, count }) => [(_id as Document).min, (_id as Document).max, count],
    );
  const hundred = Array.from({ length: 100 }, (_, n) => n);
  assert.deepEqual(auto(hundred, { buckets: 5 }), [
    [0, 20, 20],
    [20, 40, 20],
    [40, 60, 20],
    [60, 80, 20],
    [80, 99, 20],
  ]);
  assert.deepEqual(auto(hundred, { buckets: 5, granularity: "R5" }), [
    [0, 25, 25],
    [25, 63, 38],
    [63, 100, 37],
  ]);
  assert.deepEqual(auto(hundred, { buckets: 5, granularity: "POWERSOF2" }), [
    [0, 32, 32],
    [32, 64, 32],
    [64, 128, 36],
  ]);
  assert.deepEqual(auto([1, 1, 1, 2], { buckets: 2 }), [
    [1, 2, 3],
    [2, 2, 1],
  ]);
});

const orders = [
  { _id: 1, item: "almonds", ordered: 60 },
  { _id: 2, item: "pecans", ordered: 120 },
  { _id: 3 },
  { _id: 4, item: ["almonds", "cashews"], ordered: 1 },
];
const inventory = [
  { _id: 1, sku: "almonds", instock: 120 },
  { _id: 2, sku: "bread", instock: 80 },
  { _id: 3, sku: "cashews", instock: 60 },
  { _id: 4, sku: "pecans", instock: 70 },
  { _id: 5, sku: null },
  { _id: 6 },
];

test("$lookup by equality: arrays by their elements, missing as null", () => {
  const joined = aggregate(
    orders,
    [{ $lookup: { from: "inventory", localField: "item", foreignField: "sku", as: "docs" } }],
    { inventory },
  );
  assert.deepEqual(
    joined.map(({ _id, docs }) => [_id, (docs as Document[]).map((found) => found._id)]),
    [
      [1, [1]],
      [2, [4]],
      [3, [5, 6]],
      [4, [1, 3]],
    ],
  );
});

test("$lookup in batches gives each document its own", () => {
  const local = Array.from({ length: 500 }, (_, n) => ({ _id: n, k: n % 10, l: [n % 10, 3] }));
  const foreign = Array.from({ length: 30 }, (_, n) => ({
    _id: n,
    k: [n % 10, 20],
    x: { k: n % 10 },
  }));
  for (const [localField, foreignField] of [
    ["k", "k"],
    ["l", "x.k"],
  ]) {
    const lookup = { from: "foreign", localField, foreignField, as: "found" };
    for (const { k, l, found } of aggregate(local, [{ $lookup: lookup }], { foreign })) {
      const keys = localField === "k" ? [k] : (l as number[]);
      const expected = foreign.filter(({ x }) => keys.includes(x.k));
      assert.deepEqual(found, expected);
    }
  }
});

test("$lookup by pipeline sees the variables of let, in $match $expr and elsewhere", () => {
  const joined = aggregate(
    orders.slice(0, 2),
    [
      {
        $lookup: {
          from: "inventory",
          let: { item: "$item", wanted: "$ordered" },
          pipeline: [
            {
              $match: {
                $expr: { $and: [{ $eq: ["$sku", "$$item"] }, { $gte: ["$instock", "$$wanted"] }] },
              },
            },
            { $project: { _id: 0, left: { $subtract: ["$instock", "$$wanted"] } } },
          ],
          as: "stock",
        },
      },
      { $project: { stock: 1 } },
    ],
    { inventory },
  );
  assert.deepEqual(joined, [
    { _id: 1, stock: [{ left: 60 }] },
    { _id: 2, stock: [] },
  ]);
});

test("$lookup with fields and a pipeline, and pipelines inside pipelines", () => {
  const [joined] = aggregate(
    orders.slice(0, 1),
    [
      {
        $lookup: {
          from: "inventory",
          localField: "item",
          foreignField: "sku",
          let: { ordered: "$ordered" },
          pipeline: [
            {
              $lookup: {
                from: "inventory",
                let: { sku: "$sku" },
                pipeline: [
                  { $match: { $expr: { $ne: ["$sku", "$$sku"] } } },
                  { $set: { x: "$$ordered" } },
                  { $limit: 1 },
                ],
                as: "other",
              },
            },
          ],
          as: "docs",
        },
      },
    ],
    { inventory },
  );
  const docs = joined!.docs as Document[];
  assert.deepEqual(docs, [
    { ...inventory[0], other: [{ _id: 2, sku: "bread", instock: 80, x: 60 }] },
  ]);
});

test("$graphLookup walks a graph, with depths, once for each document", () => {
  const employees = [
    { _id: 1, name: "Dev" },
    { _id: 2, name: "Eliot", reportsTo: "Dev" },
    { _id: 3, name: "Ron", reportsTo: "Eliot" },
    { _id: 4, name: "Andrew", reportsTo: "Eliot" },
    { _id: 5, name: "Asya", reportsTo: "Ron" },
  ];
  const graph = {
    from: "employees",
    startWith: "$reportsTo",
    connectFromField: "reportsTo",
    connectToField: "name",
    as: "chain",
  };
  const [asya] = aggregate(
    employees,
    [{ $match: { _id: 5 } }, { $graphLookup: { ...graph, depthField: "depth" } }],
    { employees },
  );
  assert.deepEqual(asya!.chain, [
    { _id: 3, name: "Ron", reportsTo: "Eliot", depth: 0 },
    { _id: 2, name: "Eliot", reportsTo: "Dev", depth: 1 },
    { _id: 1, name: "Dev", depth: 2 },
  ]);
  const [limited] = aggregate(
    employees,
    [
      { $match: { _id: 5 } },
      {
        $graphLookup: {
          ...graph,
          maxDepth: 1,
          restrictSearchWithMatch: { name: { $ne: "Eliot" } },
        },
      },
    ],
    { employees },
  );
  assert.deepEqual(
    (limited!.chain as Document[]).map(({ name }) => name),
    ["Ron"],
  );
  const ring = [
    { _id: 1, name: "a", reportsTo: "b" },
    { _id: 2, name: "b", reportsTo: "a" },
  ];
  const [round] = aggregate(ring, [{ $graphLookup: graph }], { employees: ring });
  assert.equal((round!.chain as Document[]).length, 2);
});

test("$unionWith and $documents", () => {
  const others = {
    more: [
      { _id: 9, k: 1 },
      { _id: 8, k: 2 },
    ],
  };
  assert.deepEqual(
    aggregate(
      [{ _id: 1 }],
      [{ $unionWith: { coll: "more", pipeline: [{ $match: { k: 2 } }] } }],
      others,
    ),
    [{ _id: 1 }, { _id: 8, k: 2 }],
  );
  assert.deepEqual(
    aggregate([], [{ $documents: [{ x: 1 }, { x: { $add: [1, 1] } }] }, { $match: { x: 2 } }]),
    [{ x: 2 }],
  );
  assert.deepEqual(
    aggregate([{ a: 1 }], [{ $unionWith: { pipeline: [{ $documents: [{ a: 2 }] }] } }]),
    [{ a: 1 }, { a: 2 }],
  );
});

test("$redact descends, keeps and prunes", () => {
  const document = {
    _id: 1,
    tags: ["G", "STLW"],
    year: 2014,
    subsections: [
      { subtitle: "1", tags: ["SI", "G"] },
      { subtitle: "2", tags: ["STLW"] },
      { subtitle: "3", tags: ["TK"], content: { tags: ["HCS"] } },
    ],
  };
  const condition = { $gt: [{ $size: { $setIntersection: ["$tags", ["STLW", "G"]] } }, 0] };
  const redact = { $cond: [condition, "$$DESCEND", "$$PRUNE"] };
  assert.deepEqual(aggregate([document], [{ $match: { year: 2014 } }, { $redact: redact }]), [
    {
      _id: 1,
      tags: ["G", "STLW"],
      year: 2014,
      subsections: [
        { subtitle: "1", tags: ["SI", "G"] },
        { subtitle: "2", tags: ["STLW"] },
      ],
    },
  ]);
});
