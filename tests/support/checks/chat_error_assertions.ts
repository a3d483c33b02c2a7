import assert from "node:assert/strict";
import { ChatError, type ChatErrorCode } from "../../../src/core/chat_error.ts";

/** The `ChatError` that `promise` rejects with; fails unless it does, with this code. */
export async function rejectsWith(code: ChatErrorCode, promise: Promise<unknown>): Promise<ChatError> {
  const [result] = await Promise.allSettled([promise]);
  assert.equal(result.status, "rejected", `resolved, where ${code} was expected`);
  return asChatError(code, (result as PromiseRejectedResult).reason);
}

/** The `ChatError` that `call` throws; fails unless it does, with this code. */
export function throwsWith(code: ChatErrorCode, call: () => unknown): ChatError {
  try {
    call();
  } catch (thrown) {
    return asChatError(code, thrown);
  }
  assert.fail(`returned, where ${code} was expected`);
}

function asChatError(code: ChatErrorCode, thrown: unknown): ChatError {
  if (!(thrown instanceof ChatError)) throw thrown;
  assert.equal(thrown.code, code, thrown.message);
  return thrown;
}
