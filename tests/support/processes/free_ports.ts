import { tmpdir } from "node:os";
import { isPortFree } from "../../../src/host/port_probe.ts";

/** Ports below those that systems give to clients, which begin at 32768 on Linux and at 49152 elsewhere. */
const firstPort = 15_000;
const sliceLength = 50;
const slices = 340;

const slice = takeSlice();
let given = 0;

/**
 * Returns ports of 127.0.0.1 that are free, all different. No other process gets them from this function: a port is often
 * bound seconds later, by a broker that starts.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === sliceLength) throw new Error(`fewer than ${count} of the ports from ${slice.firstPort} are free`);
    const port = slice.firstPort + given++ % sliceLength;
    if (await isPortFree(port)) ports.push(port);
  }
  return ports;
}

/** Takes a part of the ports for this process. The file's lock ends with the process. */
function takeSlice(): { readonly firstPort: number; readonly lock: Deno.FsFile } {
  const folder = `${tmpdir()}/chatd-test-ports`;
  Deno.mkdirSync(folder, { recursive: true });
  const begin = Math.floor(Math.random() * slices);
  for (let step = 0; step < slices; step++) {
    const number = (begin + step) % slices;
    const lock = Deno.openSync(`${folder}/${number}`, { write: true, create: true });
    if (lock.tryLockSync(true)) return { firstPort: firstPort + number * sliceLength, lock };
    lock.close();
  }
  throw new Error(`all ${slices} files of ${folder} are locked`);
}
