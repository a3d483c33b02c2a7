import type { Link, Transport } from "../../src/client/transport.ts";
import type { Chat } from "../../src/core/chat.ts";
import type { Credentials } from "../../src/gen/chatd/v1/auth.ts";
import type { Hello } from "../../src/gen/chatd/v1/session.ts";
import { LinkClient } from "../support/servers/link_client.ts";

/** A server with a store of its own. Disposing of it removes both. */
export interface TransportServer extends AsyncDisposable {
  readonly chat: Chat;
  /** Whether its store has the content of a file. */
  hasContent(sha256: string): Promise<boolean>;
  /** A way to the server, also after it was started again. */
  readonly transport: Transport;
  /** A link whose frames to the server are any bytes. */
  openRaw(): Promise<Link & { sendBytes(bytes: Uint8Array): void }>;
  /** Stops it; "abruptly" breaks all connections without a word. Its data stay. */
  stop(how: "in peace" | "abruptly"): Promise<void>;
  /** Starts it again after a stop, where it was. */
  start(): Promise<void>;
}

export interface TransportFixture {
  start(options?: {
    registration?: "open" | "closed";
    rate?: { perSecond: number; burst: number };
  }): Promise<TransportServer>;
  /** Reading a frame acknowledges the one before it: this transport delivers by callback. */
  acknowledgesByReading: boolean;
  /** What a disabled user meets who logs in with the right password, where others than the server say so; "permission_denied" unless given. */
  refusesDisabledAs?: "unauthenticated";
  /** Why a test may leave timers: Deno's sanitizers, both of which count them, are on unless this is given. */
  leavesTimersBecause?: string;
}

/** What a test has; all clients are closed after it. */
export interface TransportTest {
  readonly server: TransportServer;
  readonly fixture: TransportFixture;
  /** A session that has had its hello. */
  session(token: string, hello?: Partial<Hello>): Promise<LinkClient>;
  /** A link without a hello. */
  link(): Promise<LinkClient>;
}

/** Defines one test of a transport. */
export type DefineTest = (
  behaviour: string,
  run: (test: TransportTest) => Promise<void>,
  options?: Parameters<TransportFixture["start"]>[0],
) => void;

export const password = "correct horse";
export const windowBytes = 256 * 1024;

export const noHello: Hello = {
  protocolVersion: 1,
  token: "",
  consumer: "",
  resumeAfter: 0,
  epoch: "",
  callback: undefined,
  client: "a test",
};

export async function register({ transport }: TransportServer, user: string): Promise<Credentials> {
  const request = { user, password, invite: "", deviceName: `${user}'s laptop` };
  return (await transport.register(request, {})).credentials!;
}

export async function logIn({ transport }: TransportServer, user: string, secret = password): Promise<Credentials> {
  return (await transport.logIn({ user, password: secret, deviceName: "", deviceId: "" }, {})).credentials!;
}

/** Defines tests of the transport with this name. */
export function testsOf(name: string, fixture: TransportFixture): DefineTest {
  const endsTimers = fixture.leavesTimersBecause === undefined;
  const sanitizers = { sanitizeOps: endsTimers, sanitizeResources: endsTimers };
  return (behaviour, run, options) =>
    Deno.test(`${name}: ${behaviour}`, sanitizers, async () => {
      await using server = await fixture.start(options);
      const clients: LinkClient[] = [];
      const link = async () => {
        const client = await LinkClient.connect(server.transport);
        clients.push(client);
        return client;
      };
      const session = async (token: string, hello?: Partial<Hello>) => {
        const client = await link();
        await client.hello(token, hello);
        return client;
      };
      try {
        await run({ server, fixture, session, link });
      } finally {
        await Promise.all(clients.map((client) => client.close()));
      }
    });
}

/** Registers each user and opens a session. */
export async function openAll(
  server: TransportServer,
  session: TransportTest["session"],
  ...users: string[]
): Promise<LinkClient[]> {
  const clients: LinkClient[] = [];
  for (const user of users) clients.push(await session((await register(server, user)).token));
  return clients;
}
