/**
 * The schema as a list of migrations: step N migrates a database from version N - 1 to N, in one transaction. Released
 * steps never change.
 *
 * - Users, devices and conversations have names in the protocol and integer keys in the database.
 * - An entry's key is its store-wide position, so the log is only written at its end, and both of its indexes end in
 *   the position.
 * - Text is a BLOB of UTF-8, because node:sqlite truncates TEXT at the first NUL, and a message may contain one.
 * - An entry is a message or an event (kind). target: the seq that it refers or replies to; subject: the user that it
 *   concerns; uncounted: the number of events among the entries up to it, so its ordinal among messages is seq -
 *   uncounted. Events with a room's settings have flags as target.
 * - A span is a part of a conversation that a user may see: one span in a direct conversation, one per stay in a room.
 *   9007199254740991 is an open end.
 * - member.room: whether the conversation is a room. member.head_position is only set in direct conversations: a
 *   message in a room does not write a row per member.
 * - search_index contains the words of messages and of the names of their files, up to the position in search_cursor.
 *   Triggers keep it equal to the current rows. It stores no texts, and removed words are overwritten at once
 *   (https://sqlite.org/fts5.html, section 6.15). search_cursor.form: the form of its words (index_form.ts).
 * - entry.edited_seq: the seq of a message's newest edit, which decides who may see the text; 0, which no entry has,
 *   for an unknown edit.
 * - entry.automatic: a program wrote the message as an automatic answer.
 * - A mention is counted from mention.seq on: the seq of the message, or of the edit that first named the user;
 *   mention.message is the seq of the message; mention.here: "@here" names them too, since they were online. A
 *   room_mention counts for all members alike.
 * - room.mention_all: the role from which on members may mention all, coded like member.role.
 * - entry.audience: 1 for a text that names all members of the room, 2 for one that names those who were online.
 * - An incarnation is an opening of the log, with a random id and the newest position at that time as its head.
 * - member.invited_position: the head of the log at the time of the invitation; older invitations have the key of their
 *   conversation, which is lower. member.left_name: the name of the room when the member left.
 * - consumer.used_at: milliseconds since the Unix epoch; 0 if unknown.
 * - log.seen_at: the last time that a server trusted.
 * - name_skeleton has the skeletons of account names (display = 0) and display names (display = 1). A skeleton belongs
 *   to one user, unless it is shared: that of an older account, or one that the operator allowed. The skeleton of a
 *   deleted account's name stays; names that were retired before this table have users below 0.
 * - A pin is of a message, by its seq; position is that of the entry that pinned it.
 * - The head is stored with the conversation, so numbering continues when all entries are removed; and with each
 *   member, so an index finds the newest conversations of a user. Both are written after the commits that move them:
 *   log.heads_through is the position up to which they are complete.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE log (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL
  ) STRICT;
  INSERT INTO log VALUES (1, lower(hex(randomblob(16))));

  CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    user INTEGER NOT NULL REFERENCES user,
    name BLOB NOT NULL,
    token_hash TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX device_by_user ON device (user);

  CREATE TABLE invite (
    code_hash TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE consumer (
    device INTEGER NOT NULL REFERENCES device ON DELETE CASCADE,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (device, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    head_seq INTEGER NOT NULL,
    head_position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE member (
    conversation INTEGER NOT NULL REFERENCES conversation,
    user INTEGER NOT NULL REFERENCES user,
    PRIMARY KEY (conversation, user)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_by_user ON member (user, conversation);

  CREATE TABLE entry (
    position INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    sender INTEGER NOT NULL REFERENCES user,
    id BLOB NOT NULL CHECK (length(id) = 16),
    accepted_at INTEGER NOT NULL,
    text BLOB NOT NULL,
    UNIQUE (conversation, seq),
    UNIQUE (sender, id)
  ) STRICT;
  `,
  `
  ALTER TABLE member ADD COLUMN head_position INTEGER NOT NULL DEFAULT 0;
  UPDATE member SET head_position = (SELECT c.head_position FROM conversation c WHERE c.id = member.conversation);
  DROP INDEX member_by_user;
  CREATE INDEX member_by_head ON member (user, head_position);
  `,
  `
  ALTER TABLE user ADD COLUMN read_receipts INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE user ADD COLUMN presence INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE user ADD COLUMN direct_messages INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE user ADD COLUMN last_seen_at INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE conversation ADD COLUMN first_seq INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE conversation ADD COLUMN uncounted INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE room (
    conversation INTEGER PRIMARY KEY REFERENCES conversation,
    name TEXT NOT NULL,
    topic BLOB NOT NULL,
    public INTEGER NOT NULL,
    history_visible INTEGER NOT NULL,
    creator INTEGER NOT NULL REFERENCES user,
    created_at INTEGER NOT NULL,
    members INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX public_room ON room (name) WHERE public = 1;
  CREATE INDEX room_by_creator ON room (creator);

  ALTER TABLE member ADD COLUMN role INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE member ADD COLUMN inviter INTEGER REFERENCES user;
  ALTER TABLE member ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE member ADD COLUMN read_uncounted INTEGER NOT NULL DEFAULT 0;
  UPDATE member SET read_seq = (SELECT c.head_seq FROM conversation c WHERE c.id = member.conversation);
  DROP INDEX member_by_head;
  CREATE INDEX member_by_head ON member (user, head_position) WHERE head_position > 0;
  CREATE INDEX member_of_room ON member (user, conversation) WHERE head_position = 0;
  CREATE INDEX invitation ON member (user, conversation) WHERE role = 4;

  CREATE TABLE span (
    user INTEGER NOT NULL REFERENCES user,
    conversation INTEGER NOT NULL REFERENCES conversation,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    room INTEGER NOT NULL,
    PRIMARY KEY (user, conversation, first_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX span_of_room ON span (user, last_position) WHERE room = 1;
  INSERT INTO span SELECT user, conversation, 1, 9007199254740991, 9007199254740991, 0 FROM member;

  CREATE TABLE block (
    user INTEGER NOT NULL REFERENCES user,
    blocked INTEGER NOT NULL REFERENCES user,
    after_position INTEGER NOT NULL,
    through_position INTEGER NOT NULL,
    PRIMARY KEY (user, blocked, after_position)
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE entry ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entry ADD COLUMN target INTEGER;
  ALTER TABLE entry ADD COLUMN subject INTEGER REFERENCES user;
  ALTER TABLE entry ADD COLUMN uncounted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entry ADD COLUMN edited_at INTEGER;
  ALTER TABLE entry ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE reaction (
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    emoji BLOB NOT NULL,
    user INTEGER NOT NULL REFERENCES user,
    position INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq, emoji, user)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE mention (
    user INTEGER NOT NULL REFERENCES user,
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    PRIMARY KEY (user, conversation, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX mention_by_entry ON mention (conversation, seq);
  `,
  `
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT NOT NULL,
    detail BLOB NOT NULL,
    count INTEGER NOT NULL,
    UNIQUE (minute, action, actor, subject, detail)
  ) STRICT;
  `,
  `
  ALTER TABLE entry ADD COLUMN file INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE file (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER NOT NULL REFERENCES user,
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    begun_at INTEGER NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    position INTEGER UNIQUE REFERENCES entry ON DELETE CASCADE,
    UNIQUE (owner, id)
  ) STRICT;
  CREATE INDEX file_by_content ON file (sha256) WHERE complete = 1;
  CREATE INDEX file_unfinished ON file (owner) WHERE complete = 0;
  CREATE INDEX file_unsent ON file (begun_at) WHERE position IS NULL;

  CREATE TABLE file_use (
    owner INTEGER PRIMARY KEY REFERENCES user,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE unheld_content (
    sha256 BLOB PRIMARY KEY,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER file_added AFTER INSERT ON file BEGIN
    INSERT INTO file_use (owner, bytes) VALUES (new.owner, max(new.size, 4096))
      ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes;
  END;
  CREATE TRIGGER file_removed AFTER DELETE ON file BEGIN
    UPDATE file_use SET bytes = bytes - max(old.size, 4096) WHERE owner = old.owner;
    INSERT OR IGNORE INTO unheld_content (sha256, size) SELECT old.sha256, old.size WHERE old.complete = 1;
  END;
  `,
  `
  ALTER TABLE user ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE retired_name (
    name TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE erasure (
    user INTEGER PRIMARY KEY REFERENCES user,
    after_id BLOB NOT NULL
  ) STRICT;

  CREATE TABLE retention (
    conversation INTEGER PRIMARY KEY,
    max_age INTEGER,
    max_entries INTEGER
  ) STRICT;

  CREATE TABLE spent_id (
    id BLOB NOT NULL,
    sender INTEGER NOT NULL REFERENCES user,
    position INTEGER NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (id, sender)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE VIRTUAL TABLE search_index USING fts5(
    text, scope, content = '', tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
  );
  INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1), ('automerge', 0);
  CREATE TABLE search_cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL
  ) STRICT;
  INSERT INTO search_cursor VALUES (1, 0);

  CREATE TRIGGER entry_changed AFTER UPDATE OF conversation, sender, text, deleted ON entry
  WHEN EXISTS (SELECT 1 FROM search_index WHERE rowid = old.position) BEGIN
    INSERT INTO search_index (search_index, rowid, text, scope)
      VALUES ('delete', old.position, searchable_text(old.text), search_scope(old.conversation, old.sender));
    INSERT INTO search_index (rowid, text, scope)
      SELECT new.position, searchable_text(new.text), search_scope(new.conversation, new.sender) WHERE new.deleted = 0;
  END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entry
  WHEN EXISTS (SELECT 1 FROM search_index WHERE rowid = old.position) BEGIN
    INSERT INTO search_index (search_index, rowid, text, scope)
      VALUES ('delete', old.position, searchable_text(old.text), search_scope(old.conversation, old.sender));
  END;
  `,
  `
  ALTER TABLE entry ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;
  `,
  `
  ALTER TABLE entry ADD COLUMN edited_seq INTEGER;
  UPDATE entry SET edited_seq = 0 WHERE edited_at IS NOT NULL;
  UPDATE entry SET edited_seq = edit.seq
  FROM (SELECT conversation, target, max(seq) AS seq FROM entry WHERE kind = 1 GROUP BY conversation, target) edit
  WHERE entry.edited_at IS NOT NULL AND entry.conversation = edit.conversation AND entry.seq = edit.target;
  `,
  `
  CREATE TABLE incarnation (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    head INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE member ADD COLUMN invited_position INTEGER NOT NULL DEFAULT 0;
  UPDATE member SET invited_position = conversation WHERE role = 4;
  DROP INDEX invitation;
  CREATE INDEX invitation ON member (user, invited_position) WHERE role = 4;

  ALTER TABLE member ADD COLUMN left_name TEXT;
  UPDATE member SET left_name = (SELECT r.name FROM room r WHERE r.conversation = member.conversation)
    WHERE head_position = 0 AND role IN (5, 6);

  ALTER TABLE consumer ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX consumer_by_use ON consumer (used_at);
  CREATE INDEX device_by_use ON device (last_used_at);
  CREATE INDEX deleted_user ON user (id) WHERE deleted = 1;
  `,
  `
  ALTER TABLE log ADD COLUMN seen_at INTEGER;
  `,
  `
  ALTER TABLE log ADD COLUMN heads_through INTEGER NOT NULL DEFAULT 0;
  UPDATE log SET heads_through = (SELECT coalesce(max(head_position), 0) FROM conversation);

  ALTER TABLE member ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
  UPDATE member SET room = 1 WHERE conversation IN (SELECT id FROM conversation WHERE name > '+' AND name < ',');
  DROP INDEX member_by_head;
  DROP INDEX member_of_room;
  CREATE INDEX member_by_head ON member (user, head_position) WHERE room = 0;
  CREATE INDEX member_of_room ON member (user, conversation) WHERE room = 1;
  `,
  `
  CREATE INDEX deleted_message ON entry (conversation, seq) WHERE deleted = 1;

  ALTER TABLE mention ADD COLUMN message INTEGER NOT NULL DEFAULT 0;
  UPDATE mention SET message = seq;
  DROP INDEX mention_by_entry;
  CREATE INDEX mention_by_message ON mention (conversation, message);

  ALTER TABLE entry ADD COLUMN audience INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE room_mention (
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX room_mention_by_message ON room_mention (conversation, message);
  `,
  `
  ALTER TABLE user ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
  ALTER TABLE user ADD COLUMN status TEXT NOT NULL DEFAULT '';

  CREATE TABLE name_skeleton (
    user INTEGER NOT NULL,
    display INTEGER NOT NULL,
    skeleton TEXT NOT NULL,
    shared INTEGER NOT NULL,
    PRIMARY KEY (user, display)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO name_skeleton
    SELECT id, 0, skeleton, row_number() OVER (PARTITION BY skeleton ORDER BY id) > 1 FROM (
      SELECT id, name_skeleton(name) AS skeleton FROM user WHERE deleted = 0
      UNION ALL
      SELECT -row_number() OVER (ORDER BY name), name_skeleton(name) FROM retired_name
    );
  CREATE INDEX skeleton ON name_skeleton (skeleton);
  CREATE UNIQUE INDEX unshared_skeleton ON name_skeleton (skeleton) WHERE shared = 0;
  `,
  `
  DROP TRIGGER entry_changed;
  DROP TRIGGER entry_removed;
  DROP TABLE search_index;
  CREATE VIRTUAL TABLE search_index USING fts5(
    text, file, scope, content = '', tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
  );
  INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1), ('automerge', 0);
  UPDATE search_cursor SET position = 0;

  UPDATE OR REPLACE reaction SET emoji = canonical_emoji(emoji) WHERE emoji <> canonical_emoji(emoji);
  UPDATE entry SET text = canonical_emoji(text) WHERE kind IN (3, 4) AND text <> canonical_emoji(text);

  CREATE TRIGGER entry_changed AFTER UPDATE OF conversation, sender, text, deleted, file ON entry
  WHEN EXISTS (SELECT 1 FROM search_index WHERE rowid = old.position) BEGIN
    INSERT INTO search_index (search_index, rowid, text, file, scope) SELECT 'delete', old.position, searchable_text(old.text),
      searchable_text((SELECT name FROM file WHERE position = old.position)),
      search_scope(old.conversation, old.sender) || iif(old.file, ' file', '');
    INSERT INTO search_index (rowid, text, file, scope) SELECT new.position, searchable_text(new.text),
      searchable_text((SELECT name FROM file WHERE position = new.position)),
      search_scope(new.conversation, new.sender) || iif(new.file, ' file', '') WHERE new.deleted = 0;
  END;
  -- Before, because the deletion of an entry deletes its file.
  CREATE TRIGGER entry_removed BEFORE DELETE ON entry
  WHEN EXISTS (SELECT 1 FROM search_index WHERE rowid = old.position) BEGIN
    INSERT INTO search_index (search_index, rowid, text, file, scope) SELECT 'delete', old.position, searchable_text(old.text),
      searchable_text((SELECT name FROM file WHERE position = old.position)),
      search_scope(old.conversation, old.sender) || iif(old.file, ' file', '');
  END;
  CREATE TRIGGER file_detached BEFORE DELETE ON file
  WHEN EXISTS (SELECT 1 FROM search_index WHERE rowid = old.position) BEGIN
    INSERT INTO search_index (search_index, rowid, text, file, scope) SELECT 'delete', e.position, searchable_text(e.text), searchable_text(old.name),
      search_scope(e.conversation, e.sender) || iif(e.file, ' file', '') FROM entry e WHERE e.position = old.position;
    INSERT INTO search_index (rowid, text, file, scope) SELECT e.position, searchable_text(e.text), '',
      search_scope(e.conversation, e.sender) || iif(e.file, ' file', '') FROM entry e WHERE e.position = old.position;
  END;
  `,
  `
  CREATE TABLE pin (
    conversation INTEGER NOT NULL REFERENCES conversation,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE room ADD COLUMN mention_all INTEGER NOT NULL DEFAULT 2;

  ALTER TABLE mention ADD COLUMN here INTEGER NOT NULL DEFAULT 0;
  UPDATE mention SET here = 1 WHERE 2 = (
    SELECT e.audience FROM entry e WHERE e.conversation = mention.conversation AND e.seq = mention.message);
  `,
  `
  ALTER TABLE search_cursor ADD COLUMN form TEXT NOT NULL DEFAULT '';
  `,
];
