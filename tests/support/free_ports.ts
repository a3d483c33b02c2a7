import { createServer } from "node:net";

/**
 * Returns ports of 127.0.0.1 that are free now, all different. They lie below the range from which systems give ports to
 * clients, which begins at 32768 on Linux and at 49152 elsewhere.
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
