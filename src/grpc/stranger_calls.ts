import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from "@grpc/grpc-js";
import { addressKey } from "../core/address_key.ts";
import { ChatError } from "../core/chat_error.ts";
import { AuthServiceService } from "../gen/chatd/v1/auth_service.ts";
import { peerAddress } from "./peer_address.ts";
import { reflectionPaths } from "./reflection.ts";
import { codeKey, toStatus } from "./status.ts";
import { StrangersBudget, strangersCosts, type StrangersLimits } from "./strangers_budget.ts";

const accountPaths = new Set<string>([AuthServiceService.logIn.path, AuthServiceService.register.path]);
const reflection = new Set(reflectionPaths);

/** The connections of the server, which grpc-js names by "127.0.0.1:51234". */
export interface StrangerConnections {
  /** The user who logged in first over it. */
  ownerOf(peer: string): string | undefined;
  /** Counts one more call beyond the budget. @returns how many there were over this connection. */
  countCallBeyond(peer: string): number;
  close(peer: string): void;
}

interface OpenCall {
  readonly peer: string;
  isLoggedIn: boolean;
  /** The call was one too many of its user. */
  isRefused: boolean;
}

/**
 * Charges each call that no good token came with, and each that was above its user's rate: to the user whose connection it
 * comes over, otherwise to its address.
 */
export class StrangerCalls {
  readonly #limits: StrangersLimits;
  readonly #budget: StrangersBudget;
  readonly #connections: StrangerConnections;
  readonly #open = new WeakMap<Metadata, OpenCall>();

  constructor(limits: StrangersLimits, connections: StrangerConnections) {
    this.#limits = limits;
    this.#budget = new StrangersBudget(limits);
    this.#connections = connections;
  }

  /** Charges the calls that reach a handler. */
  readonly interceptor: ServerInterceptor = ({ path }, call) => {
    let opened: OpenCall | undefined;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const peer = call.getPeer();
        if (this.#isTooMany(peer)) return this.#close(peer);
        opened = { peer, isLoggedIn: false, isRefused: false };
        this.#open.set(metadata, opened);
        try {
          if (accountPaths.has(path)) this.#admitAccount(peer);
          if (reflection.has(path)) this.admitReflection(peer, strangersCosts.reflection);
        } catch (error) {
          return call.sendStatus(toStatus(error));
        }
        next(metadata);
      })
      // Once for every call, see `OpenCalls`.
      .withOnCancel(() => {
        if (opened !== undefined && (!opened.isLoggedIn || opened.isRefused)) this.#charge(opened.peer);
      })
      .build();
    const responder = new ResponderBuilder()
      .withStart((next) => next(listener))
      .withSendStatus((sent, next) => {
        if (opened !== undefined) opened.isRefused = sent.metadata?.get(codeKey)[0] === "rate_limited";
        next(sent);
      })
      .build();
    return new ServerInterceptingCall(call, responder);
  };

  /** Counts a call that grpc-js refuses by itself. */
  refusedByLibrary(peer: string): void {
    this.#charge(peer);
    // grpc-js is about to answer over the connection.
    if (this.#isTooMany(peer)) queueMicrotask(() => this.#close(peer));
  }

  /** The call with this metadata came with a good token or password. */
  loggedIn(metadata: Metadata): void {
    const call = this.#open.get(metadata);
    if (call !== undefined) call.isLoggedIn = true;
  }

  /** Takes the cost of reflection from the budget before it is done. @throws {ChatError} `rate_limited` */
  admitReflection(peer: string, cost: number): void {
    refuseFor(this.#budget.takeReflection(this.#keyOf(peer), cost));
  }

  /** Milliseconds that a new connection from the address has to wait, until a log-in over it can be paid for. */
  holdMs(address: string): number {
    return this.#budget.waitMs(addressKey(address), strangersCosts.call + strangersCosts.account);
  }

  /** A connection was closed over which nobody had logged in. */
  strangerGone(address: string): void {
    this.#budget.spend(addressKey(address), strangersCosts.connection);
  }

  /** Always paid by the address: otherwise several users at one address could try as many passwords as several addresses. */
  #admitAccount(peer: string): void {
    refuseFor(this.#budget.take(addressKey(peerAddress(peer)), strangersCosts.account));
  }

  #charge(peer: string): void {
    this.#budget.spend(this.#keyOf(peer), strangersCosts.call);
  }

  #isTooMany(peer: string): boolean {
    if (!this.#budget.isUsedUp(this.#keyOf(peer))) return false;
    return this.#connections.countCallBeyond(peer) > this.#limits.callsBeyond;
  }

  #close(peer: string): void {
    // A user may log in over the next one at once: the address pays for what the connection was given beyond the budget.
    if (this.#connections.ownerOf(peer) !== undefined) {
      this.#budget.spend(addressKey(peerAddress(peer)), this.#limits.callsBeyond + strangersCosts.connection);
    }
    this.#connections.close(peer);
  }

  #keyOf(peer: string): string {
    const owner = this.#connections.ownerOf(peer);
    return owner === undefined ? addressKey(peerAddress(peer)) : `user ${owner}`;
  }
}

/** @throws {ChatError} `rate_limited` when there is something to wait for */
function refuseFor(retryAfterMs: number): void {
  if (retryAfterMs === 0) return;
  const wait = Math.ceil(retryAfterMs / 1000);
  throw new ChatError("rate_limited", `Too many requests without a login: wait ${wait} s.`, { retryAfterMs });
}
