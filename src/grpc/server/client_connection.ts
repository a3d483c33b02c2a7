import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Identity, Revocation } from "../../core/accounts/identity.ts";
import { addressKey } from "../../core/address_key.ts";
import type { Http2Connection } from "../http2/connection.ts";
import { closeWith } from "../tls_socket.ts";

/** Devices that a connection remembers; one with more belongs to a proxy and outlives each of them. */
const maxDevices = 16;

/** Time for the calls of a connection to end after its last device was logged out, in milliseconds. */
export const revokedDrainMs = 2_000;

/** A device of a user. */
export type Device = Pick<Identity, "user" | "deviceId">;

/** One connection to the server, from its acceptance to its end. */
export class ClientConnection {
  /** The peer's address; an IPv4 address is in dotted form, even if it was mapped into IPv6. */
  readonly address: string;
  /** The key by which limits count addresses. */
  readonly addressKey: string;
  /** The user who logged in first; calls over the connection count for this user. */
  owner: string | undefined;
  /** Calls beyond the budget of strangers. */
  callsBeyond = 0;
  /** Checks by {@link Keepalive} since octets arrived. */
  silentTicks = 0;
  /** Undefined until the TLS handshake is done. */
  http2: Http2Connection | undefined;
  /** The TLS socket, if there is one: see {@link closeWith}. */
  #socket: Socket;
  /** Devices that logged in over the connection and are not revoked. */
  #devices: Device[] = [];
  /** Users who logged in after {@link owner}. */
  #moreUsers: Set<string> | undefined;
  #isShared = false;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;
  #closing: ReturnType<typeof setImmediate> | undefined;

  /** Wraps a socket. @param onClosed is called once the socket is closed */
  constructor(socket: Socket, onClosed: (connection: ClientConnection) => void) {
    const { remoteAddress = "" } = socket;
    this.#socket = socket;
    this.address = remoteAddress.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "");
    this.addressKey = addressKey(remoteAddress);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(this.#drainTimer);
      this.http2?.lost();
      onClosed(this);
    });
  }

  /** Whether no call is open. */
  get isIdle(): boolean {
    return (this.http2?.streams ?? 0) === 0;
  }

  /** Lists the users who logged in over the connection. */
  *users(): Iterable<string> {
    if (this.owner !== undefined) yield this.owner;
    if (this.#moreUsers !== undefined) yield* this.#moreUsers;
  }

  /** Switches to the TLS socket when the handshake is done. */
  secured(secure: TLSSocket): void {
    const socket = this.#socket;
    this.#socket = secure;
    closeWith(secure, socket);
  }

  /** Remembers a device that logged in. */
  addDevice({ user, deviceId }: Device): void {
    if (user !== this.owner) (this.#moreUsers ??= new Set()).add(user);
    if (this.#isShared || this.#devices.some((known) => known.user === user && known.deviceId === deviceId)) return;
    // Most connections have one device, and an array that was pushed to reserves room for many.
    this.#devices = this.#devices.concat({ user, deviceId });
    if (this.#devices.length <= maxDevices) return;
    this.#isShared = true;
    this.#devices = [];
  }

  /** Forgets revoked devices, and shuts down when no device is left. */
  revoke({ user, deviceId, exceptDeviceId }: Revocation): void {
    const isRevoked = (device: Device) =>
      device.user === user && (deviceId ?? device.deviceId) === device.deviceId && device.deviceId !== exceptDeviceId;
    const left = this.#devices.filter((device) => !isRevoked(device));
    const isOver = left.length === 0 && this.#devices.length > 0;
    this.#devices = left;
    if (isOver) this.drain(revokedDrainMs);
  }

  /** Asks the client to open no more calls, and closes when the open ones have ended, or after `deadlineMs`. */
  drain(deadlineMs: number): void {
    if (this.http2 === undefined) return this.close();
    this.http2.drain();
    this.#drainTimer ??= setTimeout(() => this.close(), deadlineMs);
  }

  /** Removes the deadline for open calls; no further ones are accepted. */
  cancelDrain(): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
  }

  /** Closes at once; no more frames are accepted. Idempotent. */
  close(): void {
    this.http2?.lost();
    // Not within an event of the TLS socket: see `closeWith`.
    this.#closing ??= setImmediate(() => this.#socket.destroy());
  }
}
