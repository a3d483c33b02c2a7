import { turns } from "../waiting/turns.ts";

// Captured here, so that fake time does not stop it.
const { setTimeout } = globalThis;

let latenessMs = 0;
const underway = new Set<Promise<void>>();

/** Lets the stores of all chats of this process that are opened from now on answer late. */
export function makeStoresLate(ms: number): void {
  latenessMs = ms;
}

/** Whether stores answer late; a real database does by itself. */
export function storesAnswerLate(): boolean {
  return latenessMs > 0;
}

/** Returns the number of runs of a property test that makes `runs` on stores that answer at once. */
export function propertyRuns(runs: number): number {
  return latenessMs > 0 ? Math.ceil(runs / 4) : runs;
}

/** Returns a store whose state changes at once, and whose answers arrive late: it is ahead of the memory of its user. */
export function answeringLate<Store extends object>(store: Store, ms = latenessMs): Store {
  if (ms === 0) return store;
  return new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const answer = value.apply(target, args);
        return answer instanceof Promise ? late(answer, ms) : answer;
      };
    },
  });
}

/**
 * Resolves when no answer is late, except of stores that a test holds. Between two answers there may be none for some
 * turns.
 */
export async function allAnswered(): Promise<void> {
  do {
    await Promise.all(underway);
    await turns(3);
  } while (underway.size > 0);
}

async function late<T>(answer: Promise<T>, ms: number): Promise<T> {
  const delay = new Promise<void>((resolve) => setTimeout(resolve, ms));
  underway.add(delay);
  answer.catch(() => {}); // Awaited later, and not unhandled until then.
  await delay;
  underway.delete(delay);
  return await answer;
}
