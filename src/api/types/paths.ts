/** Dotted paths into a document, `"address.city"` or `"tags.0"`, and the types of what they reach. */

/** Values that are one thing to a path, whatever members their objects have. */
type Scalar =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | Uint8Array
  | ((...args: never[]) => unknown);

/** Paths have at most this many names, so that types that contain themselves come to an end. */
type DepthMax = 8;

type IsAny<T> = 0 extends 1 & T ? true : false;
/** `any` and `unknown`: nothing is known about what lies inside. */
type IsOpen<T> = IsAny<T> extends true ? true : unknown extends T ? true : false;

/** The type of an array's elements. */
export type ElementOf<T> = T extends readonly (infer E)[] ? E : never;

/** The elements of an array; anything else is itself, as `distinct` counts it. */
export type Flatten<T> = IsOpen<T> extends true ? T : T extends readonly (infer E)[] ? E : T;

/**
 * The paths of a document, top-level names included. A type that contains itself, at once or through
 * others, is followed until it comes up again.
 *
 * @typeParam Step what a path may say to go into an array, such as a position
 */
export type PathsOf<T, Step extends string = `${number}`> = Paths<T, Step, [], never>;

type Paths<T, Step extends string, Depth extends 0[], Seen> = Depth["length"] extends DepthMax
  ? never
  : IsOpen<T> extends true
    ? never
    : T extends Scalar
      ? never
      : T extends readonly (infer E)[]
        ? Step | `${Step}.${Below<E, Step, Depth, Seen>}`
        : // A map by any name: what is written at a computed path could not be told apart.
          string extends keyof T
          ? never
          : {
              [K in keyof T & string]: K | `${K}.${Below<T[K], Step, Depth, Seen | T>}`;
            }[keyof T & string];

type Below<V, Step extends string, Depth extends 0[], Seen> = V extends Seen
  ? never
  : Paths<V, Step, [...Depth, 0], Seen>;

/** The paths of a document that go below a top-level name; none where its type allows any field. */
export type NestedPathsOf<T, Step extends string = `${number}`> = string extends keyof T
  ? never
  : Exclude<PathsOf<T, Step>, keyof T>;

/** What a path reaches. */
export type ValueAt<T, P extends string> = T extends null | undefined
  ? undefined
  : P extends keyof T
    ? T[P]
    : T extends readonly (infer E)[]
      ? P extends `${ArrayStep}.${infer Rest}`
        ? ValueAt<E, Rest>
        : P extends ArrayStep
          ? E
          : unknown
      : P extends `${infer K}.${infer Rest}`
        ? K extends keyof T
          ? ValueAt<T[K], Rest>
          : unknown
        : unknown;

/** How an update goes into an array: by position, the one that matched, all of them. */
export type ArrayStep = `${number}` | "$" | "$[]";
