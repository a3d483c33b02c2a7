import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { ChatError } from "../../core/chat_error.ts";
import { concatenate } from "../../core/concatenate.ts";

/** How long after it was sealed a call may be run, in milliseconds. */
export const callLastsMs = 30_000;

/** HPKE (RFC 9180): the caller's key is made for one call, and its private part is forgotten with it. */
const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const purpose = "chatd operator request 1";
const answerLabel = new TextEncoder().encode("answer");
const nonceLength = 12;

type Bytes = Uint8Array<ArrayBuffer>;

/** The identity of a call, which its ciphertext is bound to. */
export interface CallContext {
  /** A UUID, used once. */
  readonly id: string;
  /** When it was sealed, in milliseconds since the Unix epoch, by the clock of the database. */
  readonly sealedAt: number;
}

/** A sealed call, as its caller has it. */
export interface SealedCall {
  readonly sealed: Bytes;
  /** Returns the answer to this call. @throws {ChatError} `internal` for any other bytes */
  openAnswer(sealed: Uint8Array): Promise<unknown>;
}

/** A call, as the node has it that it was sealed for. */
export interface OpenedCall {
  readonly call: unknown;
  /** Seals the answer, which only the caller can open. */
  sealAnswer(answer: unknown): Promise<Bytes>;
}

/** Seals a call, as JSON, for the node with this public key. */
export async function sealCall(
  publicKey: Uint8Array,
  { id, sealedAt, call }: CallContext & { readonly call: unknown },
): Promise<SealedCall> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(copyOf(publicKey).buffer);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: infoOf(id) });
  const text = await sender.seal(encodeJson({ sealedAt, call }));
  const answerKey = await sender.export(answerLabel, suite.aead.keySize);
  return {
    sealed: concatenate([new Uint8Array(sender.enc), new Uint8Array(text)]),
    openAnswer: (sealed) => openAnswer(answerKey, sealed),
  };
}

/** The key of a process, by which it opens each call once. The private part never leaves the process. */
export class CallReceiver {
  /** For callers. */
  readonly publicKey: Bytes;
  readonly #keys: CryptoKeyPair;
  /** The ids of opened calls, and the time up to which their ciphertexts are valid. */
  readonly #opened = new Map<string, number>();

  private constructor(keys: CryptoKeyPair, publicKey: Bytes) {
    this.#keys = keys;
    this.publicKey = publicKey;
  }

  static async create(): Promise<CallReceiver> {
    const keys = await suite.kem.generateKeyPair();
    return new CallReceiver(keys, new Uint8Array(await suite.kem.serializePublicKey(keys.publicKey)));
  }

  /**
   * @param options.now by the clock of the database
   * @throws {ChatError} `invalid_argument` if the call was sealed for another process or id, was changed, is too old, or
   * was opened before
   */
  async open(sealed: Uint8Array, { id, now }: { id: string; now: number }): Promise<OpenedCall> {
    const bytes = copyOf(sealed);
    const [enc, text] = [bytes.slice(0, suite.kem.encSize), bytes.slice(suite.kem.encSize)];
    let content: unknown;
    let answerKey: ArrayBuffer;
    try {
      const recipientKey = this.#keys.privateKey;
      const recipient = await suite.createRecipientContext({ recipientKey, enc: enc.buffer, info: infoOf(id) });
      content = decodeJson(await recipient.open(text.buffer));
      answerKey = await recipient.export(answerLabel, suite.aead.keySize);
    } catch (cause) {
      throw refusal("it was sealed for another process or request, or was changed", cause);
    }
    const { sealedAt, call } = content as { sealedAt: number; call: unknown };
    // Also one without a time, which would have to be remembered for ever.
    if (!(Math.abs(now - sealedAt) <= callLastsMs)) throw refusal("it is too old");
    for (const [opened, validUntil] of this.#opened) if (validUntil < now) this.#opened.delete(opened);
    if (this.#opened.has(id)) throw refusal("it was opened before");
    this.#opened.set(id, sealedAt + callLastsMs);
    return { call, sealAnswer: (answer) => sealAnswer(answerKey, answer) };
  }
}

function infoOf(id: string): ArrayBuffer {
  return new TextEncoder().encode(`${purpose}\n${id}`).buffer;
}

async function sealAnswer(answerKey: ArrayBuffer, answer: unknown): Promise<Bytes> {
  const iv = crypto.getRandomValues(new Uint8Array(nonceLength));
  const key = await importKey(answerKey, "encrypt");
  const text = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, encodeJson(answer));
  return concatenate([iv, new Uint8Array(text)]);
}

async function openAnswer(answerKey: ArrayBuffer, sealed: Uint8Array): Promise<unknown> {
  const bytes = copyOf(sealed);
  const iv = bytes.subarray(0, nonceLength);
  try {
    const key = await importKey(answerKey, "decrypt");
    const text = bytes.subarray(nonceLength);
    return decodeJson(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, text));
  } catch (cause) {
    throw new ChatError("internal", "The answer in the database is not the one to this command.", { cause });
  }
}

async function importKey(raw: ArrayBuffer, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
}

function refusal(reason: string, cause?: unknown): ChatError {
  return new ChatError("invalid_argument", `A request of an operator was refused: ${reason}.`, { cause });
}

function encodeJson(value: unknown): ArrayBuffer {
  return new TextEncoder().encode(JSON.stringify(value)).buffer;
}

function decodeJson(bytes: ArrayBuffer): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** Bytes of a buffer of their own, which the library needs. */
function copyOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
