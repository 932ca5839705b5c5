import assert from "node:assert/strict";
import { test } from "node:test";
import { windowFunctions } from "../../../../src/query/aggregate/window-functions.js";
import type { Document } from "../../../../src/values/document.js";
import { aggregate } from "./in-memory.js";

const sales = [
  { _id: 0, state: "CA", year: 2019, quantity: 162 },
  { _id: 1, state: "WA", year: 2019, quantity: 134 },
  { _id: 2, state: "CA", year: 2020, quantity: 120 },
  { _id: 3, state: "WA", year: 2020, quantity: 104 },
  { _id: 4, state: "CA", year: 2021, quantity: 145 },
  { _id: 5, state: "WA", year: 2021, quantity: 140 },
];

/** One output field, in the order of the result. */
function column(documents: Document[], output: Document, sortBy?: Document, partitionBy?: unknown) {
  const stage = {
    output: { r: output },
    ...(sortBy && { sortBy }),
    ...(partitionBy ? { partitionBy } : {}),
  };
  return aggregate(documents, [{ $setWindowFields: stage }]).map(({ r }) => r);
}

const numbers = (...values: unknown[]) => values.map((v, t) => ({ t, v }));

test("a cumulative sum by state, as in the manual", () => {
  const window = { documents: ["unbounded", "current"] };
  assert.deepEqual(
    column(sales, { $sum: "$quantity", window }, { year: 1 }, "$state"),
    [162, 282, 427, 134, 238, 378],
  );
});

test("windows by documents, moving and growing", () => {
  const data = numbers(1, 2, 3, 4);
  const over = (documents: unknown[], name = "$sum") =>
    column(data, { [name]: "$v", window: { documents } }, { t: 1 });
  assert.deepEqual(over([-1, 0]), [1, 3, 5, 7]);
  assert.deepEqual(over(["current", 1]), [3, 5, 7, 4]);
  assert.deepEqual(over(["unbounded", "unbounded"]), [10, 10, 10, 10]);
  assert.deepEqual(over(["current", "unbounded"], "$max"), [4, 4, 4, 4]);
  assert.deepEqual(over([-3, -2], "$push"), [[], [], [1], [1, 2]]);
  assert.deepEqual(over(["unbounded", "current"], "$push"), [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]);
  assert.deepEqual(column(data, { $avg: "$v" }), [2.5, 2.5, 2.5, 2.5]);
});

test("windows by range, of numbers and of time", () => {
  const data = [1, 2, 4, 7, 8].map((t) => ({ t, at: new Date(Date.UTC(2024, t, 31)) }));
  assert.deepEqual(column(data, { $push: "$t", window: { range: [-2, 0] } }, { t: 1 }), [
    [1],
    [1, 2],
    [2, 4],
    [7],
    [7, 8],
  ]);
  const months = { range: [-1, 0], unit: "month" };
  const dates = [0, 1, 2, 5].map((month) => ({
    m: month,
    at: new Date(Date.UTC(2024, month, 15)),
  }));
  assert.deepEqual(column(dates, { $push: "$m", window: months }, { at: 1 }), [
    [0],
    [0, 1],
    [1, 2],
    [5],
  ]);
  const window = { range: [-1, 0] };
  assert.throws(() => column([{ t: "x" }], { $sum: 1, window }, { t: 1 }), { code: 14 });
  assert.throws(() => column(data, { $sum: 1, window }, { t: -1 }), { code: 9 });
});

test("a window by months that ends before the one in front of it holds nothing from behind its end", () => {
  const days: [month: number, day: number, hour: number][] = [
    [0, 30, 12],
    [0, 31, 10],
    [1, 29, 11],
  ];
  const dates = days.map(([month, day, hour]) => ({
    d: day,
    at: new Date(Date.UTC(2024, month, day, hour)),
  }));
  const window = { range: ["unbounded", 1], unit: "month" };
  assert.deepEqual(column(dates, { $push: "$d", window }, { at: 1 }), [
    [30, 31, 29],
    [30, 31],
    [30, 31, 29],
  ]);
});

