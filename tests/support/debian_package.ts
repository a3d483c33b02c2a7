import { execFileSync } from "node:child_process";

export interface DebianPackage {
  readonly name: string;
  /** A file that is there when it is installed. */
  readonly file: string;
  /** "the tests run a private node of it", say. */
  readonly why: string;
}

/**
 * Installs a package of Debian that tests need, where this runs as root on Debian: in a container, or in CI.
 * @throws {Error} elsewhere, saying what to install.
 */
export function requireDebianPackage({ name, file, why }: DebianPackage): void {
  if (exists(file)) return;
  const help = `${name} is not installed (there is no ${file}), and ${why}.`;
  if (Deno.uid() !== 0 || !exists("/usr/bin/apt-get")) {
    throw new Error(`${help} Install it: "sudo apt-get install ${name}" on Debian or Ubuntu.`);
  }
  console.error(`${help} Installing it with apt-get…`);
  // RUNLEVEL=1 keeps the package from starting a service (invoke-rc.d(8)).
  const env = { ...Deno.env.toObject(), DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = { env, stdio: ["ignore", "ignore", "inherit"] as ["ignore", "ignore", "inherit"] };
  execFileSync("apt-get", ["update", "-q"], options);
  execFileSync("apt-get", ["install", "-q", "-y", "--no-install-recommends", name], options);
  if (!exists(file)) throw new Error(`apt-get installed ${name}, but there is no ${file}: install it by hand.`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
