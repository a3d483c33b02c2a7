/** All attacks on the port of a gRPC server. Each is one shot; the suite repeats it with other random choices. */
import type { Attack } from "./attack.ts";
import { connectionAttacks } from "./connection_attacks.ts";
import { floodAttacks } from "./flood_attacks.ts";
import { frameAttacks } from "./frame_attacks.ts";
import { streamAttacks } from "./stream_attacks.ts";
import { tlsAttacks } from "./tls_attacks.ts";

export const attacks: readonly Attack[] = [
  ...connectionAttacks,
  ...streamAttacks,
  ...frameAttacks,
  ...tlsAttacks,
  ...floodAttacks,
];
