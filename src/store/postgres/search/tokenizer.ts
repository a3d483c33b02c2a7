import { DatabaseSync } from "node:sqlite";
import { searchableText } from "../../shared/searchable_text.ts";

/** The words of a message, in order. */
export interface MessageWords {
  readonly text: readonly string[];
  /** Of the name of its file. */
  readonly file: readonly string[];
}

/** The tokenizer of SQLite's index; migrations contain it too. */
export const tokenizerOption = `tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"`;

/** Splits texts and queries into the words that SQLite's full-text index has, by that index itself. */
export class Tokenizer implements Disposable {
  readonly #database = new DatabaseSync(":memory:");
  readonly #add;
  readonly #read;

  constructor() {
    this.#database.exec(`
      CREATE VIRTUAL TABLE message USING fts5(text, file, content = '', ${tokenizerOption});
      CREATE VIRTUAL TABLE word USING fts5vocab(message, instance);
    `);
    this.#add = this.#database.prepare("INSERT INTO message (rowid, text, file) VALUES (?, ?, ?)");
    this.#read = this.#database.prepare("SELECT doc, col, term, offset FROM word");
    this.#read.setReturnArrays(true);
  }

  /** Returns the words of each message. */
  split(messages: readonly { readonly text: string; readonly file: string }[]): MessageWords[] {
    this.#database.exec("BEGIN");
    try {
      messages.forEach(({ text, file }, index) => this.#add.run(index, searchableText(text), searchableText(file)));
      const words = messages.map(() => ({ text: [] as string[], file: [] as string[] }));
      for (const row of this.#read.iterate() as Iterable<unknown>) {
        const [message, column, word, offset] = row as [number, "text" | "file", string, number];
        words[message][column][offset] = word;
      }
      return words;
    } finally {
      this.#database.exec("ROLLBACK");
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
