/** What can be told from the tree of an expression alone. */
import { childrenOf, type RegexNode } from "./syntax.js";

/** Whether every match starts where the text starts. */
export function isAnchored(node: RegexNode): boolean {
  switch (node.kind) {
    case "assertion":
      return node.source === "^";
    case "sequence":
      return node.parts.length > 0 && isAnchored(node.parts[0]!);
    case "alternation":
      return node.branches.every(isAnchored);
    case "group":
      return isAnchored(node.body);
    default:
      return false;
  }
}

/** Length of the longest group that a reference could refer to. */
export function longestCapture(node: RegexNode): number {
  const own = node.kind === "group" && node.captures ? longestMatch(node.body) : 0;
  return Math.max(own, ...childrenOf(node).map(longestCapture));
}

function longestMatch(node: RegexNode): number {
  const lengths = childrenOf(node).map(longestMatch);
  switch (node.kind) {
    case "set":
      return 1;
    case "sequence":
      return lengths.reduce((all, one) => all + one, 0);
    case "repeat":
      return lengths[0] === 0 || node.max === 0 ? 0 : lengths[0]! * node.max;
    case "backreference":
      return Number.POSITIVE_INFINITY;
    case "look":
      return 0;
    default:
      return Math.max(0, ...lengths);
  }
}

/** What looks behind is matched from its end to its start. */
export function reversed(node: RegexNode): RegexNode {
  switch (node.kind) {
    case "sequence":
      return { ...node, parts: node.parts.toReversed().map(reversed) };
    case "alternation":
      return { ...node, branches: node.branches.map(reversed) };
    case "group":
    case "repeat":
      return { ...node, body: reversed(node.body) };
    default:
      return node;
  }
}

/**
 * JavaScript forgets groups at the start of every iteration, and takes back an iteration over
 * nothing. The other engine does as MongoDB's. Whether there is a match does not depend on it,
 * but positions do, and they must not depend on the length of the text.
 */
export function positionsDiffer(node: RegexNode, repeated = false): boolean {
  switch (node.kind) {
    case "sequence":
      return node.parts.some((part) => positionsDiffer(part, repeated));
    case "alternation":
      return node.branches.some((branch) => positionsDiffer(branch, repeated));
    case "group":
      return (node.captures && repeated) || positionsDiffer(node.body, repeated);
    case "repeat":
      return isNullable(node.body) || positionsDiffer(node.body, true);
    default:
      return false;
  }
}

function isNullable(node: RegexNode): boolean {
  switch (node.kind) {
    case "set":
      return false;
    case "sequence":
      return node.parts.every(isNullable);
    case "alternation":
      return node.branches.some(isNullable);
    case "group":
      return isNullable(node.body);
    case "repeat":
      return node.min === 0 || isNullable(node.body);
    default:
      return true;
  }
}
