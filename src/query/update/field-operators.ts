/** Update operators on any field: https://www.mongodb.com/docs/manual/reference/operator/update-field/ */
import { LioranError } from "../../errors.js";
import { compareValues } from "../../values/compare.js";
import { isPlainObject } from "../../values/document.js";
import { add, multiply, type Numeric } from "../arithmetic.js";
import { typeName } from "../type-names.js";
import { type CompileOperation, describeDocument, type Operation } from "./operation.js";

export const set: CompileOperation = (operand) => {
  const value = operand ?? null;
  return () => value;
};

export const setOnInsert: CompileOperation = (operand) => {
  const value = operand ?? null;
  return (before, scope) => (scope.insert ? value : before);
};

/** Removes the field. `tree.ts` makes null of a removed array element. */
export const unset: CompileOperation = () => () => undefined;

export const inc = arithmetic("$inc", add, (amount) => amount);

/** A missing field counts as zero, of the operand's type. */
export const mul = arithmetic("$mul", multiply, (factor) => (typeof factor === "bigint" ? 0n : 0));

export const min: CompileOperation = (operand) => keepBetter(operand ?? null, -1);
export const max: CompileOperation = (operand) => keepBetter(operand ?? null, 1);

export const currentDate: CompileOperation = (operand, path) => {
  const type =
    isPlainObject(operand) && Object.keys(operand).length === 1 ? operand.$type : undefined;
  if (type === "timestamp") {
    throw new LioranError(
      "COMMAND_NOT_SUPPORTED",
      `$currentDate of type "timestamp" is not supported at path "${path}". Use "date".`,
    );
  }
  if (typeof operand !== "boolean" && type !== "date") {
    throw new LioranError(
      "BAD_VALUE",
      `$currentDate takes true or { $type: "date" } at path "${path}".`,
    );
  }
  return (_before, scope) => scope.now;
};

/** `{ $bit: { flags: { and: 5 } } }`; a missing field counts as zero. */
export const bit: CompileOperation = (operand, path) => {
  if (!isPlainObject(operand) || Object.keys(operand).length === 0) {
    throw new LioranError("BAD_VALUE", `$bit takes { and | or | xor: integer } at path "${path}".`);
  }
  const steps = Object.entries(operand).map(([name, mask]) => {
    const combine = Object.hasOwn(bitwise, name) ? bitwise[name] : undefined;
    if (!combine) {
      throw new LioranError("BAD_VALUE", `$bit has no operation "${name}" (at path "${path}").`);
    }
    if (!isInteger(mask)) {
      throw new LioranError("BAD_VALUE", `$bit takes integers only, at path "${path}".`);
    }
    return (value: Numeric) => combineBits(value, mask, combine);
  });
  return (before, scope, at) => {
    const value = before === undefined ? 0 : before;
    if (!isInteger(value)) {
      throw new LioranError(
        "BAD_VALUE",
        `Cannot apply $bit to a value of non-integral type: ${describeDocument(scope)} has the ` +
          `field "${at}" of type ${typeName(value)}.`,
      );
    }
    return steps.reduce<Numeric>((result, step) => step(result), value);
  };
};

const bitwise: Record<string, (a: bigint, b: bigint) => bigint> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

function isInteger(value: unknown): value is Numeric {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

function combineBits(a: Numeric, b: Numeric, combine: (a: bigint, b: bigint) => bigint): Numeric {
  const result = combine(BigInt(a), BigInt(b));
  return typeof a === "bigint" || typeof b === "bigint" ? result : Number(result);
}

function isNumeric(value: unknown): value is Numeric {
  return typeof value === "number" || typeof value === "bigint";
}

function arithmetic(
  operator: string,
  combine: (a: Numeric, b: Numeric) => Numeric,
  whenMissing: (operand: Numeric) => Numeric,
): CompileOperation {
  return (operand, path): Operation => {
    if (!isNumeric(operand)) {
      throw new LioranError(
        "TYPE_MISMATCH",
        `${operator} needs a number at path "${path}", not ${typeName(operand)}.`,
      );
    }
    return (before, scope, at) => {
      if (before === undefined) return whenMissing(operand);
      if (isNumeric(before)) return combine(before, operand);
      throw new LioranError(
        "TYPE_MISMATCH",
        `Cannot apply ${operator} to a value of non-numeric type: ${describeDocument(scope)} has ` +
          `the field "${at}" of type ${typeName(before)}.`,
      );
    };
  };
}

function keepBetter(value: unknown, direction: 1 | -1): Operation {
  return (before) => {
    if (before === undefined) return value;
    return compareValues(value, before) * direction > 0 ? value : before;
  };
}
