import { resolve } from "node:path";
import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import type { ClientTls } from "../../app/client/client_options.ts";
import { stateFolder } from "../../app/client/client_state.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HostPort } from "../../host/host_port.ts";

/** Who to be, and how to get to the server. The token is with the saved login of that user and server, as for the terminal. */
export type Profile = GrpcProfile | AmqpProfile;

export interface GrpcProfile {
  readonly via: "grpc";
  readonly user: string;
  readonly server: HostPort;
  readonly tls?: ClientTls;
  /** Send secrets beyond loopback without TLS. */
  readonly insecure: boolean;
}

export interface AmqpProfile {
  readonly via: "amqp";
  readonly user: string;
  /** With a login only where everybody shares one. */
  readonly broker: BrokerUrl;
  readonly caFile?: string;
  readonly insecure: boolean;
}

export const defaultProfile = "default";
const format = 1;

/** The profile of this name; undefined when there is none. @throws {ChatError} `invalid_argument` when it cannot be read. */
export function readProfile(name: string): Profile | undefined {
  const path = pathOf(name);
  try {
    const saved = JSON.parse(Deno.readTextFileSync(path));
    if (saved?.format === format && typeof saved.profile?.user === "string") return saved.profile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (!(error instanceof SyntaxError)) throw unusable(path, error);
  }
  throw new ChatError("invalid_argument", `${path} is not a valid profile: create it again with "chatd login".`);
}

/** Keeps a profile, mode 0600 in a folder of mode 0700, in the place of one with the same name. */
export function saveProfile(name: string, profile: Profile): void {
  const path = pathOf(name);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    Deno.mkdirSync(folder(), { recursive: true, mode: 0o700 });
    const text = JSON.stringify({ format, profile: withWholePaths(profile) });
    Deno.writeTextFileSync(temporary, `${text}\n`, { createNew: true, mode: 0o600 });
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** Forgets a profile, if there is one. */
export function removeProfile(name: string): void {
  const path = pathOf(name);
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unusable(path, error);
  }
}

/** By name. */
export function profileNames(): string[] {
  try {
    const files = [...Deno.readDirSync(folder())].map(({ name }) => name);
    return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)).toSorted();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw unusable(folder(), error);
  }
}

/** A profile is used from any folder. */
function withWholePaths(profile: Profile): Profile {
  if (profile.via === "amqp") return { ...profile, ...(profile.caFile && { caFile: resolve(profile.caFile) }) };
  const { tls } = profile;
  if (tls === undefined) return profile;
  const whole = (path: string | undefined) => path === undefined ? undefined : resolve(path);
  return {
    ...profile,
    tls: { ...tls, caFile: whole(tls.caFile), certFile: whole(tls.certFile), keyFile: whole(tls.keyFile) },
  };
}

function folder(): string {
  return `${stateFolder()}/profiles`;
}

function pathOf(name: string): string {
  return `${folder()}/${name}.json`;
}

function unusable(path: string, cause: unknown): ChatError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("invalid_argument", `Cannot use ${path}: ${why}. Choose another folder with XDG_STATE_HOME.`, {
    cause,
  });
}
