/** Compares the numbers of "Over RabbitMQ" in docs/security.md with the code. */
import assert from "node:assert/strict";
import { loginsOfStrangers, maxChecksOfName, maxConnections } from "../../src/amqp/broker/broker_authority.ts";
import { maxAmqpFrameBytes, maxMessageBytes } from "../../src/amqp/broker/broker_config.ts";
import { standardGraceMs, strangerAgeMs } from "../../src/amqp/broker/broker_management.ts";
import { unlistedMs } from "../../src/amqp/broker/connection_counts.ts";
import { maxRefused, refusalMs } from "../../src/amqp/broker/refused_logins.ts";
import { eventDeadlineMs } from "../../src/amqp/senders/known_channels.ts";
import { maxCopies, maxOfStranger, traceMs } from "../../src/amqp/senders/sender_trace.ts";
import { droppedRepliesOfSender, repliesOfSender } from "../../src/amqp/server/reply_budget.ts";
import { maxUnread } from "../../src/amqp/server/unread_chunks.ts";
import { minPaidChunkBytes } from "../../src/amqp/server/upload_replies.ts";
import { registrationTtlMs } from "../../src/amqp/topology.ts";
import { maxChunkBytes } from "../../src/core/files/files.ts";
import { readDocument } from "../support/checks/documents.ts";

const kib = (bytes: number) => `${bytes / 1024} KiB`;
const seconds = (ms: number) => `${ms / 1_000} s`;
const number = (value: number) => value.toLocaleString("en-US");
/** Spells small numbers as the document does. */
const words = new Map([[1, "a"], [2, "two"], [10, "ten"]]);

/** Phrases of the section, built from the constants. */
const phrases: readonly string[] = [
  `Messages of at most ${kib(maxMessageBytes)}, 8 channels`,
  `is logged in (${maxConnections})`,
  `${standardGraceMs} ms later`,
  `At most ${words.get(maxChecksOfName)} passwords of a name are checked at a time`,
  `Frames of ${kib(maxAmqpFrameBytes)}`,
  `waits up to ${seconds(eventDeadlineMs)} for the broker to announce the channel`,
  `more than ${maxOfStranger} messages`,
  `trace the exchange of registrations for up to ${seconds(traceMs)}`,
  `trace its three exchanges for up to ${seconds(traceMs)}`,
  `in ${maxCopies} copies`,
  `${repliesOfSender.burst} at once, then ${repliesOfSender.perSecond} a second`,
  `after ${number(droppedRepliesOfSender.burst)} more requests like that`,
  `chunks of files (${maxUnread} without an acknowledgement`,
  `${(maxUnread * maxChunkBytes) / 2 ** 20} MiB a minute`,
  `chunks of at least ${kib(minPaidChunkBytes)}`,
  `get all of them refused for ${words.get(refusalMs / 60_000)} minutes`,
  `for ${number(maxRefused)} names and addresses`,
  `those of the last ${seconds(unlistedMs)}`,
  `for at most ${seconds(registrationTtlMs)}`,
  `${loginsOfStrangers.burst} may log in so at once, then one in a second`,
  `after ${words.get(strangerAgeMs / 60_000)} minute, and never by the name`,
];

Deno.test("the numbers in docs/security.md about RabbitMQ match the code", () => {
  const text = readDocument("docs/security.md").replaceAll(/\s+/g, " ");
  const section = text.slice(text.indexOf("## Over RabbitMQ"), text.indexOf("## Edits"));
  assert.deepEqual(phrases.filter((phrase) => !section.includes(phrase)), []);
  assert.equal(loginsOfStrangers.perSecond, 1);
});
