import { resolve } from "node:path";
import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import type { ClientTls } from "../../app/client/client_options.ts";
import { stateFolder } from "../../app/client/client_state.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HostPort, HostPorts } from "../../host/host_port.ts";
import { pathReason } from "../../core/system_error.ts";

/** A user and the way to the server. The token is in a saved login. */
export type Profile = GrpcProfile | AmqpProfile;

interface AnyProfile {
  readonly user: string;
  /**
   * The name of its own saved login. Without it, the profile has the login of the chat client of that user and server:
   * so have the default profile, and all profiles of older versions.
   */
  readonly ownLogin?: string;
}

export interface GrpcProfile extends AnyProfile {
  readonly via: "grpc";
  readonly servers: HostPorts;
  readonly tls?: ClientTls;
  /** Allows sending secrets beyond loopback without TLS. */
  readonly insecure: boolean;
}

export interface AmqpProfile extends AnyProfile {
  readonly via: "amqp";
  /** Contains a login only if all users share one. */
  readonly broker: BrokerUrl;
  readonly caFile?: string;
  readonly insecure: boolean;
}

export const defaultProfile = "default";
const format = 1;

/** Returns a profile; undefined if it does not exist. @throws {ChatError} `invalid_argument` if it cannot be read */
export function readProfile(name: string): Profile | undefined {
  const path = pathOf(name);
  try {
    const saved = JSON.parse(Deno.readTextFileSync(path));
    if (saved?.format === format && typeof saved.profile?.user === "string") return withServers(saved.profile);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (!(error instanceof SyntaxError)) throw unusableError(path, error);
  }
  throw new ChatError("invalid_argument", `${path} is not a valid profile: create it again with "chatd login".`);
}

/** Returns a profile. @throws {ChatError} `unauthenticated` if it does not exist */
export function requireProfile(name: string): Profile {
  const profile = readProfile(name);
  if (profile !== undefined) return profile;
  throw missingProfile(name);
}

/** Returns the error for a profile that does not exist. */
export function missingProfile(name: string): ChatError {
  const option = name === defaultProfile ? "" : ` --profile ${name}`;
  const others = profileNames();
  const saved = others.length === 0 ? "" : ` Saved profiles, for --profile: ${others.join(", ")}.`;
  return new ChatError(
    "unauthenticated",
    `There is no profile "${name}": create it with "chatd login${option} --user NAME --server HOST:PORT", or with ` +
      `--broker URL for RabbitMQ.${saved}`,
  );
}

/** Saves or replaces a profile, with mode 0600 in a folder with mode 0700. */
export function saveProfile(name: string, profile: Profile): void {
  const path = pathOf(name);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    Deno.mkdirSync(folder(), { recursive: true, mode: 0o700 });
    const text = JSON.stringify({ format, profile: withFirstServer(withAbsolutePaths(profile)) });
    Deno.writeTextFileSync(temporary, `${text}\n`, { createNew: true, mode: 0o600 });
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw unusableError(path, error);
  }
}

/** Deletes a profile, if it exists. */
export function removeProfile(name: string): void {
  const path = pathOf(name);
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unusableError(path, error);
  }
}

/** Returns the names of all profiles, sorted. */
export function profileNames(): string[] {
  try {
    const files = [...Deno.readDirSync(folder())].map(({ name }) => name);
    return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)).toSorted();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw unusableError(folder(), error);
  }
}

/** Whether two profiles use the same saved login. */
export function haveSameLogin(one: Profile, other: Profile): boolean {
  return one.ownLogin === other.ownLogin && isSameUser(one, other);
}

/** Whether two profiles are of the same user at the same address, of the first server if there are several. */
export function isSameUser(one: Profile, other: Profile): boolean {
  if (one.user !== other.user) return false;
  if (one.via === "grpc") return other.via === "grpc" && isSameAddress(one.servers[0], other.servers[0]);
  return other.via === "amqp" && isSameAddress(one.broker.address, other.broker.address);
}

/** Compares two addresses of servers or of brokers. */
export function isSameAddress(one: object, other: object): boolean {
  const sorted = (value: object) => JSON.stringify(Object.entries(value).toSorted());
  return sorted(one) === sorted(other);
}

/** Completes a profile of an older version, which has one server. */
function withServers(saved: Profile & { readonly server?: HostPort }): Profile {
  if (saved.via === "amqp" || saved.servers !== undefined) return saved;
  const { server, ...profile } = saved;
  return { ...profile, servers: [server!] };
}

/** Adds the field that older versions read. */
function withFirstServer(profile: Profile): object {
  return profile.via === "amqp" ? profile : { ...profile, server: profile.servers[0] };
}

/** Makes paths absolute, because a profile is used from any folder. */
function withAbsolutePaths(profile: Profile): Profile {
  if (profile.via === "amqp") return { ...profile, ...(profile.caFile && { caFile: resolve(profile.caFile) }) };
  const { tls } = profile;
  if (tls === undefined) return profile;
  const absolute = (path: string | undefined) => path === undefined ? undefined : resolve(path);
  return {
    ...profile,
    tls: { ...tls, caFile: absolute(tls.caFile), certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) },
  };
}

function folder(): string {
  return `${stateFolder()}/profiles`;
}

function pathOf(name: string): string {
  return `${folder()}/${name}.json`;
}

function unusableError(path: string, cause: unknown): ChatError {
  return new ChatError(
    "invalid_argument",
    `Cannot use ${path}: ${pathReason(cause)}. Choose another folder with XDG_STATE_HOME.`,
    { cause },
  );
}
