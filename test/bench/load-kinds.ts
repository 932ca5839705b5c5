/** The loads that a primary is put under beside a client that is measured: see load-child.ts. */
export const loadKinds = ["in-flight", "unread", "silent", "slow-cursor", "processes"] as const;

export type LoadKind = (typeof loadKinds)[number];
