import type { Role } from "../runtime/role.js";

/** What a manager is to its root, as `role` events tell it. */
export type ManagerRole = "primary" | "client" | "readonly" | "closed";

/** A manager that waits for a primary is a client, and one that closes is closed. */
export function shownRole(role: Role): ManagerRole {
  if (role === "electing") return "client";
  return role === "closing" ? "closed" : role;
}