test("ranks and numbers", () => {
  const data = [5, 3, 5, 1].map((v, _id) => ({ _id, v }));
  assert.deepEqual(column(data, { $rank: {} }, { v: -1 }), [1, 1, 3, 4]);
  assert.deepEqual(column(data, { $denseRank: {} }, { v: -1 }), [1, 1, 2, 3]);
  assert.deepEqual(column(data, { $documentNumber: {} }, { v: -1 }), [1, 2, 3, 4]);
});

test("$shift, $locf, $linearFill and $expMovingAvg", () => {
  const shift = { output: "$v", by: 1, default: "end" };
  assert.deepEqual(column(numbers(1, 2, 3), { $shift: shift }, { t: 1 }), [2, 3, "end"]);
  const gaps = numbers(null, 1, null, null, 4, null);
  assert.deepEqual(column(gaps, { $locf: "$v" }, { t: 1 }), [null, 1, 1, 1, 4, 4]);
  assert.deepEqual(column(gaps, { $linearFill: "$v" }, { t: 1 }), [null, 1, 2, 3, 4, null]);
  const prices = numbers(13, 15.4, 12, 11.7, 82, 94);
  const averages = column(prices, { $expMovingAvg: { input: "$v", N: 2 } }, { t: 1 }) as number[];
  assert.deepEqual(
    averages.map((one) => Math.round(one * 1_000) / 1_000),
    [13, 14.6, 12.867, 12.089, 58.696, 82.232],
  );
});

test("$derivative and $integral over time", () => {
  const data = [0, 1, 2].map((hour) => ({
    at: new Date(Date.UTC(2024, 0, 1, hour)),
    miles: hour ** 2,
  }));
  const window = { documents: [-1, 0] };
  const rate = { $derivative: { input: "$miles", unit: "hour" }, window };
  assert.deepEqual(column(data, rate, { at: 1 }), [null, 1, 3]);
  const area = {
    $integral: { input: "$miles", unit: "hour" },
    window: { documents: ["unbounded", "current"] },
  };
  assert.deepEqual(column(data, area, { at: 1 }), [0, 0.5, 3]);
  assert.throws(() => column(data, { $derivative: { input: "$miles" }, window }, { at: 1 }), {
    code: 14,
  });
});

test("$covariancePop and $covarianceSamp", () => {
  const data = [1, 2, 3].map((v) => ({ v, w: 2 * v }));
  const pop = column(data, { $covariancePop: ["$v", "$w"] }) as number[];
  assert.ok(Math.abs(pop[0]! - 4 / 3) < 1e-12);
  assert.deepEqual(column(data, { $covarianceSamp: ["$v", "$w"] }), [2, 2, 2]);
});

test("$minMaxScaler over the partition, as in the manual", () => {
  const data = [1, 5, 13, 21].map((a, _id) => ({ _id, a }));
  assert.deepEqual(column(data, { $minMaxScaler: "$a" }), [0, 0.2, 0.6, 1]);
  const scaled = (operand: Document) => column(data, { $minMaxScaler: operand }, { a: 1 });
  assert.deepEqual(scaled({ input: "$a", min: 0, max: 100 }), [0, 20, 60, 100]);
  assert.deepEqual(scaled({ input: { $multiply: ["$a", -1] }, max: 10 }), [10, 8, 4, 0]);
  assert.deepEqual(scaled({ $add: ["$a", 0.5] }), [0, 0.2, 0.6, 1]);
  const bounds = { min: { $subtract: [0, 1] }, max: 1n };
  assert.deepEqual(scaled({ input: "$a", ...bounds }), [-1, -0.6, 0.19999999999999996, 1]);
  assert.deepEqual(column(sales, { $minMaxScaler: "$quantity" }, { year: 1 }, "$state"), [
    1,
    0,
    25 / 42,
    30 / 36,
    0,
    1,
  ]);
});

