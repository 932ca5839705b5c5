/** Results of operators as MongoDB's manual gives them, where libraries are known to differ. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../../src/errors.js";
import { compileExpression } from "../../../src/query/expression.js";
import type { Document } from "../../../src/values/document.js";

const at = (text: string) => new Date(text);
const document: Document = {
  leap: at("2024-02-29T23:30:15.123Z"),
  big: 9_007_199_254_740_993n,
  smile: "a😀b",
  nothing: null,
  scores: [2, 4, 4, "x", 4, 5, null, 5n, 7, [100], 9],
};

function evaluated(expression: unknown): unknown {
  return compileExpression(expression)(document);
}

const values: [expression: unknown, expected: unknown][] = [
  // Dates: https://www.mongodb.com/docs/manual/reference/operator/aggregation/#date-expression-operators
  [{ $year: "$leap" }, 2024],
  [{ $year: ["$leap"] }, 2024],
  [{ $hour: "$gone" }, null],
  [{ $hour: { date: "$leap", timezone: "$gone" } }, null],
  [{ $month: { date: "$leap", timezone: "Asia/Tokyo" } }, 3],
  [{ $hour: { date: "$leap", timezone: "+0530" } }, 5],
  [{ $dayOfMonth: { date: "$leap", timezone: "+05:30" } }, 1],
  [{ $hour: { date: "$leap", timezone: "-03" } }, 20],
  [{ $dayOfWeek: "$leap" }, 5],
  [{ $dayOfYear: "$leap" }, 60],
  [{ $week: "$leap" }, 8],
  [{ $week: at("2017-01-01T00:00:00Z") }, 1],
  [{ $week: at("2016-01-02T00:00:00Z") }, 0],
  [{ $isoWeek: at("2017-01-01T00:00:00Z") }, 52],
  [{ $isoWeekYear: at("2021-01-01T00:00:00Z") }, 2020],
  [{ $isoDayOfWeek: at("2017-01-01T00:00:00Z") }, 7],
  [{ $dateToString: { date: "$leap" } }, "2024-02-29T23:30:15.123Z"],
  [{ $dateToString: { date: "$leap", timezone: "+01" } }, "2024-03-01T00:30:15.123"],
  [
    { $dateToString: { date: "$leap", format: "%H:%M %z %Z", timezone: "Europe/Berlin" } },
    "00:30 +0100 +060",
  ],
  [
    { $dateToString: { date: "$leap", format: "%j %u %V %G %w %U %b %%" } },
    "060 4 09 2024 5 08 Feb %",
  ],
  [{ $dateToString: { date: "$gone" } }, null],
  [{ $dateToString: { date: "$gone", onNull: "none" } }, "none"],
  [{ $dateFromString: { dateString: "2017-02-08T12:10:40.787" } }, at("2017-02-08T12:10:40.787Z")],
  [
    { $dateFromString: { dateString: "2017-02-08T12:10:40", timezone: "America/New_York" } },
    at("2017-02-08T17:10:40Z"),
  ],
  [{ $dateFromString: { dateString: "2024-05-05T10:00:00+02:00" } }, at("2024-05-05T08:00:00Z")],
  [{ $dateFromString: { dateString: "2018-03-20 11:00:06 +0500" } }, at("2018-03-20T06:00:06Z")],
  [{ $dateFromString: { dateString: "2017-02-08" } }, at("2017-02-08T00:00:00Z")],
  [
    { $dateFromString: { dateString: "06-15-2018", format: "%m-%d-%Y" } },
    at("2018-06-15T00:00:00Z"),
  ],
  [
    { $dateFromString: { dateString: "15 jun 2018 08h", format: "%d %b %Y %Hh" } },
    at("2018-06-15T08:00:00Z"),
  ],
  [{ $dateFromString: { dateString: "2024-02-30", onError: "wrong" } }, "wrong"],
  [{ $dateFromString: { dateString: "$gone", onNull: "none" } }, "none"],
  [
    { $dateFromParts: { isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 3, hour: 12 } },
    at("2017-02-08T12:00:00Z"),
  ],
  [{ $dateFromParts: { year: 2017, month: 14, day: 1, hour: 12 } }, at("2018-02-01T12:00:00Z")],
  [{ $dateFromParts: { year: 2017, month: 0 } }, at("2016-12-01T00:00:00Z")],
  [
    {
      $dateFromParts: {
        ...{ year: 2016, month: 12, day: 31, hour: 23, minute: 46, second: 12 },
        timezone: "America/New_York",
      },
    },
    at("2017-01-01T04:46:12Z"),
  ],
  [{ $dateFromParts: { year: 2017, month: "$gone" } }, null],
  [
    { $dateAdd: { startDate: at("2024-01-31T00:00:00Z"), unit: "month", amount: 1 } },
    at("2024-02-29T00:00:00Z"),
  ],
  [
    {
      $dateAdd: {
        ...{ startDate: at("2020-10-24T10:00:00Z"), unit: "day", amount: 1 },
        timezone: "Europe/Paris",
      },
    },
    at("2020-10-25T11:00:00Z"),
  ],
  [
    {
      $dateAdd: {
        ...{ startDate: at("2020-10-24T10:00:00Z"), unit: "hour", amount: 24 },
        timezone: "Europe/Paris",
      },
    },
    at("2020-10-25T10:00:00Z"),
  ],
  [
    { $dateSubtract: { startDate: at("2024-03-31T12:00:00Z"), unit: "month", amount: 1 } },
    at("2024-02-29T12:00:00Z"),
  ],
  [{ $dateAdd: { startDate: "$gone", unit: "day", amount: 1 } }, null],
  [{ $dateDiff: { startDate: "$gone", endDate: "$leap", unit: "day" } }, null],
  [
    {
      $dateDiff: {
        startDate: at("2020-12-31T23:00Z"),
        endDate: at("2021-01-01T01:00Z"),
        unit: "year",
      },
    },
    1,
  ],
  [
    {
      $dateDiff: {
        startDate: at("2021-01-01T00:00Z"),
        endDate: at("2021-01-10T00:00Z"),
        unit: "week",
      },
    },
    2,
  ],
  [
    {
      $dateDiff: {
        ...{ startDate: at("2021-01-01T00:00Z"), endDate: at("2021-01-10T00:00Z") },
        ...{ unit: "week", startOfWeek: "Friday" },
      },
    },
    1,
  ],
  [
    {
      $dateDiff: {
        ...{ startDate: at("2021-03-28T00:00Z"), endDate: at("2021-03-28T02:00Z") },
        ...{ unit: "hour", timezone: "Europe/Berlin" },
      },
    },
    2,
  ],
  // Numbers: halves go to the even neighbour, a bigint stays one.
  [{ $round: [2.5] }, 2],
  [{ $round: [-3.5] }, -4],
  [{ $round: [15, -1] }, 20],
  [{ $round: [25n, -1] }, 20n],
  [{ $round: [2.675, 2] }, 2.67],
  [{ $round: [1_234.5678, 2] }, 1_234.57],
  [{ $round: [1e300, 2] }, 1e300],
  [{ $trunc: [-12.345, 1] }, -12.3],
  [{ $trunc: "$gone" }, null],
  [{ $mod: ["$big", 10] }, 3n],
  [{ $mod: [-7, 3] }, -1],
  [{ $abs: -5n }, 5n],
  [{ $floor: "$big" }, document.big],
  [{ $pow: [3n, 2] }, 9n],
  [{ $pow: [2n, 64] }, 2 ** 64],
  // Statistics: what is no number is passed over; the only operand may be an array of numbers.
  [{ $stdDevPop: "$scores" }, 2],
  [{ $stdDevPop: [1, 3, "$scores", "$gone"] }, 1],
  [{ $stdDevPop: 5 }, 0],
  [{ $stdDevPop: "$gone" }, null],
  [{ $stdDevSamp: [[1, 2, 3n]] }, 1],
  [{ $stdDevSamp: [5] }, null],
  [{ $stdDevSamp: [["x"]] }, null],
  [{ $median: { input: "$scores", method: "approximate" } }, 4],
  [{ $median: { input: ["$big", 1, Number.NaN, 3], method: "approximate" } }, 3],
  [{ $median: { input: "$gone", method: "approximate" } }, null],
  [{ $median: { input: 7n, method: "approximate" } }, 7],
  [{ $percentile: { input: "$scores", p: [0, 0.95, 0.5], method: "approximate" } }, [2, 9, 4]],
  [{ $percentile: { input: "$scores", p: [{ $divide: [1, 4] }], method: "approximate" } }, [4]],
  [{ $percentile: { input: ["x"], p: [0.5, 1], method: "approximate" } }, [null, null]],
  // Strings: https://www.mongodb.com/docs/manual/reference/operator/aggregation/#string-expression-operators
  [{ $toUpper: "$nothing" }, ""],
  [{ $toLower: "$gone" }, ""],
  [{ $strcasecmp: ["$nothing", ""] }, 0],
  [{ $concat: "only" }, "only"],
  [{ $concat: ["a", "$gone"] }, null],
  [{ $substr: ["hello", 1, -1] }, "ello"],
  [{ $substrBytes: ["$smile", 1, 4] }, "😀"],
  [{ $substrCP: [123, 0, 2] }, "12"],
  [{ $indexOfBytes: ["$smile", "b"] }, 5],
  [{ $indexOfCP: ["$smile", "b"] }, 2],
  [{ $indexOfCP: ["foobarfoobar", "foo", 1] }, 6],
  [{ $indexOfBytes: ["foo", "foo", 0, 2] }, -1],
  [{ $indexOfBytes: ["$gone", "foo"] }, null],
  // Arrays, sets and objects.
  [{ $range: [0, 10, 3] }, [0, 3, 6, 9]],
  [{ $range: [5n, 0, -2] }, [5, 3, 1]],
  [{ $range: [5, 0] }, []],
  [{ $concatArrays: [[1], [[2]], []] }, [1, [2]]],
  [{ $concatArrays: [[1], "$gone"] }, null],
  [{ $zip: { inputs: [[1, 2, 3], ["a"]] } }, [[1, "a"]]],
  [
    { $zip: { inputs: [[1, null], ["a"]], useLongestLength: true } },
    [
      [1, "a"],
      [null, null],
    ],
  ],
  [
    { $zip: { inputs: [[1, null], ["a"]], useLongestLength: true, defaults: [0, "d"] } },
    [
      [1, "a"],
      [null, "d"],
    ],
  ],
  [{ $zip: { inputs: [[1], "$gone"] } }, null],
  [{ $setUnion: [[1], "$gone"] }, null],
  [{ $setUnion: [[1, 1n], [2]] }, [1, 2]],
  [
    {
      $setIntersection: [
        [1, 2, 2],
        [2n, 3],
      ],
    },
    [2],
  ],
  [
    {
      $setEquals: [
        [1, 2, 1],
        [2, 1],
      ],
    },
    true,
  ],
  [{ $setIsSubset: [[{ a: 1 }], [{ a: 1 }, 2]] }, true],
  [
    {
      $arrayToObject: [
        [
          ["a", 1],
          ["b", 2],
        ],
      ],
    },
    { a: 1, b: 2 },
  ],
  [{ $arrayToObject: [[{ k: "a", v: 1 }]] }, { a: 1 }],
  [{ $mergeObjects: [{ a: 1 }, "$gone", { a: 2 }] }, { a: 2 }],
];

test("operators give what MongoDB gives", () => {
  for (const [expression, expected] of values) {
    assert.deepEqual(evaluated(expression), expected, JSON.stringify(expression, shown));
  }
});

const failures: [expression: unknown, code: ErrorCode, message: RegExp][] = [
  [{ $mod: [7, 0] }, 2, /\$mod by zero/],
  [{ $ln: 0 }, 2, /\$ln/],
  [{ $log: [8, 1] }, 2, /\$log/],
  [{ $sqrt: -1 }, 2, /\$sqrt/],
  [{ $abs: "x" }, 2, /\$abs .*string/],
  [{ $round: [1, 200] }, 2, /\$round/],
  [{ $median: { input: "$scores" } }, 9, /'method' parameter to \$median/],
  [{ $median: { input: "$scores", method: "exact" } }, 2, /\$median 'method'/],
  [{ $median: { input: 1, p: [0.5], method: "approximate" } }, 9, /\$median: p/],
  [{ $percentile: { input: 1, p: [], method: "approximate" } }, 2, /\$percentile 'p'/],
  [{ $percentile: { input: 1, p: 0.5, method: "approximate" } }, 2, /\$percentile 'p'/],
  [{ $percentile: { input: 1, p: [1.5], method: "approximate" } }, 2, /\$percentile 'p'/],
  [{ $percentile: { input: 1, p: "$scores", method: "approximate" } }, 2, /\$percentile 'p'/],
  [{ $percentile: { input: 1, p: [0.5], method: "discrete" } }, 2, /\$percentile 'method'/],
  [{ $hour: "text" }, 2, /\$hour.*string/],
  [{ $hour: { date: "$leap", zone: "UTC" } }, 9, /\$hour: zone/],
  [{ $hour: { date: "$leap", timezone: "Nowhere/Else" } }, 2, /Nowhere\/Else/],
  [{ $dateToString: { date: "$leap", format: "%q" } }, 2, /%q/],
  [{ $dateFromString: { dateString: "soon" } }, 2, /soon/],
  [{ $dateFromString: { dateString: "2024-13-01" } }, 2, /2024-13-01/],
  [{ $dateFromParts: { year: 0 } }, 2, /\$dateFromParts .*year/],
  [{ $dateFromParts: { month: 1 } }, 9, /'year'/],
  [{ $dateAdd: { startDate: "$leap", unit: "week", amount: 1.5 } }, 2, /\$dateAdd .*amount/],
  [{ $dateAdd: { startDate: "$leap", unit: "age", amount: 1 } }, 2, /\$dateAdd: .*age/],
  [{ $range: [0, 2.5] }, 2, /\$range .*end/],
  [{ $range: ["$gone", 5] }, 2, /\$range .*start/],
  [{ $range: [0, 5, 0] }, 2, /\$range .*step/],
  [{ $range: [0, 10_000_000] }, 292, /\$range/],
  [
    {
      $reduce: {
        ...{ input: { $range: [0, 40] }, initialValue: [1] },
        in: { $concatArrays: ["$$value", "$$value"] },
      },
    },
    292,
    /\$concatArrays/,
  ],
  [{ $concatArrays: [[1], 2] }, 2, /\$concatArrays .*int/],
  [{ $trim: { input: "x", char: "x" } }, 9, /\$trim: char/],
  [{ $dateTrunc: { date: "$leap" } }, 9, /'unit' parameter to \$dateTrunc/],
  [{ $convert: { input: 1, to: "int", onEror: 1 } }, 9, /\$convert: onEror/],
  [{ $zip: {} }, 9, /'inputs' parameter to \$zip/],
  [{ $zip: { inputs: [] } }, 9, /\$zip .*'inputs'/],
  [{ $zip: { inputs: [[1], 2] } }, 2, /\$zip .*int/],
  [{ $zip: { inputs: [[1]], useLongestLength: 1 } }, 9, /\$zip .*'useLongestLength'/],
  [{ $zip: { inputs: [[1]], defaults: [1] } }, 9, /\$zip .*'defaults'/],
  [{ $zip: { inputs: [[1]], useLongestLength: true, defaults: [] } }, 9, /\$zip .*'defaults'/],
  [{ $zip: { inputs: [{ $range: [0, 6_000_000] }, { $range: [0, 6_000_000] }] } }, 292, /\$zip/],
  [{ $size: "$gone" }, 2, /\$size .*missing/],
  [{ $mergeObjects: [1] }, 2, /\$mergeObjects/],
  [{ $arrayToObject: [[[1, 2]]] }, 2, /\$arrayToObject/],
  [{ $split: ["a", ""] }, 2, /\$split/],
  [{ $concat: ["a", 1] }, 2, /\$concat .*int/],
  [{ $substrBytes: ["$smile", 2, 1] }, 2, /\$substrBytes/],
];

test("operators refuse what MongoDB refuses, and say which operator it was", () => {
  for (const [expression, code, message] of failures) {
    assert.throws(() => evaluated(expression), { code, message }, JSON.stringify(expression));
  }
});

test("a wrong p or method is refused before any document is read", () => {
  const method = "exact";
  assert.throws(() => compileExpression({ $median: { input: "$scores", method } }), { code: 2 });
  const p = ["$big"];
  const wrong = { $percentile: { input: "$scores", p, method: "approximate" } };
  assert.throws(() => compileExpression(wrong), { code: 2 });
});

test("$dateToParts has the largest part first", () => {
  assert.deepEqual(Object.entries(evaluated({ $dateToParts: { date: "$leap" } }) as Document), [
    ["year", 2024],
    ["month", 2],
    ["day", 29],
    ["hour", 23],
    ["minute", 30],
    ["second", 15],
    ["millisecond", 123],
  ]);
  const iso = evaluated({ $dateToParts: { date: "$leap", iso8601: true, timezone: "+01" } });
  assert.deepEqual(Object.values(iso as Document), [2024, 9, 5, 0, 30, 15, 123]);
});

function shown(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
