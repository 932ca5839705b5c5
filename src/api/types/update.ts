/** Update operators: https://www.mongodb.com/docs/manual/reference/operator/update/ */
import type { Document } from "./document.js";
import type { ElementCondition } from "./filter.js";
import type { ArrayStep, ElementOf, NestedPathsOf, PathsOf, ValueAt } from "./paths.js";

/**
 * Update operators. Fields and dotted paths that the document's type knows, also with positions, `$`
 * and `$[]`, are typed; any other path takes what its operator takes.
 */
export type UpdateFilter<T> = {
  $set?: ValuesByPath<T>;
  $setOnInsert?: ValuesByPath<T>;
  $unset?: ByPath<T, unknown, "" | true | 1>;
  $inc?: ByPath<T, Numeric, Numeric>;
  $mul?: ByPath<T, Numeric, Numeric>;
  $min?: ValuesByPath<T>;
  $max?: ValuesByPath<T>;
  $rename?: Record<string, string>;
  $currentDate?: ByPath<T, Date, true | { $type: "date" }>;
  $bit?: ByPath<T, Numeric, { and: Numeric } | { or: Numeric } | { xor: Numeric }>;
  $push?: ByArrayPath<T, "push">;
  $addToSet?: ByArrayPath<T, "addToSet">;
  $pop?: ByPath<T, readonly unknown[], 1 | -1>;
  $pull?: ByArrayPath<T, "pull">;
  $pullAll?: ByArrayPath<T, "pullAll">;
} & Document;

type Numeric = number | bigint;

/** Every path of the document; any other name is allowed beside them. */
type UpdatePaths<T> = string extends keyof T ? never : PathsOf<T, ArrayStep>;

/** New values by path, as `$set` takes them. */
export type ValuesByPath<T> = Readonly<Partial<T>> & {
  readonly [P in NestedPathsOf<T, ArrayStep>]?: ValueAt<T, P>;
} & Document;

/** `Operand` for each path whose values are `Wanted`; other paths that are known are refused. */
type ByPath<T, Wanted, Operand> = {
  readonly [P in UpdatePaths<T>]?: IfHolds<ValueAt<T, P>, Wanted, Operand>;
} & Record<string, Operand>;

/** Null and undefined aside; where the type is open, anything may be there. */
type IfHolds<V, Wanted, Operand> = unknown extends V
  ? Operand
  : NonNullable<V> extends Wanted
    ? Operand
    : never;

type ByArrayPath<T, Kind extends keyof ArrayOperands<unknown>> = {
  readonly [P in UpdatePaths<T>]?: ArrayOperand<ValueAt<T, P>, Kind>;
} & Document;

type ArrayOperand<V, Kind extends keyof ArrayOperands<unknown>> = unknown extends V
  ? unknown
  : NonNullable<V> extends readonly unknown[]
    ? ArrayOperands<ElementOf<NonNullable<V>>>[Kind]
    : never;

/** What the operators on arrays take for elements of type `E`. */
interface ArrayOperands<E> {
  push: E | PushModifiers<E>;
  addToSet: E | { $each: readonly E[] };
  pull: E | ElementCondition<E>;
  pullAll: readonly E[];
}

/** Modifiers of `$push`. */
export interface PushModifiers<E> {
  $each: readonly E[];
  $slice?: number;
  $position?: number;
  $sort?: 1 | -1 | Record<string, 1 | -1>;
}
