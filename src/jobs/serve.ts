/** The child's end of the conversation: one request at a time, one answer to each. */
import { encodeError } from "../errors.js";
import type { Answer, Envelope, FromChild, ToChild } from "./messages.js";
import { opened } from "./messages.js";

/** The way to the parent. */
export interface ParentChannel {
  send(message: Envelope<FromChild>): void;
  onMessage(listener: (message: unknown) => void): void;
}

/** What a child does when it is asked. */
export interface Services {
  answer(request: Exclude<ToChild, { type: "stop" }>): Promise<Answer>;
  stop(): void;
}

export function serve(parent: ParentChannel, services: Services): void {
  parent.onMessage((message) => {
    const request = opened<ToChild>(message);
    if (!request) return;
    if (request.type === "stop") {
      services.stop();
      return;
    }
    services
      .answer(request)
      .catch((error: unknown): Answer => ({ type: "failed", error: encodeError(error) }))
      .then((answer) => parent.send({ liorandbJob: answer }));
  });
}
