import { isPortFree } from "../../host/port_probe.ts";

/** Ports that were returned and may not be in use yet: another call must not return them again. */
const given = new Set<number>();

/**
 * Returns different ports of 127.0.0.1 that are free now, below the ephemeral ports that systems assign to clients: 32768
 * and up on Linux, 49152 and up elsewhere. No call returns a port of an earlier one.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 15_000 + Math.floor(17_000 * Math.random());
    if (given.has(port)) continue;
    given.add(port);
    if (await isPortFree(port)) ports.add(port);
  }
  return [...ports];
}
