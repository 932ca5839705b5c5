/**
 * What must happen when the process exits without having closed its managers: one listener for all of
 * them, however many there are.
 */
const hooks = new Set<() => void>();

/** Runs `hook` when the process exits. It must be synchronous. */
export function addExitHook(hook: () => void): void {
  if (hooks.size === 0) process.on("exit", runHooks);
  hooks.add(hook);
}

export function removeExitHook(hook: () => void): void {
  hooks.delete(hook);
  if (hooks.size === 0) process.off("exit", runHooks);
}

function runHooks(): void {
  for (const hook of hooks) hook();
}
