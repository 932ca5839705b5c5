/**
 * The processes of one history: they work on the same root while some of them are killed, paused or closed, and others
 * take their place.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ManagerOptions } from "@liorandb/core";
import { compiledTests, type Process, Site } from "../process/site.js";
import type { Random } from "../support/soak.js";
import { readHistory } from "./children/recorder.js";
import type { RecordingMessage, RecordingOptions } from "./children/recording-main.js";
import type { Operation } from "./history.js";

const script = join(compiledTests, "linearizability/children/recording-main.js");
const keys = ["r0", "r1", "r2"];
/** Shorter than some pauses: operations end in vain, and their outcome stays unknown. */
const impatientMs = 150;

type Registers = RecordingOptions["registers"];

/** How each of the processes opens the root. Whoever goes is replaced by one of the same kind. */
export const crowds = {
  "local reads": [
    { durability: "flushed" },
    { durability: "committed" },
    { ipc: "client" },
    { primaryTimeoutMs: impatientMs },
    { ipc: "readonly" },
  ],
  "reads at the primary": [
    { reads: "primary" },
    { reads: "primary", durability: "committed" },
    { reads: "primary", ipc: "client" },
    { reads: "primary", primaryTimeoutMs: impatientMs },
    { ipc: "readonly" },
  ],
  "reads in both places": [
    { reads: "primary" },
    { durability: "committed" },
    { reads: "primary", ipc: "client", durability: "committed" },
    { primaryTimeoutMs: impatientMs },
    { ipc: "readonly" },
  ],
} satisfies Record<string, ManagerOptions[]>;

interface Member {
  process: Process;
  options: ManagerOptions;
}

export class Crowd {
  readonly #site: Site;
  readonly #random: Random;
  readonly #registers: Registers;
  readonly #files: { file: string; of: string }[] = [];
  readonly #processes: Process[] = [];
  #members: Member[] = [];
  #reader: Process | undefined;
  #coming: (() => Promise<string>)[] = [];
  kills = 0;
  pauses = 0;
  closes = 0;

  constructor(t: TestContext, random: Random, registers: Registers) {
    this.#site = new Site(t);
    this.#random = random;
    this.#registers = registers;
  }

  /** Starts everybody: the first one prepares the root. The last one only reads, and nothing happens to it. */
  async start(options: readonly ManagerOptions[]): Promise<void> {
    const [first, ...others] = options;
    this.#members.push(await this.#join(first!, true));
    const joined = await Promise.all(others.map((other) => this.#join(other)));
    this.#reader = joined.pop()!.process;
    this.#members.push(...joined);
  }

  /** Lets something happen: everything that can, in any order, before it happens again. @returns what */
  async happen(): Promise<string> {
    if (this.#coming.length === 0) {
      this.#coming = [
        () => this.#kill(this.#primary()),
        () => this.#kill(this.#random.pick(this.#members)),
        () => this.#pause(this.#primary(), false),
        () => this.#pause(this.#primary(), true),
        () => this.#pause(this.#random.pick(this.#members), false),
        () => this.#close(this.#primary()),
        () => this.#killWhilePaused(),
      ];
    }
    const [event] = this.#coming.splice(this.#random.below(this.#coming.length), 1);
    return await event!();
  }

  /** Waits until the reader has ended so many more operations. */
  async work(operations: number): Promise<void> {
    const reader = this.#reader!;
    const wanted = reported(reader).ended + operations;
    await reader.until(`${wanted} operations`, () => reported(reader).ended >= wanted || undefined);
  }

  /** Ends everybody in order. @returns the history of all processes that there were */
  async end(): Promise<Operation[]> {
    // Whoever cannot be primary needs one to the end.
    const mayOwn = ({ options }: Member) => options.ipc === undefined;
    const inOrder = [...this.#members].sort((a, b) => Number(mayOwn(a)) - Number(mayOwn(b)));
    for (const process of [this.#reader!, ...inOrder.map((member) => member.process)]) {
      process.send("stop");
      assert.equal((await process.exit()).code, 0, process.stderr);
    }
    for (const { name, messages } of this.#processes) {
      const troubles = (messages as RecordingMessage[]).filter((message) => "trouble" in message);
      assert.deepEqual(troubles, [], name);
    }
    return this.#files.flatMap(({ file, of }) => readHistory(file, of));
  }

  async #join(options: ManagerOptions, prepares = false): Promise<Member> {
    const number = this.#files.length;
    const name = `${number} ${JSON.stringify(options)}`;
    const file = join(this.#site.folder, `history-${number}`);
    this.#files.push({ file, of: name });
    const recording: RecordingOptions = {
      manager: { rootPath: this.#site.rootPath, cores: 1, ...options },
      file,
      seed: this.#random.below(2 ** 31),
      firstValue: number * 1_000_000,
      keys,
      registers: this.#registers,
      prepares,
    };
    const process = this.#site.start(name, script, { args: [JSON.stringify(recording)] });
    this.#processes.push(process);
    await process.until(
      "ready",
      () =>
        (process.messages as RecordingMessage[]).some((message) => "ready" in message) || undefined,
    );
    return { process, options };
  }

  async #replace(member: Member): Promise<void> {
    this.#members = this.#members.filter((other) => other !== member);
    this.#members.push(await this.#join(member.options));
  }

  async #kill(member: Member): Promise<string> {
    this.kills += 1;
    await member.process.murder();
    await this.#replace(member);
    return `killed ${member.process.name}`;
  }

  /** @param long until somebody's operations have ended in vain */
  async #pause(member: Member, long: boolean): Promise<string> {
    this.pauses += 1;
    await member.process.pause();
    const impatient = this.#members.find(
      ({ process, options }) => options.primaryTimeoutMs && process !== member.process,
    )?.process;
    if (long && impatient) {
      const before = reported(impatient).inVain;
      await impatient.until(
        "operation in vain",
        () => reported(impatient).inVain > before || undefined,
      );
    } else await this.work(60);
    member.process.kill("SIGCONT");
    return `paused ${member.process.name}${long ? " for long" : ""}`;
  }

  async #close(member: Member): Promise<string> {
    this.closes += 1;
    member.process.send("close");
    assert.equal((await member.process.exit()).code, 0, member.process.stderr);
    await this.#replace(member);
    return `closed ${member.process.name}`;
  }

  /** Somebody sleeps through a take-over. The dead primary was paused, too, at times. */
  async #killWhilePaused(): Promise<string> {
    const primary = this.#primary();
    const sleeper = this.#random.pick(this.#members.filter((other) => other !== primary));
    this.pauses += 1;
    await sleeper.process.pause();
    if (this.#random.below(2) === 0) {
      this.pauses += 1;
      await primary.process.pause();
      await this.work(40);
    }
    this.kills += 1;
    await primary.process.murder();
    await this.work(60);
    sleeper.process.kill("SIGCONT");
    await this.#replace(primary);
    return `killed ${primary.process.name} while ${sleeper.process.name} was paused`;
  }

  /** The primary as the lock file has it, or anybody during a take-over. */
  #primary(): Member {
    const { pid } = this.#site.lockRecord();
    return (
      this.#members.find(({ process }) => process.pid === pid) ?? this.#random.pick(this.#members)
    );
  }
}

function reported({ messages }: Process): { ended: number; inVain: number } {
  const last = (messages as RecordingMessage[]).findLast((message) => "ended" in message);
  return last && "ended" in last ? last : { ended: 0, inVain: 0 };
}
