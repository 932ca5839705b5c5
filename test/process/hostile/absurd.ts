/** Values that nobody should send, and operations and arguments made of them. What they are follows from the seed. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeDocument } from "../../../src/storage/document.js";
import type { Random } from "../../support/soak.js";
import { compiledTests } from "../site.js";

type Fields = Record<string, unknown>;

const repository = dirname(dirname(compiledTests));

/** Every operator, stage and variable that the query language knows, and some that it does not. */
export const operators: readonly string[] = [...operatorNames(), "$", "$nonsense", "$$", "$where"];

function operatorNames(): Set<string> {
  const names = new Set<string>();
  const folder = join(repository, "src/query");
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".ts")) continue;
    const source = readFileSync(join(folder, entry), "utf8");
    for (const [, name] of source.matchAll(/["'` ](\$[a-zA-Z]\w*)/g)) names.add(name!);
  }
  return names;
}

const texts = [
  "",
  " ",
  ".",
  "..",
  "../../etc/passwd",
  "a/b",
  "a.b",
  "a..b",
  ".a",
  "a.",
  "\0",
  "a\0b",
  "__proto__",
  "constructor",
  "prototype",
  "__proto__.polluted",
  "constructor.prototype.polluted",
  "toString",
  "hasOwnProperty",
  "$",
  "$a",
  "$$ROOT",
  "$$CURRENT.a",
  "$$nonsense",
  "$.a",
  "a.$",
  "a.$[]",
  "a.$[x].b",
  "0",
  "-1",
  "4294967295",
  "1e9",
  "\ud800",
  "\udc00a",
  "\u202e",
  "a\u0301",
  "\uffff",
  "😀",
  "x".repeat(300),
  "y".repeat(5_000),
  "a.".repeat(300),
  "(a+)+$",
  "(",
  "[",
  "(?<a>.)\\k<a>",
  "a{1000}{1000}",
  "system.jobs",
  "system.users",
  "tmp.agg_out.x",
  "app",
  "things",
  "_id",
  "n",
  "natural",
];

const numbers = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e9,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  -1e308,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const others: readonly unknown[] = [
  null,
  undefined,
  true,
  false,
  0n,
  1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  new Date(0),
  new Date(8.64e15),
  new Date(-8.64e15),
  /a/,
  /(a+)+$/,
  Buffer.alloc(0),
  Buffer.of(0xff, 0, 1),
  Buffer.alloc(2_000),
  encodeDocument({ _id: 1 }),
  encodeDocument({ _id: 1, a: [1, { b: 2 }] }).subarray(1),
  [],
  {},
];

/** Values that only a caller in the same process can pass. */
export const uncloneable: readonly (() => unknown)[] = [
  () => () => 1,
  () => Symbol("a"),
  () => new Map([["a", 1]]),
  () => new Set([1]),
  () =>
    new (class Own {
      a = 1;
    })(),
  () => Object.create(null),
  () => Object.create({ inherited: 1 }),
  () => new Date(Number.NaN),
  () => new Proxy({}, { get: () => 1, ownKeys: () => ["a"] }),
  () => new Proxy({}, { get: () => 1 }),
  () => JSON.parse('{"__proto__":{"polluted":1}}'),
  () => Object.defineProperty({}, "a", { enumerable: true, get: () => thrown() }),
  () => new Array(5),
  () => 2n ** 80n,
  () => Promise.resolve({}),
  () => new Error("as a value"),
  () => new Uint32Array(3),
  () => new Float64Array([Number.NaN]),
  () => new ArrayBuffer(4),
  () => new String("boxed"),
  () => Object(1n),
  () => {
    const circle: Fields = {};
    circle.circle = circle;
    return circle;
  },
  () => nested(5_000),
];

/** What an argument throws itself when it is looked at. */
export const ownFailure = new Error("a getter that throws");

function thrown(): never {
  throw ownFailure;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n += 1) value = n % 2 ? [value] : { a: value };
  return value;
}

export interface AbsurdOptions {
  /** Also values that cannot travel. */
  local?: boolean;
}

export class Absurd {
  readonly #random: Random;
  readonly #options: AbsurdOptions;

  constructor(random: Random, options: AbsurdOptions = {}) {
    this.#random = random;
    this.#options = options;
  }

  /** Any value: wrong in its type, its size, its depth or its names. */
  value(depth = 0): unknown {
    const random = this.#random;
    const kind = random.below(depth > 4 ? 5 : 12);
    if (this.#options.local && random.below(12) === 0) return random.pick(uncloneable)();
    if (kind === 0) return random.pick(others);
    if (kind === 1) return random.pick(numbers);
    if (kind <= 3) return random.pick(texts);
    if (kind === 4) return random.pick(operators);
    if (kind === 5) return nested(random.pick([2, 90, 101, 110]));
    if (kind === 6) {
      return Array.from({ length: random.pick([0, 1, 2, 3, 3, 500]) }, () => this.value(depth + 2));
    }
    if (kind === 7) return Array.from({ length: 1 + random.below(3) }, () => this.value(depth + 1));
    if (kind <= 10) return { [random.pick(operators)]: this.value(depth + 1) };
    return this.#object(depth);
  }

  #object(depth: number): Fields {
    const fields: Fields = {};
    for (let n = this.#random.below(4); n >= 0; n -= 1) {
      const name = this.#random.pick(this.#random.below(2) ? texts : operators);
      if (name !== "__proto__") fields[name] = this.value(depth + 1);
    }
    return fields;
  }

  /** A copy of what is right, with one to three of its parts replaced, removed, added or repeated. */
  spoiled<T>(right: T): T {
    let value: unknown = right;
    for (let n = 1 + this.#random.below(3); n > 0; n -= 1) value = this.#spoil(value, 0);
    return value as T;
  }

  #spoil(value: unknown, depth: number): unknown {
    const random = this.#random;
    if (!isContainer(value) || (depth > 1 && random.below(4) === 0)) return this.value(depth);
    if (Array.isArray(value)) {
      const copy = [...value];
      if (copy.length === 0 || random.below(6) === 0) copy.push(this.value(depth));
      else if (random.below(8) === 0) copy.push(copy[0]);
      else {
        const at = random.below(copy.length);
        copy[at] = this.#spoil(copy[at], depth + 1);
      }
      return copy;
    }
    const copy: Fields = { ...(value as Fields) };
    // Those that are checked first would hide what is behind them.
    const isFirst = depth === 0 && random.below(20) === 0;
    const names = Object.keys(copy).filter((name) => isFirst || !checkedFirst.has(name));
    const what = random.below(10);
    if (names.length === 0 || what === 0) {
      const name = random.pick(random.below(2) ? texts : operators);
      if (name !== "__proto__") copy[name] = this.value(depth + 1);
    } else if (what === 1) delete copy[random.pick(names)];
    else {
      const containers = names.filter((one) => isContainer(copy[one]));
      const isDeep = containers.length > 0 && random.below(8) > 0;
      const name = random.pick(isDeep ? containers : names);
      copy[name] = this.#spoil(copy[name], depth + 1);
    }
    return copy;
  }
}

const checkedFirst = new Set(["db", "collection", "durability", "kind"]);

function isContainer(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  if (Array.isArray(value)) return true;
  // A copy would ask its getters.
  const members = Object.values(Object.getOwnPropertyDescriptors(value));
  return Object.getPrototypeOf(value) === Object.prototype && members.every((one) => !one.get);
}
