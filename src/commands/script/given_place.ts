import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import type { ClientTls } from "../../app/client/client_options.ts";
import type { HostPort, HostPorts } from "../../host/host_port.ts";
import { clientTls } from "../options/client_tls.ts";
import type { Sourced } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import { isSameAddress, isSameUser, type Profile } from "./profiles.ts";

/** The settings of a connection that the command line or the environment gives. */
export interface GivenPlace extends ClientTls {
  readonly user?: string;
  readonly via?: "grpc" | "amqp";
  readonly servers?: HostPorts;
  readonly broker?: BrokerUrl;
  readonly tls?: boolean;
  readonly insecure?: boolean;
}

/** The settings with their sources. */
export type SourcedPlace = { readonly [Name in keyof GivenPlace]?: Sourced<NonNullable<GivenPlace[Name]>> };

const standardServers: HostPorts = [{ host: "127.0.0.1", port: 50051 }];
const standardBroker = { address: { tls: false, host: "127.0.0.1", port: 5672, vhost: "/" } };

/**
 * Decides between the sources: the command line beats the environment, for the transport too, which follows from the
 * server or the broker unless it is given.
 * @param sources.onlyCommandLine ignores the environment
 * @throws {UsageError} if the command line has a server and a broker
 */
export function givenPlace(sourced: SourcedPlace, { onlyCommandLine = false } = {}): GivenPlace {
  const kept = Object.entries(sourced)
    .filter(([, given]) => given !== undefined && (!onlyCommandLine || given.from === "command line"));
  const place: GivenPlace = Object.fromEntries(kept.map(([name, { value }]) => [name, value]));
  const via = givenVia(Object.fromEntries(kept.filter(([, { from }]) => from === "command line"))) ??
    place.via ?? impliedVia(place);
  if (via === undefined) return place;
  const { servers, broker, ...rest } = place;
  const address = via === "grpc" ? servers && { servers } : broker && { broker };
  return { ...rest, via, ...address };
}

/** Returns the transport that the command line chooses. */
function givenVia({ via, servers, broker }: SourcedPlace): "grpc" | "amqp" | undefined {
  if (via !== undefined) return via.value;
  if (servers !== undefined && broker !== undefined) throw bothGiven();
  return impliedVia({ servers: servers?.value, broker: broker?.value });
}

function impliedVia({ servers, broker }: GivenPlace): "grpc" | "amqp" | undefined {
  if (servers === undefined) return broker === undefined ? undefined : "amqp";
  return broker === undefined ? "grpc" : undefined;
}

function bothGiven(): UsageError {
  return new UsageError("--server and --broker exclude each other, unless --via chooses one.");
}

/**
 * Completes given settings with those of a profile, and with the defaults. The encryption of a profile belongs to its
 * servers alone, and its own login to its user there. @throws {UsageError}
 */
export function completePlace(given: GivenPlace & { readonly user: string }, profile?: Profile): Profile {
  const place = placeOf(given, profile);
  if (profile?.ownLogin === undefined || !isSameUser(place, profile)) return place;
  return { ...place, ownLogin: profile.ownLogin };
}

function placeOf(given: GivenPlace & { readonly user: string }, profile?: Profile): Profile {
  const { user } = given;
  if (given.via === undefined && profile === undefined && given.servers && given.broker) throw bothGiven();
  if ((given.via ?? profile?.via) === "amqp") {
    const own = profile?.via === "amqp" ? profile : undefined;
    const broker = given.broker ?? own?.broker ?? standardBroker;
    const same = own !== undefined && isSameAddress(broker.address, own.broker.address) ? own : undefined;
    const { caFile = same?.caFile, insecure = same?.insecure ?? false } = given;
    return { via: "amqp", user, broker, caFile, insecure };
  }
  const own = profile?.via === "grpc" ? profile : undefined;
  const servers = given.servers ?? own?.servers ?? standardServers;
  const isOwn = (server: HostPort) => own?.servers.some((other) => isSameAddress(server, other));
  const same = servers.every(isOwn) ? own : undefined;
  const { insecure = same?.insecure ?? false } = given;
  return { via: "grpc", user, servers, tls: tlsOf(given, same?.tls), insecure };
}

function tlsOf({ tls, caFile, serverName, certFile, keyFile }: GivenPlace, profile?: ClientTls): ClientTls | undefined {
  const kept = tls === false ? undefined : profile;
  return clientTls(tls ?? kept !== undefined, {
    caFile: caFile ?? kept?.caFile,
    serverName: serverName ?? kept?.serverName,
    certFile: certFile ?? kept?.certFile,
    keyFile: keyFile ?? kept?.keyFile,
  });
}
