/**
 * The check of `index-consistency.ts` in a process of its own, for tests whose process has the root open through
 * the bundle: LMDB must not be opened twice in one thread.
 */
import { join } from "node:path";
import { Child } from "./child.js";
import type { Checked } from "./index-consistency.js";

const script = join(import.meta.dirname, "index-consistency-main.js");

interface Answer {
  checked?: Checked;
  failure?: string;
}

/** @throws Error naming the first thing that is wrong */
export async function checkInOwnProcess(rootPath: string): Promise<Checked> {
  const child = new Child("the index check", script, { args: [rootPath] });
  const answer = await child.message("its answer", (message): message is Answer => !!message);
  await child.exit();
  if (answer.failure !== undefined) throw new Error(answer.failure);
  return answer.checked!;
}