test("$minMaxScaler over windows that move, grow and shrink", () => {
  const data = numbers(4, 2, 8, 5);
  const over = (documents: unknown[]) =>
    column(data, { $minMaxScaler: "$v", window: { documents } }, { t: 1 });
  assert.deepEqual(over([-1, 0]), [0, 0, 1, 0]);
  assert.deepEqual(over(["unbounded", "current"]), [0, 0, 1, 0.5]);
  assert.deepEqual(over(["current", "unbounded"]), [1 / 3, 0, 1, 0]);
  assert.deepEqual(over(["unbounded", 1]), [1, 0, 1, 0.5]);
  const range = { $minMaxScaler: "$t", window: { range: [-2, 1] } };
  const times = [1, 2, 4, 7].map((t) => ({ t }));
  assert.deepEqual(column(times, range, { t: 1 }), [0, 1, 1, 0]);
});

test("$minMaxScaler of equal, very large and wrong values", () => {
  const scaled = (values: unknown[], parts: Document = {}) =>
    column(numbers(...values), { $minMaxScaler: { input: "$v", ...parts } });
  assert.deepEqual(scaled([3, 3n, 3], { min: 2, max: 5 }), [2, 2, 2]);
  assert.deepEqual(scaled([]), []);
  const big = 2n ** 62n;
  assert.deepEqual(scaled([-big, big, -big + 1n, 0n]), [0, 1, 2 ** -63, 0.5]);
  assert.deepEqual(scaled([big, big + 2n, big + 1n]), [0, 1, 0.5]);
  for (const value of ["x", null, [], [1], undefined]) {
    assert.throws(() => scaled([1, value]), { code: 14, message: /\$minMaxScaler/ });
  }
});

test("$minMaxScaler looks at each number once while windows stay or grow", () => {
  const data = numbers(...Array.from({ length: 1_000 }, (_, at) => at));
  for (const documents of [
    ["unbounded", "unbounded"],
    ["unbounded", "current"],
  ]) {
    let steps = 0;
    const control = {
      step() {
        steps += 1;
      },
      pass() {},
    };
    const output = { r: { $minMaxScaler: "$v", window: { documents } } };
    const stage = { $setWindowFields: { sortBy: { t: 1 }, output } };
    assert.deepEqual(aggregate(data, [stage], {}, { control }).at(-1)!.r, 1);
    assert.ok(steps <= data.length, `${steps} steps`);
  }
});

test("what a window function cannot have is refused by name", () => {
  const window = { documents: [0, 1] };
  const wrong: [Document, Document | undefined, RegExp][] = [
    [{ $rank: {} }, undefined, /\$rank requires a sortBy/],
    [{ $rank: {}, window }, { v: 1 }, /\$rank does not accept/],
    [{ $foo: 1 }, { v: 1 }, /\$foo/],
    [{ $sum: 1, window: { documents: [1, 0] } }, { v: 1 }, /lower bound/],
    [{ $sum: 1, window: { documents: [1.5, 2] } }, { v: 1 }, /integers/],
    [{ $sum: 1, window: { documents: [0, 1], range: [0, 1] } }, { v: 1 }, /either/],
    [{ $sum: 1, $avg: 1 }, { v: 1 }, /exactly one/],
    [{ $expMovingAvg: { input: "$v", N: 2, alpha: 0.5 } }, { v: 1 }, /either 'N'/],
    [{ $minMaxScaler: { min: 0, max: 1 } }, undefined, /\$minMaxScaler requires 'input'/],
    [{ $minMaxScaler: { input: "$v", mix: 1 } }, undefined, /\$minMaxScaler: mix/],
    [{ $minMaxScaler: { input: "$v", min: "$v" } }, undefined, /'min' of \$minMaxScaler/],
    [{ $minMaxScaler: { input: "$v", min: 1 } }, undefined, /'max' of \$minMaxScaler/],
    [{ $minMaxScaler: "$v", window: { documents: [1, 2] } }, { v: 1 }, /current document/],
    [{ $minMaxScaler: "$v", window: { range: [-2, -1] } }, { v: 1 }, /current document/],
  ];
  for (const [output, sortBy, message] of wrong) {
    assert.throws(() => column(numbers(1), output, sortBy), { code: 9, message });
  }
});

