import { createServer } from "node:net";

/** Reports whether a program can listen on a port of 127.0.0.1 now. */
export function isPortFree(port: number): Promise<boolean> {
  const listener = createServer();
  return new Promise((resolve, reject) => {
    listener.once("error", (error: Error & { code?: string }) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)));
  });
}
