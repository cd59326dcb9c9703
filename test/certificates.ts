import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key, as PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** What a certificate is to be like. */
export interface Wanted {
  hosts: readonly string[];
  /** Whether it ended yesterday. Default: it begins now and lives for ten days. */
  ended?: boolean;
  /** As `openssl req -newkey` takes it. Default: ECDSA P-256. */
  key?: readonly string[];
  /** Passphrase of the key. Default: none. */
  passphrase?: string;
  /** Serial number. Default: one by chance. */
  serial?: number;
}

const ecdsa = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** An authority of the tests' own, which signs by openssl: so certificates do not come from what is tested. */
export class TestAuthority {
  readonly certificate: string;
  private readonly key: string;

  constructor(name = "test authority") {
    const made = inFolder((folder) => {
      const files = ["-keyout", "key", "-out", "certificate"];
      const extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
      openssl(folder, "req", "-x509", "-newkey", ...ecdsa, "-nodes", "-subj", `/CN=${name}`, ...extensions, ...files);
      return read(folder);
    });
    this.certificate = made.certificate;
    this.key = made.key;
  }

  /** The Secret that pods with certificates of their own have mounted. */
  get secret(): Record<string, string> {
    return { "ca.crt": this.certificate, "ca.key": this.key };
  }

  /** A server's certificate. */
  issue({ hosts, ended = false, key = ecdsa, passphrase, serial }: Wanted): KeyPair {
    return inFolder((folder) => {
      writeFileSync(join(folder, "ca.crt"), this.certificate);
      writeFileSync(join(folder, "ca.key"), this.key);
      writeFileSync(join(folder, "names"), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join()}\n`);
      const secrecy = passphrase === undefined ? ["-nodes"] : ["-passout", `pass:${passphrase}`];
      openssl(
        folder,
        "req",
        "-new",
        "-newkey",
        ...key,
        ...secrecy,
        "-subj",
        "/CN=server",
        "-keyout",
        "key",
        "-out",
        "request",
      );
      const number = serial === undefined ? ["-CAcreateserial"] : ["-set_serial", `${serial}`];
      const signed = ["-in", "request", "-CA", "ca.crt", "-CAkey", "ca.key", ...number, "-extfile", "names"];
      // openssl 3.0 knows no other way to a certificate that has ended.
      openssl(folder, "x509", "-req", ...signed, "-days", ended ? "-1" : "10", "-out", "certificate");
      return read(folder);
    });
  }
}

/** The Secret of somebody who brings certificate and key. */
export function tlsSecret(authority: TestAuthority, { certificate, key }: KeyPair): Record<string, string> {
  return { "ca.crt": authority.certificate, "tls.crt": certificate, "tls.key": key };
}

function inFolder<T>(make: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "certificates-"));
  try {
    return make(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const read = (folder: string): KeyPair => ({
  certificate: readFileSync(join(folder, "certificate"), "utf8"),
  key: readFileSync(join(folder, "key"), "utf8"),
});

function openssl(folder: string, ...args: string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}
