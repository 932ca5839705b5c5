import type { RegexNode } from "./syntax.js";

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
