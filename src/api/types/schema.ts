/**
 * Standard Schema, the interface that zod, valibot, arktype and others share: https://standardschema.dev.
 * It is that of `@standard-schema/spec` 1.1 (MIT, Colin McDonnell), which is there to be copied.
 */
import type { OptionalUnlessRequiredId } from "./document.js";

/** A validator that implements Standard Schema, version 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => StandardResult<Output> | PromiseLike<StandardResult<Output>>;
    /** Never there: it only carries the types. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says about a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema gives: the type of the stored documents. */
export type InferOutput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];

/** What a schema takes: the type of documents to insert. */
export type InferInput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["input"];

/** The stored documents of a collection with this schema. */
export type SchemaDocument<S extends StandardSchema> = Extract<InferOutput<S>, object>;

/** The documents to insert into a collection with this schema. */
export type SchemaInput<S extends StandardSchema> = OptionalUnlessRequiredId<InferInput<S>>;
