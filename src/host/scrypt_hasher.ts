import { Buffer } from "node:buffer";
import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import type { PasswordHasher } from "../core/accounts/password_hasher.ts";

export interface ScryptParameters {
  /** Base-2 logarithm of the cost N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about a tenth of a second; one of OWASP's equivalent choices (Password Storage Cheat Sheet). */
export const currentParameters: ScryptParameters = { logN: 15, r: 8, p: 3 };

const saltBytes = 16;
const keyBytes = 32;
/** The most memory for one hash, in bytes, even if a damaged database asks for more. */
const maxMemory = 256 * 1024 * 1024;
const format = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/** Hashes as `$scrypt$ln=15,r=8,p=3$SALT$KEY`, both in base64 without padding (the PHC string format). */
export class ScryptHasher implements PasswordHasher {
  readonly unmatchable: string;
  readonly #parameters: ScryptParameters;

  constructor(parameters: ScryptParameters = currentParameters) {
    this.#parameters = parameters;
    this.unmatchable = encode(parameters, randomBytes(saltBytes), randomBytes(keyBytes));
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    return encode(this.#parameters, salt, await derive(password, salt, this.#parameters));
  }

  async verify(password: string, hash: string): Promise<{ matches: boolean; outdated: boolean }> {
    const match = format.exec(hash);
    if (match === null) throw new Error("not a scrypt hash as chatd makes them");
    const parameters = { logN: Number(match[1]), r: Number(match[2]), p: Number(match[3]) };
    const key = await derive(password, Buffer.from(match[4], "base64"), parameters);
    return {
      matches: timingSafeEqual(key, Buffer.from(match[5], "base64")),
      outdated: encodeParameters(parameters) !== encodeParameters(this.#parameters),
    };
  }
}

function derive(password: string, salt: Uint8Array, { logN, r, p }: ScryptParameters): Promise<Uint8Array> {
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: maxMemory };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, keyBytes, options, (error, key) => error ? reject(error) : resolve(key));
  });
}

function encodeParameters({ logN, r, p }: ScryptParameters): string {
  return `ln=${logN},r=${r},p=${p}`;
}

function encode(parameters: ScryptParameters, salt: Uint8Array, key: Uint8Array): string {
  return `$scrypt$${encodeParameters(parameters)}$${unpadded(salt)}$${unpadded(key)}`;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}
