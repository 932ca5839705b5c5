/** What a document is to the outside, and what `_id` does to its type. */

/**
 * Any document: field names to values. As in the official driver its fields are `any`: results are
 * used without casts, and objects whose type is an interface are documents too.
 */
export interface Document {
  // biome-ignore lint/suspicious/noExplicitAny: unknown would refuse interfaces and need casts
  [field: string]: any;
}

/** `Omit` for each member of a union, which leaves types that allow any field as they are. */
type EachWithout<T, K extends PropertyKey> = string extends keyof T
  ? T
  : T extends unknown
    ? Omit<T, K>
    : never;

/** The type of `_id`; string where the document's type does not say. */
export type IdOf<T> = "_id" extends keyof T ? Exclude<T["_id"], undefined> : string;

/** A stored document: it always has an `_id`. */
export type WithId<T> = EachWithout<T, "_id"> & { _id: IdOf<T> };

/** A document whose `_id` may be missing. */
export type OptionalId<T> = EachWithout<T, "_id"> & { _id?: IdOf<T> };

/**
 * A document to insert: a missing `_id` becomes a UUIDv7 string. It may be missing unless the type
 * demands it.
 */
export type OptionalUnlessRequiredId<T> = string extends keyof T
  ? T
  : T extends { _id: unknown }
    ? T
    : OptionalId<T>;