test("$fill by value, by the last observation and by lines", () => {
  const days = [
    { _id: 1, day: 1, shop: "a", sold: 10 },
    { _id: 2, day: 2, shop: "a", sold: null },
    { _id: 3, day: 3, shop: "a", sold: 20, note: "x" },
    { _id: 4, day: 1, shop: "b" },
  ];
  const filled = (output: Document) =>
    aggregate(days, [{ $fill: { partitionByFields: ["shop"], sortBy: { day: 1 }, output } }]);
  assert.deepEqual(
    filled({ sold: { method: "linear" }, note: { value: "none" } }).map(({ sold, note }) => [
      sold,
      note,
    ]),
    [
      [10, "none"],
      [15, "none"],
      [20, "x"],
      [null, "none"],
    ],
  );
  assert.deepEqual(
    filled({ sold: { method: "locf" } }).map(({ sold }) => sold),
    [10, 10, 20, null],
  );
  assert.throws(() => filled({ sold: { method: "guess" } }), { code: 9 });
});

test("$densify fills ranges of numbers and of time, by partition", () => {
  const hours = [0, 1, 4].map((hour) => ({
    at: new Date(Date.UTC(2021, 4, 18, hour)),
    temp: hour,
  }));
  const hourly = { field: "at", range: { step: 1, unit: "hour", bounds: "full" } };
  assert.deepEqual(
    aggregate(hours, [{ $densify: hourly }]).map(({ at, temp }) => [
      (at as Date).getUTCHours(),
      temp,
    ]),
    [
      [0, 0],
      [1, 1],
      [2, undefined],
      [3, undefined],
      [4, 4],
    ],
  );
  const altitudes = [
    { altitude: 600, variety: "Arabica", score: 1 },
    { altitude: 750, variety: "Arabica" },
    { altitude: 950, variety: "Arabica" },
    { altitude: 1250, variety: "Gesha" },
    { altitude: 1700, variety: "Gesha" },
    { altitude: null, variety: "Gesha" },
  ];
  const densified = (bounds: unknown) =>
    aggregate(altitudes, [
      {
        $densify: {
          field: "altitude",
          partitionByFields: ["variety"],
          range: { step: 200, bounds },
        },
      },
    ]).map(({ altitude, variety }) => [(variety as string)[0], altitude]);
  assert.deepEqual(densified("partition"), [
    ["G", null],
    ["A", 600],
    ["A", 750],
    ["A", 800],
    ["A", 950],
    ["G", 1250],
    ["G", 1450],
    ["G", 1650],
    ["G", 1700],
  ]);
  assert.equal(densified("full").length, 1 + 8 + 8);
  assert.deepEqual(
    densified([900, 1300]).filter(([, altitude]) => altitude === 900),
    [
      ["A", 900],
      ["G", 900],
    ],
  );
  const months = { field: "at", range: { step: 1, unit: "month", bounds: "full" } };
  const ends = [0, 3].map((month) => ({
    at: new Date(Date.UTC(2024, month, month === 0 ? 31 : 30)),
  }));
  assert.deepEqual(
    aggregate(ends, [{ $densify: months }]).map(({ at }) =>
      (at as Date).toISOString().slice(0, 10),
    ),
    ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"],
  );
  const far = { field: "n", range: { step: 1, bounds: [0, 1e9] } };
  assert.throws(() => aggregate([{ n: 1 }], [{ $densify: far }]), {
    code: 2,
    message: /\$densify/,
  });
  assert.throws(() => aggregate([{ n: "x" }], [{ $densify: far }]), { code: 14 });
});

test("every window function is in a test", () => {
  const tested = [
    "$rank",
    "$denseRank",
    "$documentNumber",
    "$shift",
    "$locf",
    "$linearFill",
    "$expMovingAvg",
    "$derivative",
    "$integral",
    "$minMaxScaler",
  ];
  assert.deepEqual(Object.keys(windowFunctions).sort(), tested.sort());
});
