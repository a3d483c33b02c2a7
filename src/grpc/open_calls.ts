import type { ServerHttp2Stream } from "node:http2";
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import { addressKey } from "../core/address_key.ts";
import { ChatError } from "../core/chat_error.ts";
import { peerAddress } from "./peer_address.ts";
import { toStatus } from "./status.ts";

export interface CallLimits {
  /** Calls of one user, live sessions included. */
  maxPerUser: number;
  /** Calls from one address (of an IPv6 /64 network), over connections over which nobody has logged in yet. */
  maxPerAddress: number;
}

export const standardCallLimits: CallLimits = { maxPerUser: 128, maxPerAddress: 128 };

/** More than the answers to as many calls as a connection may have at once. */
const maxUnreadBytes = 4 * 1024 * 1024;

interface OpenCall {
  /** What it counts for. */
  key: string;
  open: boolean;
}

/**
 * Bounds the calls that are open at once. A call is open until the client has taken its answer, or its stream is gone: one who
 * asks and takes nothing costs the server its answers, which only the client's HTTP/2 window lets go.
 */
export class OpenCalls {
  readonly #limits: CallLimits;
  readonly #ownerOf: (peer: string) => string | undefined;
  readonly #close: (peer: string) => void;
  readonly #calls = new WeakMap<Metadata, OpenCall>();
  readonly #counts = new Map<string, number>();

  /**
   * @param options.ownerOf gives the user who logged in over the connection that grpc-js names so.
   * @param options.close closes that connection.
   */
  constructor(options: {
    limits: CallLimits;
    ownerOf(peer: string): string | undefined;
    close(peer: string): void;
  }) {
    this.#limits = options.limits;
    this.#ownerOf = options.ownerOf;
    this.#close = options.close;
  }

  /** Counts each call of a server, or refuses it. */
  readonly interceptor: ServerInterceptor = (_method, call) => {
    let counted: OpenCall | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        // What has left its HTTP/2 stream waits in the socket, and that has no bound of its own.
        if (unreadBytes(call) > maxUnreadBytes) return this.#close(call.getPeer());
        try {
          counted = this.#open(call.getPeer());
        } catch (error) {
          return call.sendStatus(toStatus(error));
        }
        this.#calls.set(metadata, counted);
        next(metadata);
      })
      // grpc-js calls this once for every call: after the last of its messages has left, or when its stream closes before.
      .withOnCancel(() => counted && this.#release(counted))
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };

  /** The call with this metadata is the user's. @throws {ChatError} `limit_reached` when the user has too many. */
  belongsTo(metadata: Metadata, user: string): void {
    const call = this.#calls.get(metadata);
    if (call === undefined || !call.open || call.key === userKey(user)) return;
    const key = this.#countForUser(user);
    this.#discount(call.key);
    call.key = key;
  }

  #open(peer: string): OpenCall {
    const owner = this.#ownerOf(peer);
    if (owner !== undefined) return { key: this.#countForUser(owner), open: true };
    const refusal = "Too many calls from your address are open: take the answers of those, or log in first.";
    const key = `address ${addressKey(peerAddress(peer))}`;
    return { key: this.#count(key, { limit: this.#limits.maxPerAddress, refusal }), open: true };
  }

  #countForUser(user: string): string {
    const limit = this.#limits.maxPerUser;
    const refusal = `You have ${limit} open calls and sessions: take their answers, or end some of them first.`;
    return this.#count(userKey(user), { limit, refusal });
  }

  #count(key: string, { limit, refusal }: { limit: number; refusal: string }): string {
    const count = this.#counts.get(key) ?? 0;
    if (count >= limit) throw new ChatError("limit_reached", refusal);
    this.#counts.set(key, count + 1);
    return key;
  }

  #release(call: OpenCall): void {
    if (!call.open) return;
    call.open = false;
    this.#discount(call.key);
  }

  #discount(key: string): void {
    const count = this.#counts.get(key)!;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }
}

/** Fields of grpc-js's calls: the inner call of one that was intercepted before, or the stream. */
interface CallFields {
  readonly nextCall?: CallFields;
  readonly stream?: ServerHttp2Stream;
}

/** Bytes that wait in the call's socket, that of TLS where there is one: grpc-js keeps it to itself. */
function unreadBytes(call: ServerInterceptingCallInterface): number {
  let inner = call as unknown as CallFields;
  while (inner.nextCall !== undefined) inner = inner.nextCall;
  return inner.stream!.session?.socket?.writableLength ?? 0;
}

function userKey(user: string): string {
  return `user ${user}`;
}
