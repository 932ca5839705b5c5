/** What an operator of expressions is that is compiled together with its operands. */
import type { Document } from "../values/document.js";
import type { Variables } from "./variables.js";

/** `undefined` means that the value is missing. */
export type Evaluate = (document: Document) => unknown;

/** How an operator has its operands compiled. */
export interface OperandCompiler {
  readonly variables: Variables;
  /** @param variables those that the operand may name, if others than the operator itself */
  compile(operand: unknown, variables?: Variables): Evaluate;
}

export type CompileOperator = (operand: unknown, compiler: OperandCompiler) => Evaluate;
