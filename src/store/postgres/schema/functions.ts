import { commitFunctions } from "./functions/commit.ts";
import { commitAppendFunctions } from "./functions/commit_append.ts";
import { mentionFunctions } from "./functions/commit_mentions.ts";
import { messageEventFunctions } from "./functions/commit_message_events.ts";
import { moveFunctions } from "./functions/commit_moves.ts";
import { roomEventFunctions } from "./functions/commit_room_events.ts";
import { lockKey } from "./fence.ts";
import { fileFunctions } from "./functions/files.ts";
import { searchFunctions } from "./functions/search.ts";
import { firstSeqAfter } from "./functions/first_seq_after.ts";
import { deleteUser } from "./functions/delete_user.ts";
import { entryRemovalFunctions } from "./functions/entry_removal.ts";
import { erasureFunctions } from "./functions/erasure.ts";
import { retentionFunctions } from "./functions/retention.ts";
import { roomRemovalFunctions } from "./functions/room_removal.ts";
import { append } from "./functions/append.ts";
import { openConsumer } from "./functions/open_consumer.ts";
import { writeHeads } from "./functions/write_heads.ts";

/**
 * The functions that nodes call, as SQL that creates or replaces them. A name ends in the version of its signature and
 * result: a later version gets a new name, so that a node of the version before can still call its own.
 */
export const functions: readonly string[] = [
  // Ends the connections of the node that held the lease before, and waits for their writes. Another schema of the
  // database may have a chat of its own. PostgreSQL cuts names of connections to 63 bytes.
  `
  CREATE OR REPLACE FUNCTION take_lease_1(wanted text, taker uuid, dead uuid, lasts interval) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE held lease; taken bigint;
  BEGIN
    SELECT * INTO held FROM lease;
    IF held.until > clock_timestamp() AND (held.node <> wanted OR held.token IS DISTINCT FROM dead) THEN
      RETURN NULL;
    END IF;
    PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a
      WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
        AND a.application_name = left(format('chatd %s %s %s', split_part(a.application_name, ' ', 2), held.generation,
          current_schema()), 63);
    PERFORM pg_advisory_xact_lock(${lockKey("fence")});
    UPDATE lease SET generation = generation + 1, node = wanted, token = taker, until = clock_timestamp() + lasts
      WHERE generation = held.generation AND until = held.until RETURNING generation INTO taken;
    RETURN taken;
  END $$;
  `,
  ...fileFunctions,
  ...searchFunctions,
  ...commitFunctions,
  ...commitAppendFunctions,
  ...messageEventFunctions,
  ...mentionFunctions,
  ...roomEventFunctions,
  ...moveFunctions,
  firstSeqAfter,
  deleteUser,
  ...entryRemovalFunctions,
  ...erasureFunctions,
  ...retentionFunctions,
  ...roomRemovalFunctions,
  append,
  openConsumer,
  writeHeads,
];
