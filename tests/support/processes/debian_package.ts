import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Packages of Debian that tests need, each with a file that exists when it is installed. */
export const debianPackages = {
  "chromium": "/usr/bin/chromium",
  "curl": "/usr/bin/curl",
  "haproxy": "/usr/sbin/haproxy",
  "nghttp2-client": "/usr/bin/h2load",
  "nginx": "/usr/sbin/nginx",
  "pgbouncer": "/usr/sbin/pgbouncer",
  "postgresql": "/usr/share/postgresql-common/pg_wrapper",
  "protobuf-compiler": "/usr/bin/protoc",
  "protobuf-compiler-grpc": "/usr/bin/grpc_python_plugin",
  "python3-grpcio": "/usr/lib/python3/dist-packages/grpc/__init__.py",
  "python3-h2": "/usr/lib/python3/dist-packages/h2/__init__.py",
  "python3-pika": "/usr/lib/python3/dist-packages/pika/__init__.py",
  "python3-protobuf": "/usr/lib/python3/dist-packages/google/protobuf/__init__.py",
  "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
} as const;

export type DebianPackage = keyof typeof debianPackages;

/** Google Chrome takes the place of Chromium, which Ubuntu has no package of. */
export const googleChrome = "/usr/bin/google-chrome";

/** Whether {@link requireDebianPackages} can install: as root on Debian, which is a container, or CI. */
export function canInstallPackages(): boolean {
  return Deno.uid() === 0 && existsSync("/usr/bin/apt-get");
}

/** Returns the packages that are not installed, of all unless some are given. */
export function missingDebianPackages(
  names = Object.keys(debianPackages) as readonly DebianPackage[],
): DebianPackage[] {
  return names.filter((name) =>
    !existsSync(debianPackages[name]) && !(name === "chromium" && existsSync(googleChrome))
  );
}

/** Returns the command that installs packages on Debian or Ubuntu. */
export function installCommand(names: readonly DebianPackage[]): string {
  return `sudo apt-get install ${names.join(" ")}`;
}

/**
 * Installs packages that tests need, where this runs as root on Debian.
 * @param why "the tests run a private node of it", say
 * @throws {Error} elsewhere, and when they cannot be installed, with the command that installs them
 */
export function requireDebianPackages(names: readonly DebianPackage[], why: string): void {
  const missing = missingDebianPackages(names);
  if (missing.length === 0) return;
  const help = `Not installed: ${missing.join(", ")}, and ${why}.`;
  const advice = `Install with "${installCommand(missing)}" on Debian or Ubuntu.`;
  if (!canInstallPackages()) throw new Error(`${help} ${advice}`);
  console.error(`${help} Installing with apt-get…`);
  try {
    aptGet("update", "-q");
    aptGet("install", "-q", "-y", "--no-install-recommends", ...missing);
  } catch (cause) {
    throw new Error(`${help} apt-get failed. ${advice}`, { cause });
  }
  const absent = missingDebianPackages(missing);
  if (absent.length === 0) return;
  throw new Error(`apt-get installed ${absent.join(", ")}, but not ${absent.map((name) => debianPackages[name])}.`);
}

function aptGet(...args: string[]): void {
  // RUNLEVEL=1 keeps packages from starting services (invoke-rc.d(8)).
  const env = { ...Deno.env.toObject(), DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  execFileSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
}
