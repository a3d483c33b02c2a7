import type { Chat } from "../core/chat.ts";
import { messageIdLength } from "../core/messages/message_id_bytes.ts";
import type { LaneRequest, LaneRoute, LaneSession } from "../core/messages/plain_lane.ts";
import type { Subscriber } from "../core/people/live_sessions.ts";
import type { SendRequest } from "../gen/chatd/v1/chat.ts";
import { isPlainText } from "../wire/plain_text.ts";
import type { RequestScanner } from "../wire/request_scanner.ts";
import { costOfSend } from "./request_costs.ts";

/** Length of the longest address: "#" and the name of a room. */
const maxAddressBytes = 33;
/** Most addresses whose routes a session remembers. */
const maxRoutes = 256;

const latin1 = new TextDecoder("latin1");
const utf8 = new TextEncoder();

export interface PlainSendsOptions {
  readonly chat: Pick<Chat, "lane" | "takeAllowance" | "giveBackAllowance">;
  readonly session: LaneSession;
  readonly subscriber: Subscriber;
}

/** Sends the plain messages of a session's client by the lane, and remembers the routes to their addresses. */
export class PlainSends {
  readonly #options: PlainSendsOptions;
  /** By the bytes of the address, as text. */
  readonly #routes = new Map<string, LaneRoute>();
  /** The last address as it was written, and its route: most clients send several messages to one address. */
  readonly #lastAddress = new Uint8Array(maxAddressBytes);
  #lastLength = 0;
  #lastRoute: LaneRoute | undefined;

  constructor(options: PlainSendsOptions) {
    this.#options = options;
  }

  /** Sends the message that the scanner read last. @returns false if it has to be sent like any other request */
  send(frame: Uint8Array, { requestId, toAt, toEnd, idAt, textAt, textEnd }: RequestScanner): boolean {
    if (!isPlainText(frame, textAt, textEnd)) return false;
    const route = this.#routeTo(frame, toAt, toEnd);
    if (route === undefined) return false;
    const { chat, session } = this.#options;
    const { sender: user } = route;
    if (chat.takeAllowance(user, costOfSend) > 0) return false;
    if (this.#add({ route, session, requestId, frame, idAt, textAt, textEnd })) return true;
    chat.giveBackAllowance(user, costOfSend);
    return false;
  }

  /**
   * Sends a message that waited, and whose cost was taken. On the other way, it would have the messages of all users take
   * that way while it waits there.
   * @returns false if it has to be sent like any other request
   */
  sendWaiting(requestId: number, { to, id, text, replyToSeq, uploadId, automatic }: SendRequest): boolean {
    if (replyToSeq !== 0 || uploadId !== "" || automatic) return false;
    if (id.length !== messageIdLength || to.length > maxAddressBytes) return false;
    const frame = utf8.encode(id + text);
    const textAt = messageIdLength;
    const textEnd = frame.length;
    if (!isPlainText(frame, textAt, textEnd)) return false;
    const route = this.#find(to);
    if (route === undefined) return false;
    return this.#add({ route, session: this.#options.session, requestId, frame, idAt: 0, textAt, textEnd });
  }

  /** Adds a message to the lane. @returns false if it has to take the other way */
  #add(request: LaneRequest): boolean {
    if (this.#options.chat.lane.add(request)) return true;
    // The name of a room may be that of another room by now.
    this.#routes.clear();
    this.#lastRoute = undefined;
    return false;
  }

  #routeTo(frame: Uint8Array, from: number, to: number): LaneRoute | undefined {
    if (this.#lastRoute !== undefined && this.#isLastAddress(frame, from, to)) return this.#lastRoute;
    const length = to - from;
    const route = length > maxAddressBytes ? undefined : this.#find(latin1.decode(frame.subarray(from, to)));
    if (route === undefined) return undefined;
    for (let index = 0; index < length; index++) this.#lastAddress[index] = frame[from + index];
    this.#lastLength = length;
    return this.#lastRoute = route;
  }

  #isLastAddress(frame: Uint8Array, from: number, to: number): boolean {
    const address = this.#lastAddress;
    if (this.#lastLength !== to - from) return false;
    for (let at = from; at < to; at++) if (address[at - from] !== frame[at]) return false;
    return true;
  }

  #find(address: string): LaneRoute | undefined {
    const known = this.#routes.get(address);
    if (known !== undefined) return known;
    const { chat, subscriber } = this.#options;
    const route = chat.lane.findRoute(subscriber, address);
    if (route === undefined) return undefined;
    if (this.#routes.size >= maxRoutes) this.#routes.clear();
    this.#routes.set(address, route);
    return route;
  }
}
