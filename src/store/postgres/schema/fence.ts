/**
 * A fence keeps a node that lost its lease from writing. Each connection that may write tells the generation of its
 * node's lease (`chatd.generation`), and a trigger of every table compares it with the present one, so no statement can
 * forget to. A transaction that passed holds a shared lock until it ends, for which a takeover waits.
 */

/**
 * Tables that the fence leaves out: they are written by conditions of their own, also by nodes that stand by and by
 * commands; schema_version by migrations alone.
 */
export const unfencedTables: readonly string[] = ["lease", "schema_version", "node", "secret", "operator_request"];

/** The SQLSTATE of a write that the fence refuses. */
export const fencedState = "CH002";

/** The SQLSTATE of a write at an isolation level that hides earlier commits from it. */
export const isolationState = "CH000";

/**
 * SQL: the key of an advisory lock of this schema. "log" orders commits, "fence" writes and takeovers, "names" new names
 * of users, "audit" additions to the audit log. A transaction that needs several takes them in this order: "log",
 * "names", the row of a user. A transaction that changes rows which commits check needs "log".
 */
export function lockKey(purpose: "log" | "fence" | "names" | "audit"): string {
  const keys = { log: 1_667_785_076, fence: 1_667_785_077, names: 1_667_785_079, audit: 1_667_785_080 };
  return `${keys[purpose]}, hashtext(current_schema())`;
}

/** SQL that creates the trigger's function, and the trigger on each table without it. Runs in the schema of chatd. */
export const createFences = `
CREATE OR REPLACE FUNCTION refuse_former_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A later snapshot than that of the statement is needed below.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'writes need the isolation level read committed' USING ERRCODE = '${isolationState}';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(${lockKey("fence")});
  IF current_setting('chatd.generation', true) IS DISTINCT FROM (SELECT generation::text FROM lease) THEN
    RAISE EXCEPTION 'another node holds the lease' USING ERRCODE = '${fencedState}';
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND c.relname <> ALL ('{${unfencedTables}}')
    AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'fence')
  LOOP
    EXECUTE format('CREATE TRIGGER fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_former_owner()', name);
  END LOOP;
END $$;
`;
