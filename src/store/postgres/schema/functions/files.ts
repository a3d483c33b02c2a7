/** Bytes of a chunk, except of the last one of a file. */
export const chunkBytes = 48 * 1024;
/** The least that a file counts towards the quota of its owner, in bytes. The triggers have the same number. */
const leastBytes = 4096;
/** Files, and chunks, that one sweep removes. */
export const sweptFiles = 100;
const sweptChunks = 200;

/** SQL: bytes that have arrived of the upload with this key. */
export function arrivedBytes(key: string): string {
  return `coalesce((SELECT k.number * ${chunkBytes} + length(k.bytes) FROM chunk k WHERE k.file = ${key}
    ORDER BY k.number DESC LIMIT 1), 0)`;
}

/** SQL: bytes that unfinished uploads have announced. */
export const announcedBytes = "(SELECT coalesce(sum(f.size), 0)::bigint FROM file f WHERE f.complete = 0)";

/** Changes of files and contents, each in one call, because no lock may be held between two round trips. */
export const fileFunctions: readonly string[] = [
  // Locks the owner, whose uploads may be added at the same time. disk_room: see PostgresFileStore; NULL for no limit.
  `
  CREATE OR REPLACE FUNCTION add_upload_1(
    owner_name text, upload_id uuid, file_name text, type text, bytes bigint, hash bytea, begun bigint,
    max_unfinished bigint, max_bytes bigint, disk_room bigint
  ) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE owner_key bigint; used bigint;
  BEGIN
    SELECT u.id INTO owner_key FROM "user" u WHERE u.name = owner_name FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN 'no_owner'; END IF;
    IF (SELECT count(*) FROM file f WHERE f.owner = owner_key AND f.complete = 0) >= max_unfinished THEN
      RETURN 'unfinished';
    END IF;
    used := coalesce((SELECT u.bytes FROM file_use u WHERE u.owner = owner_key), 0)
      - coalesce((SELECT sum(greatest(r.size, ${leastBytes})) FROM removed_file r WHERE r.owner = owner_key), 0);
    IF used + greatest(bytes, ${leastBytes}) > max_bytes THEN RETURN 'owner_full'; END IF;
    IF bytes + ${announcedBytes} > disk_room THEN RETURN 'disk_full'; END IF;
    INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at)
      VALUES (owner_key, upload_id, file_name, type, bytes, hash, begun);
    RETURN 'added';
  END $$;
  `,
  // Returns the bytes that have arrived; NULL without an upload. They reach the disk with the end of the upload.
  `
  CREATE OR REPLACE FUNCTION write_upload_1(owner_name text, upload_id uuid, at bigint, added bytea)
  RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE upload file; arrived bigint;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT f.* INTO upload FROM file f
      WHERE f.owner = (SELECT u.id FROM "user" u WHERE u.name = owner_name) AND f.id = upload_id FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    IF upload.complete = 1 THEN RETURN upload.size; END IF;
    arrived := ${arrivedBytes("upload.key")};
    IF arrived <> at OR length(added) = 0 THEN RETURN arrived; END IF;
    INSERT INTO chunk (file, number, bytes)
      SELECT upload.key, n, substring(added FROM (greatest(n * ${chunkBytes}, at) - at + 1)::int
        FOR (least((n + 1) * ${chunkBytes}, at + length(added)) - greatest(n * ${chunkBytes}, at))::int)
      FROM generate_series(at / ${chunkBytes}, (at + length(added) - 1) / ${chunkBytes}) n
      ON CONFLICT (file, number) DO UPDATE SET bytes = chunk.bytes || excluded.bytes;
    RETURN at + length(added);
  END $$;
  `,
  // Completes an upload whose bytes have this hash. A content that is there gets the chunks of this upload, which mends
  // a damaged one. Returns "new" or "known", as the content was, or "missing".
  `
  CREATE OR REPLACE FUNCTION finish_upload_1(upload_key bigint) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE upload file; former bigint;
  BEGIN
    SELECT f.* INTO upload FROM file f WHERE f.key = upload_key AND f.complete = 0 FOR UPDATE;
    IF NOT FOUND THEN RETURN 'missing'; END IF;
    LOOP
      INSERT INTO content (sha256, file, size) VALUES (upload.sha256, upload.key, upload.size) ON CONFLICT DO NOTHING;
      EXIT WHEN FOUND;
      SELECT c.file INTO former FROM content c WHERE c.sha256 = upload.sha256 FOR UPDATE;
      -- A sweep may have removed it meanwhile.
      IF FOUND THEN
        UPDATE content c SET file = upload.key, size = upload.size WHERE c.sha256 = upload.sha256;
        INSERT INTO unheld_chunks (file) VALUES (former) ON CONFLICT DO NOTHING;
        EXIT;
      END IF;
    END LOOP;
    UPDATE file f SET complete = 1 WHERE f.key = upload.key;
    RETURN CASE WHEN former IS NULL THEN 'new' ELSE 'known' END;
  END $$;
  `,
  // Accounts for removed files, oldest first, and removes the contents that no file has any more. A lock of the content
  // orders it before or after an upload of the same content that is being completed.
  `
  CREATE OR REPLACE FUNCTION sweep_removed_files_1(OUT swept bigint, OUT freed bigint) LANGUAGE plpgsql AS $$
  DECLARE marks bigint[]; hash bytea; unheld content;
  BEGIN
    freed := 0;
    SELECT array_agg(r.mark) INTO marks FROM (SELECT mark FROM removed_file ORDER BY mark LIMIT ${sweptFiles}) r;
    swept := coalesce(cardinality(marks), 0);
    UPDATE file_use u SET bytes = u.bytes - r.bytes FROM (
      SELECT owner, sum(greatest(size, ${leastBytes})) AS bytes FROM removed_file WHERE mark = ANY (marks) GROUP BY owner
    ) r WHERE u.owner = r.owner;
    INSERT INTO unheld_chunks (file)
      SELECT r.key FROM removed_file r WHERE r.mark = ANY (marks) AND r.complete = 0 ON CONFLICT DO NOTHING;
    FOR hash IN SELECT DISTINCT r.sha256 FROM removed_file r WHERE r.mark = ANY (marks) AND r.complete = 1 ORDER BY 1 LOOP
      SELECT c.* INTO unheld FROM content c WHERE c.sha256 = hash FOR UPDATE;
      CONTINUE WHEN NOT FOUND OR (SELECT 1 FROM file f WHERE f.sha256 = hash AND f.complete = 1 LIMIT 1) IS NOT NULL;
      DELETE FROM content c WHERE c.sha256 = hash;
      INSERT INTO unheld_chunks (file) VALUES (unheld.file) ON CONFLICT DO NOTHING;
      freed := freed + unheld.size;
    END LOOP;
    DELETE FROM removed_file WHERE mark = ANY (marks);
  END $$;
  `,
  // Deletes some of the chunks that neither an upload nor a content has. Returns whether more may be left.
  `
  CREATE OR REPLACE FUNCTION sweep_chunks_1() RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE unheld bigint; deleted bigint; allowed bigint := ${sweptChunks}; files bigint := 0;
  BEGIN
    FOR unheld IN SELECT u.file FROM unheld_chunks u ORDER BY u.file LIMIT ${sweptFiles} LOOP
      DELETE FROM chunk k WHERE k.file = unheld
        AND k.number IN (SELECT n.number FROM chunk n WHERE n.file = unheld ORDER BY n.number LIMIT allowed);
      GET DIAGNOSTICS deleted = ROW_COUNT;
      allowed := allowed - deleted;
      IF allowed = 0 THEN RETURN true; END IF;
      DELETE FROM unheld_chunks u WHERE u.file = unheld;
      files := files + 1;
    END LOOP;
    RETURN files = ${sweptFiles};
  END $$;
  `,
];
