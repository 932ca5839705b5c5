/** What the checker must agree with on small histories: tries every order, with nothing clever in it. */
import { apply, applyUnanswered, isAnswered, type Operation, type Value } from "./history.js";

/** Whether a history of one register is linearizable. Takes exponential time. */
export function isLinearizable(operations: readonly Operation[], state: Value = null): boolean {
  if (!operations.some(isAnswered)) return true;
  return operations.some((operation) => {
    const others = operations.filter((other) => other !== operation);
    if (others.some(({ returnedAt }) => returnedAt < operation.calledAt)) return false;
    const applied = isAnswered(operation)
      ? apply(state, operation)
      : applyUnanswered(state, operation);
    return applied !== undefined && isLinearizable(others, applied.state);
  });
}
