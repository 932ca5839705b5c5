import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantError } from "../../../src/invariant.js";
import { type Role, RoleMachine } from "../../../src/runtime/role.js";

const roles: Role[] = ["primary", "client", "electing", "readonly", "closing", "closed"];

/** How each role is reached from a fresh machine. */
const ways: Record<Role, () => RoleMachine> = {
  primary: () => new RoleMachine("primary"),
  electing: () => new RoleMachine("electing"),
  readonly: () => new RoleMachine("readonly"),
  client: () => walked("electing", "client"),
  closing: () => walked("electing", "closing"),
  closed: () => walked("electing", "closing", "closed"),
};

const allowed = new Set([
  "primary>electing",
  "primary>closing",
  "client>electing",
  "client>closing",
  "electing>primary",
  "electing>client",
  "electing>closing",
  "readonly>closing",
  "closing>closed",
]);

function walked(initial: "electing", ...steps: Role[]): RoleMachine {
  const machine = new RoleMachine(initial);
  for (const step of steps) machine.to(step);
  return machine;
}

for (const from of roles) {
  for (const to of roles) {
    const isAllowed = allowed.has(`${from}>${to}`);
    test(`${from} ${isAllowed ? "becomes" : "never becomes"} ${to}`, () => {
      const machine = ways[from]();
      const changes: [Role, Role][] = [];
      machine.on("change", (before, after) => changes.push([before, after]));
      if (isAllowed) {
        machine.to(to);
        assert.equal(machine.role, to);
        assert.deepEqual(changes, [[from, to]]);
      } else {
        assert.throws(
          () => machine.to(to),
          (error: Error) =>
            error instanceof InvariantError &&
            error.message.includes(`"${from}"`) &&
            error.message.includes(`"${to}"`),
        );
        assert.equal(machine.role, from);
        assert.deepEqual(changes, []);
      }
    });
  }
}
