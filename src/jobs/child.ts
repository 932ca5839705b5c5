/**
 * A child of a job, seen from its parent: a process or a thread that answers one request at a time.
 *
 * Owning thread: the one that runs the job.
 *
 * Invariants
 *  1. Every request has a deadline. A child that misses one is killed: nobody can know what it is doing.
 *  2. A request whose child has ended fails only after the end, so that whoever tries again is not disturbed.
 *
 *   starting --ready--> idle --ask--> busy --answer--> idle
 *      |                 |             |
 *      +-----------------+-------------+--stop--> stopping --> dead
 *      +-----------------+-------------+--ended, killed------> dead
 */
import { decodeError, type LioranError } from "../errors.js";
import { invariant } from "../invariant.js";
import { jobStopTimeoutMs } from "../limits.js";
import { type Answer, type AnswerTo, type FromChild, opened, type ToChild } from "./messages.js";

/** What carries a child. */
export interface Vehicle {
  /** Names it in messages, such as "The child process 4711". */
  readonly name: string;
  /** Set by the owner. */
  onMessage: (message: unknown) => void;
  /** Called once, when it is gone. @param how such as "ended with exit code 3" */
  onEnd: (how: string) => void;
  send(message: ToChild): void;
  /** Ends it, whatever it is doing. */
  kill(): void;
}

type State = "starting" | "idle" | "busy" | "stopping" | "dead";

const steps: Record<State, readonly State[]> = {
  starting: ["idle", "stopping", "dead"],
  idle: ["busy", "stopping", "dead"],
  busy: ["idle", "stopping", "dead"],
  stopping: ["dead"],
  dead: [],
};

/** The end of a child that was not asked to end: what it was doing can be tried elsewhere. */
export class ChildLost extends Error {
  /** Whether somebody killed it, rather than that it ended by itself. */
  readonly wasKilled: boolean;

  constructor(message: string, wasKilled: boolean, cause: Error | undefined) {
    super(message, cause && { cause });
    this.wasKilled = wasKilled;
  }
}

interface Waiting {
  /** What the child does meanwhile, as the end of a sentence. */
  doing: string;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Child {
  readonly #vehicle: Vehicle;
  readonly #ended: Promise<void>;
  #onEnded!: () => void;
  #state: State = "starting";
  #waiting: Waiting | undefined;
  /** Why we killed it. */
  #killedFor: string | undefined;
  /** What it said about its end. */
  #crash: LioranError | undefined;

  constructor(vehicle: Vehicle) {
    this.#vehicle = vehicle;
    this.#ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    vehicle.onMessage = (message) => this.#onMessage(message);
    vehicle.onEnd = (how) => this.#onEnd(how);
  }

  /** Whether it can be given work. */
  get isIdle(): boolean {
    return this.#state === "idle";
  }

  /** Sends the first request. @throws ChildLost, or what keeps it from starting */
  start(request: ToChild, timeoutMs: number): Promise<AnswerTo<"ready">> {
    return this.#request(request, "ready", "it loaded the module and ran init", timeoutMs);
  }

  /**
   * Asks an idle child.
   *
   * @param doing names the work in messages, such as "it worked on batch 7"
   * @throws ChildLost when it ended or was killed meanwhile; otherwise the error it answered with
   */
  ask<K extends Answer["type"]>(
    request: ToChild,
    expected: K,
    doing: string,
    timeoutMs: number,
  ): Promise<AnswerTo<K>> {
    if (this.#state === "idle") this.#step("busy");
    return this.#request(request, expected, doing, timeoutMs);
  }

  /** Ends it in order, or kills it when it takes too long. Resolves once it is gone. */
  stop(): Promise<void> {
    if (this.#state === "dead" || this.#state === "stopping") return this.#ended;
    this.#step("stopping");
    this.#vehicle.send({ type: "stop" });
    const timer = setTimeout(() => this.#vehicle.kill(), jobStopTimeoutMs);
    return this.#ended.finally(() => clearTimeout(timer));
  }

  async #request<K extends Answer["type"]>(
    request: ToChild,
    expected: K,
    doing: string,
    timeoutMs: number,
  ): Promise<AnswerTo<K>> {
    invariant(!this.#waiting, "a child does one thing at a time");
    const answered = new Promise<Answer>((resolve, reject) => {
      this.#waiting = { doing, resolve, reject };
    });
    if (this.#state === "dead" || this.#state === "stopping") this.#lose("has ended");
    else this.#vehicle.send(request);
    const timer = setTimeout(() => {
      this.#killedFor ??= `did not answer within ${timeoutMs} ms and was killed`;
      this.#vehicle.kill();
    }, timeoutMs);
    try {
      const answer = await answered;
      if (answer.type === "failed") throw decodeError(answer.error);
      invariant(answer.type === expected, `"${answer.type}" is no answer to "${request.type}"`);
      return answer as AnswerTo<K>;
    } finally {
      clearTimeout(timer);
    }
  }

  #onMessage(message: unknown): void {
    const told = opened<FromChild>(message);
    if (!told) return;
    if (told.type === "crashed") {
      this.#crash = decodeError(told.error);
      return;
    }
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#waiting = undefined;
    // One that has been told to stop, or could not start, is of no more use.
    const canGoOn = this.#state === "busy" || told.type === "ready";
    if (canGoOn && this.#state !== "stopping") this.#step("idle");
    waiting.resolve(told);
  }

  #onEnd(how: string): void {
    this.#step("dead");
    this.#lose(this.#killedFor ?? how);
    this.#onEnded();
  }

  #lose(how: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) return;
    const { cause } = this.#crash ?? {};
    const because = this.#crash ? `: ${this.#crash.message}` : "";
    const message = `${this.#vehicle.name} ${how} while ${waiting.doing}${because}`;
    const wasKilled = this.#killedFor === undefined && how.startsWith("was killed");
    waiting.reject(new ChildLost(message, wasKilled, cause as Error | undefined));
  }

  #step(next: State): void {
    invariant(
      steps[this.#state].includes(next),
      `no step from child "${this.#state}" to "${next}"`,
    );
    this.#state = next;
  }
}
