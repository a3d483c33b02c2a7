import { createServer } from "node:net";

/**
 * Ports of 127.0.0.1 that are free right now, all different, and none that a system hands out by itself, as to clients:
 * those come from 32768 on (Linux), or 49152 on.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 15_000 + Math.floor(17_000 * Math.random());
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const listener = createServer();
  return new Promise((resolve, reject) => {
    listener.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)));
  });
}
