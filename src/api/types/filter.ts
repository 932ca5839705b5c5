/** Query filters: https://www.mongodb.com/docs/manual/reference/operator/query/ */
import type { Document, WithId } from "./document.js";
import type { NestedPathsOf, ValueAt } from "./paths.js";

/**
 * A query filter. Fields and dotted paths that the document's type knows are typed; any other name
 * takes any condition.
 */
export type Filter<T> = { [P in keyof WithId<T>]?: Condition<WithId<T>[P]> } & {
  [P in NestedPathsOf<T>]?: Condition<ValueAt<T, P>>;
} & RootFilterOperators<T>;

/** Operators that stand beside the fields of a filter. */
export interface RootFilterOperators<T> extends Document {
  $and?: readonly Filter<T>[];
  $or?: readonly Filter<T>[];
  $nor?: readonly Filter<T>[];
  /** An expression: https://www.mongodb.com/docs/manual/reference/operator/query/expr/ */
  $expr?: unknown;
  /** https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/ */
  $jsonSchema?: Document;
  $comment?: unknown;
}

/** What a filter may say about a field of type `T`: a value, or operators. */
export type Condition<T> = AlternativeType<T> | FilterOperators<AlternativeType<T>>;

/** Values a field of type `T` may be compared with. An array also matches by an element. */
export type AlternativeType<T> =
  | (T extends readonly (infer E)[] ? T | OrRegExp<E> : OrRegExp<T>)
  // "Missing or null".
  | (undefined extends T ? null : never);

type OrRegExp<T> = T extends string ? T | RegExp : T;

/** Operators on a value of type `T`. */
export interface FilterOperators<T> {
  $eq?: T;
  $ne?: T;
  $gt?: T;
  $gte?: T;
  $lt?: T;
  $lte?: T;
  $in?: readonly T[];
  $nin?: readonly T[];
  $not?: FilterOperators<T> | (T extends string ? RegExp : never);
  $exists?: boolean;
  $type?: TypeSpecifier | readonly TypeSpecifier[];
  $mod?: T extends number | bigint ? readonly [number | bigint, number | bigint] : never;
  $regex?: T extends string ? string | RegExp : never;
  $options?: T extends string ? string : never;
  $all?: readonly unknown[];
  $size?: T extends readonly unknown[] ? number : never;
  $elemMatch?: T extends readonly (infer E)[] ? ElementCondition<E> : never;
  $bitsAllSet?: BitMask<T>;
  $bitsAnySet?: BitMask<T>;
  $bitsAllClear?: BitMask<T>;
  $bitsAnyClear?: BitMask<T>;
  $comment?: unknown;
}

/** What `$elemMatch` and `$pull` say about an element: operators on it, or a filter over its fields. */
export type ElementCondition<E> = unknown extends E
  ? Document
  : FilterOperators<AlternativeType<E>> | (E extends object ? ElementFilter<E> : never);

/** A filter over an element: its fields, without an `_id` that documents always have. */
export type ElementFilter<E> = { [P in keyof E]?: Condition<E[P]> } & {
  [P in NestedPathsOf<E>]?: Condition<ValueAt<E, P>>;
} & RootFilterOperators<E>;

/** A bit mask, or the positions of bits. */
type BitMask<T> = T extends number | bigint | Uint8Array
  ? number | bigint | Uint8Array | readonly number[]
  : never;

/** A type of BSON by number or name. */
export type TypeSpecifier = number | TypeAlias;

/** Names of BSON's types: https://www.mongodb.com/docs/manual/reference/operator/query/type/ */
export type TypeAlias =
  | "double"
  | "string"
  | "object"
  | "array"
  | "binData"
  | "undefined"
  | "objectId"
  | "bool"
  | "date"
  | "null"
  | "regex"
  | "dbPointer"
  | "javascript"
  | "symbol"
  | "javascriptWithScope"
  | "int"
  | "timestamp"
  | "long"
  | "decimal"
  | "minKey"
  | "maxKey"
  | "number";
