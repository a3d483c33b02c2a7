import { type Key, KeyDecoder } from "./key_decoder.ts";
import type { TerminalDevice } from "./terminal_device.ts";

/** Yields the keys of each read, until the input ends or `signal` aborts. ESC alone is a key after a short wait. */
export async function* readKeys(
  device: Pick<TerminalDevice, "read">,
  signal: AbortSignal,
): AsyncGenerator<readonly Key[], void> {
  const decoder = new KeyDecoder();
  const left = new AbortController();
  let reading: Promise<Uint8Array | undefined> | undefined;
  try {
    for (;;) {
      reading ??= device.read(AbortSignal.any([signal, left.signal]));
      const { patienceMs } = decoder;
      if (patienceMs !== undefined && !await endsWithin(reading, patienceMs)) {
        yield decoder.expire();
        continue;
      }
      const bytes = await reading;
      reading = undefined;
      if (bytes === undefined) return;
      yield decoder.decode(bytes);
    }
  } finally {
    left.abort();
  }
}

async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
