import { WriterMemory } from "../../../src/store/sqlite/writer/writer_memory.ts";

/** Indexes of 32-bit words by which a test directs the worker. */
export const turnWord = {
  /** Turns that the worker took so far. */
  taken: 0,
  /** 1 from then on, the worker finishes its turns. */
  mayFinish: 1,
} as const;

/** The message to the worker. */
export interface TurnOrders {
  readonly memory: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

/** The failure of each turn. */
export const turnFailure = { message: "no store", resultCode: 99 };

/** Takes turns as a writer thread does, without a store. */
function takeTurns({ memory: buffer, words: shared }: TurnOrders): void {
  const memory = new WriterMemory(buffer);
  const words = new Int32Array(shared);
  const records = new Uint8Array(64);
  for (;;) {
    const { length } = memory.awaitTurn(records);
    Atomics.add(words, turnWord.taken, 1);
    Atomics.wait(words, turnWord.mayFinish, 0);
    memory.finish(turnFailure);
    if (length === 0) return;
  }
}

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as { onmessage(event: MessageEvent<TurnOrders>): void; close(): void };
  scope.onmessage = ({ data }) => {
    takeTurns(data);
    scope.close();
  };
}
