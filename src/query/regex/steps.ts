/** Numbers of steps as polynomials of the length of the text, because that length is not known yet. */

/** The coefficients by degree: `[3, 2]` is 3 + 2n. */
export type Steps = readonly number[];

const degreeMax = 6;
/** More steps than any text is worth. */
export const ENDLESS: Steps = [Number.POSITIVE_INFINITY];
export const ZERO: Steps = [0];
export const ONE: Steps = [1];
/** As many as the text has characters. */
export const LENGTH: Steps = [0, 1];

export function sum(...all: readonly Steps[]): Steps {
  const length = Math.max(...all.map((one) => one.length));
  return Array.from({ length }, (_, degree) =>
    all.reduce((total, one) => total + (one[degree] ?? 0), 0),
  );
}

export function product(a: Steps, b: Steps): Steps {
  if (!isBounded(a) || !isBounded(b) || a.length + b.length - 2 > degreeMax) return ENDLESS;
  const result = new Array<number>(a.length + b.length - 1).fill(0);
  for (const [i, x] of a.entries()) {
    for (const [j, y] of b.entries()) result[i + j]! += x * y;
  }
  return result;
}

export function power(base: Steps, exponent: number): Steps {
  if (isOne(base)) return ONE;
  let result = ONE;
  for (let count = 0; count < exponent && result !== ENDLESS; count++) {
    result = product(result, base);
    if (!isBounded(result)) return ENDLESS;
  }
  return result;
}

export function largest(...all: readonly Steps[]): Steps {
  const length = Math.max(...all.map((one) => one.length));
  return Array.from({ length }, (_, degree) => Math.max(...all.map((one) => one[degree] ?? 0)));
}

export function isOne(steps: Steps): boolean {
  return steps[0] === 1 && steps.length === 1;
}

export function stepsFor(steps: Steps, length: number): number {
  return steps.reduceRight((total, coefficient) => total * length + coefficient, 0);
}

function isBounded(steps: Steps): boolean {
  return steps.every((coefficient) => coefficient < 1e12);
}
