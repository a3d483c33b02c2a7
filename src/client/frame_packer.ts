import type { ClientFrame, Request } from "../gen/chatd/v1/session.ts";
import { maxFrameBytes } from "../wire/limits.ts";

/** Tag and length of a request within its frame. */
const requestOverhead = 8;

/** Packs requests, each with its size in bytes, in their order into as few frames as possible. */
export function packFrames(requests: Iterable<{ request: Request; bytes: number }>): ClientFrame[] {
  const frames: ClientFrame[] = [];
  let frameBytes = Infinity;
  for (const { request, bytes } of requests) {
    const size = bytes + requestOverhead;
    if (frameBytes + size > maxFrameBytes) {
      frames.push({ requests: [] });
      frameBytes = 0;
    }
    frames[frames.length - 1].requests.push(request);
    frameBytes += size;
  }
  return frames;
}
