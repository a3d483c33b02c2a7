import { createMessageId } from "../../../core/messages/message_id.ts";
import { maxIncarnations } from "../../shared/incarnation_limits.ts";
import type { Database } from "../connection/database.ts";

/** The length of the time at the start of an id, a UUIDv7: 12 digits and a hyphen, which sort by time. */
const timeLength = 13;
const latestTime = "ffffffff-ffff";

const trim = `DELETE FROM incarnation WHERE number IN (
  SELECT number FROM (
    SELECT number, head = lead(head) OVER (ORDER BY number) AS is_empty FROM incarnation
  ) opening ORDER BY is_empty IS NOT TRUE, number
  LIMIT greatest(0, (SELECT count(*) FROM incarnation) - ${maxIncarnations})
)`;

/**
 * The openings of a log, each with a random id and the head at that time. A client with positions of an incarnation
 * shares this log up to the head of the next incarnation: if the log was restored, entries with higher positions are
 * different.
 */
export class Incarnations {
  readonly #database: Database;
  #current = "";
  #beginning: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The id of this opening; empty before {@link begin}. */
  get current(): string {
    return this.#current;
  }

  /**
   * Must resolve before a position beyond `head` is assigned or sent. Idempotent.
   * @throws {ChatError} `storage_full`
   */
  async begin(head: number): Promise<void> {
    if (this.#current !== "") return;
    this.#beginning ??= this.#add(head).finally(() => this.#beginning = undefined);
    await this.#beginning;
  }

  async #add(head: number): Promise<void> {
    const id = createMessageId();
    await this.#database.transaction(async (queries) => {
      await queries.query("INSERT INTO incarnation (id, head) VALUES ($1, $2)", [id, head]);
      await queries.query(trim);
    });
    this.#current = id;
  }

  /** Returns the position up to which this log equals that of the incarnation `id`; undefined if it is unknown. */
  async sharedThrough(id: string, head: number): Promise<number | undefined> {
    const [found] = await this.#database.read<{ next: number | null }>(
      `SELECT (SELECT n.head FROM incarnation n WHERE n.number > i.number ORDER BY n.number LIMIT 1) AS next
       FROM incarnation i WHERE i.id = $1`,
      [id],
    );
    return found && (found.next ?? head);
  }

  /**
   * Returns the head of the first opening later than the incarnation `foreign`, by the times in the ids: a restored log
   * is opened after the log that it replaces. Returns the newest opening's head if none is later, which can happen with
   * another machine's clock, or if `foreign` is empty.
   */
  async partedAt(foreign: string): Promise<number> {
    const [found] = await this.#database.read<{ head: number }>(
      `SELECT i.head FROM incarnation i WHERE i.number > coalesce((
         SELECT e.number FROM incarnation e
         WHERE e.number < (SELECT max(n.number) FROM incarnation n) AND left(e.id, ${timeLength}) <= $1
         ORDER BY e.number DESC LIMIT 1
       ), 0) ORDER BY i.number LIMIT 1`,
      [foreign === "" ? latestTime : foreign.slice(0, timeLength)],
    );
    return found?.head ?? 0;
  }
}
