import assert from "node:assert/strict";
import { defaultTokenLifetimeMs, standardRegistrations } from "../src/core/accounts/accounts.ts";
import { maxDevices } from "../src/core/accounts/devices.ts";
import { standardHashLimits } from "../src/core/accounts/hash_queue.ts";
import { failedLogins } from "../src/core/accounts/login_throttle.ts";
import { minPasswordLength } from "../src/core/accounts/password.ts";
import { longestRetryAfterMs } from "../src/core/chat_error.ts";
import { maxResponseBytes } from "../src/grpc/callback/callback_connection.ts";
import { strangerLimits } from "../src/grpc/callback/callback_listener.ts";
import { standardSlots } from "../src/grpc/callback/dial_callback.ts";
import { maxHeldLists, otherHeldBytes } from "../src/grpc/http2/connection_limits.ts";
import { idleFrames, resets } from "../src/grpc/http2/frame_budget.ts";
import { maxBlockBytes } from "../src/grpc/http2/header_assembly.ts";
import { standardAnswerDeadlineMs } from "../src/grpc/server/answer_deadline.ts";
import { revokedDrainMs } from "../src/grpc/server/client_connection.ts";
import { standardLimits } from "../src/grpc/server/connection_guard.ts";
import { standardConnectionRate } from "../src/grpc/server/connection_rate.ts";
import { standardCallLimits } from "../src/grpc/server/open_calls.ts";
import {
  maxHeaderListBytes,
  strangersQueuedBytes,
  streamWindow,
  userConnectionWindow,
  userQueuedBytes,
} from "../src/grpc/server/server_limits.ts";
import { currentParameters } from "../src/host/scrypt_hasher.ts";
import { dialDeadlineMs } from "../src/session/delivery_route.ts";
import { maxRequests } from "../src/session/request_queue.ts";
import { maxFrameBytes } from "../src/wire/limits.ts";
import { readDocument } from "./support/checks/documents.ts";

const number = (value: number) => value.toLocaleString("en-US");
const seconds = (ms: number) => `${ms / 1_000} s`;
const kibibytes = (bytes: number) => `${Math.floor(bytes / 1024)} KiB`;
const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
const days = (ms: number) => `${ms / 86_400_000} days`;
const words = ["none", "one", "two", "three", "four"];
const { logN, r, p } = currentParameters;
const { running, waiting, maxWaitMs } = standardHashLimits;

/** "2 minutes": how long one failure takes to be forgiven. */
function every({ perSecond }: { perSecond: number }): string {
  const s = Math.round(1 / perSecond);
  return s >= 120 ? `${s / 60} minutes` : `${s} s`;
}

const row = (name: string, limit: { burst: number; perSecond: number }) =>
  `| ${name} | ${limit.burst} | ${every(limit)} |`;

/** Phrases of docs/security.md, made of the constants of the code. */
const phrases = [
  `have ${minPasswordLength} characters at least`,
  `scrypt (N=2^${logN}, r=${r}, p=${p}: ${128 * r * 2 ** logN / 2 ** 20} MiB`,
  `an expiry of ${days(defaultTokenLifetimeMs)} after the last use; ${maxDevices} devices a user`,
  row("one name from one address", failedLogins.byAddressAndName),
  row("one address", failedLogins.byAddress),
  row("one name from everywhere", failedLogins.byName),
  `for each name (${failedLogins.brokeredByName.burst} at once, then one in ${every(failedLogins.brokeredByName)})`,
  `for all of them together (${failedLogins.brokered.burst}, then one in a second)`,
  `bounded: ${words[running]} at once, ${waiting} waiting for ${seconds(maxWaitMs)} at most`,
  `${standardRegistrations.burst} from an address at once, then one in ${every(standardRegistrations)}`,
  `${standardLimits.maxStrangersPerAddress} connections of an address (of an IPv6 /64), and ${
    number(standardLimits.maxStrangers)
  } in all`,
  `${standardConnectionRate.perAddress.burst} of an address at once, then ${standardConnectionRate.perAddress.perSecond}`,
  `${
    number(standardConnectionRate.inAll.burst)
  } of all addresses at once, then ${standardConnectionRate.inAll.perSecond}`,
  `fill the ${number(standardLimits.maxStrangers / 2)} places of strangers`,
  `within ${standardAnswerDeadlineMs / 60_000} to ${2 * standardAnswerDeadlineMs / 60_000} minutes`,
  `each is closed ${seconds(standardLimits.logInDeadlineMs)} after it was opened`,
  `${standardLimits.maxPerUser} connections of a user, and ${standardCallLimits.maxPerUser} calls of one`,
  `ends the connection too, within ${seconds(revokedDrainMs)}`,
  `- ${number(standardLimits.maxPerAddress)} connections of an address, with and without users`,
  `While ${mebibytes(standardCallLimits.maxUnreadBytes)} of answers`,
  `at most ${kibibytes(2 * streamWindow)} of requests (${mebibytes(2 * userConnectionWindow)} after a log-in), ${
    mebibytes(strangersQueuedBytes)
  } of answers that the client has not taken (${mebibytes(userQueuedBytes)}), ${
    kibibytes(3 * maxHeldLists * maxHeaderListBytes)
  } of header lists, and ${kibibytes(otherHeldBytes)} besides`,
  `it broke a rule: ${resets.burst} at once, then ${resets.perSecond} a second`,
  `unknown types): ${number(idleFrames.burst)} at once, then ${idleFrames.perSecond} a second`,
  `**A header block**: ${kibibytes(maxBlockBytes)}`,
  `Its fields may take ${kibibytes(maxHeaderListBytes)}`,
  `field by field, at most ${maxFrameBytes / 1024} KiB`,
  `more than ${number(maxRequests)} requests waiting is ended`,
  `A dial has ${seconds(dialDeadlineMs)}`,
  `${standardSlots.perAddress} dials are in progress to an address, ${standardSlots.inAll} in all`,
  `an answer longer than ${maxResponseBytes / 1024} KiB`,
  `has ${strangerLimits.strangersPerAddress} connections of an address, and ${strangerLimits.strangers} in all, for ${
    seconds(strangerLimits.secretDeadlineMs)
  } each`,
  `make a client wait for ${longestRetryAfterMs / 60_000} minutes at most`,
];

Deno.test("the numbers that docs/security.md names for accounts, connections and callbacks are those of the code", () => {
  const text = readDocument("docs/security.md").replaceAll(/\s+/g, " ").replaceAll(/ +\|/g, " |");
  assert.deepEqual(phrases.filter((phrase) => !text.includes(phrase)), []);
});
