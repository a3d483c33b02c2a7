import type { Registration } from "../core/accounts/registration.ts";
import type { AmqpOptions, ServerOptions } from "./server_options.ts";
import type { TransportServer } from "./transport_server.ts";

/** Returns the registration policy over the broker, which admits no strangers by default. */
export function amqpRegistrationPolicy(
  { registration, amqpRegistration, sharedLogin }:
    & Pick<ServerOptions, "registration">
    & Pick<AmqpOptions, "amqpRegistration" | "sharedLogin">,
): Registration {
  return amqpRegistration || sharedLogin ? registration : "closed";
}

/** Formats the registration policy for people, of each transport if they differ. */
export function formatRegistration(servers: readonly Pick<TransportServer, "protocol" | "registration">[]): string {
  const policies = new Set(servers.map(({ registration }) => registration));
  if (policies.size === 1) return `registration ${[...policies][0]}`;
  return `registration ${servers.map(({ protocol, registration }) => `${registration} over ${protocol}`).join(", ")}`;
}
