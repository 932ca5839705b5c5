/**
 * The life of a manager as a table. Any step that the table does not have is a bug and throws.
 */
import { EventEmitter } from "node:events";
import { invariant } from "../invariant.js";

/**
 * What a manager is. `closing` shows as closed through the role getters, `electing` as client.
 */
export type Role = "primary" | "client" | "electing" | "readonly" | "closing" | "closed";

const steps: Record<Role, readonly Role[]> = {
  // A primary whose Host failed starts another one under the same lock, so it stays primary; one that
  // gives up lets others own the root.
  primary: ["electing", "closing"],
  client: ["electing", "closing"],
  electing: ["primary", "client", "closing"],
  readonly: ["closing"],
  closing: ["closed"],
  closed: [],
};

/** Holds the current role. Emits `change` (from, to) after each step. */
export class RoleMachine extends EventEmitter<{ change: [from: Role, to: Role] }> {
  #role: Role;

  constructor(initial: "primary" | "electing" | "readonly") {
    super();
    this.#role = initial;
  }

  get role(): Role {
    return this.#role;
  }

  /** Takes a step of the table. */
  to(next: Role): void {
    const from = this.#role;
    invariant(steps[from].includes(next), `no step from role "${from}" to "${next}"`);
    this.#role = next;
    this.emit("change", from, next);
  }
}
