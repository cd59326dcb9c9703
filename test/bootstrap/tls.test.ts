import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { TestAuthority, tlsSecret } from "../certificates";
import { Cluster, type Pod, programs, until, waitStreaming } from "./harness";
import { type Result, runProgram } from "./processes";

const dayMs = 24 * 3600 * 1000;
const authority = new TestAuthority();
const onCurve = (curve: string): string[] => ["ec", "-pkeyopt", `ec_paramgen_curve:${curve}`];

/** A private key as PEM with a passphrase, be it empty. */
function encrypted(passphrase: string): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cipher = "aes-256-cbc";
  return privateKey.export({ type: "pkcs8", format: "pem", cipher, passphrase }).toString();
}

/** psql over TCP as the app's role, with options of libpq. */
function connect(pod: Pod, options: string, sql = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()") {
  const { user, database, password } = pod.cluster;
  const where = `host=${pod.address} port=5440 user=${user} dbname=${database} connect_timeout=5`;
  return runProgram(join(programs, "psql"), ["-XAtqw", "-d", `${where} ${options}`, "-c", sql], {
    PGPASSWORD: password,
  });
}

/** Options of a client that verifies the server by this authority. */
function verifyFull(pod: Pod, { certificate }: TestAuthority = authority): string {
  const file = join(pod.cluster.root, `ca-${pod.ordinal}.crt`);
  writeFileSync(file, certificate);
  return `sslmode=verify-full sslrootcert=${file}`;
}

/** Which certificate the server's files are. */
const inUse = (pod: Pod): string => readFileSync(join(pod.volume, "tls", "tls.crt"), "utf8");
const startedAt = (pod: Pod): Promise<string> => pod.sql("SELECT pg_postmaster_start_time()");
const succeeded = ({ code, stderr }: Result) => expect(code, stderr).to.equal(0);

/** Waits until a client that verifies by this authority gets in. */
async function served(pod: Pod, by: TestAuthority): Promise<void> {
  await until(`${pod.name} with the new certificate`, async () => (await connect(pod, verifyFull(pod, by))).code === 0);
}

describe("TLS with an authority of the cluster's own", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;
  before(async () => {
    cluster = new Cluster({
      tls: { mode: "self-signed", secret: authority.secret },
      env: { CERTIFICATE_INTERVAL: "1" },
    });
    primary = await cluster.ready(0);
    replica = await cluster.ready(1);
  });
  after(() => cluster.dispose());

  it("lets clients verify every pod, by TLS 1.3 where they have it", async () => {
    for (const pod of [primary, replica]) {
      const { stdout, stderr } = await connect(pod, verifyFull(pod));
      expect(stdout, stderr).to.equal("t|TLSv1.3");
      const older = await connect(pod, `${verifyFull(pod)} ssl_max_protocol_version=TLSv1.2`);
      expect(older.stdout, older.stderr).to.equal("t|TLSv1.2");
    }
  });

  it("refuses connections without TLS, and TLS 1.1", async () => {
    for (const pod of [primary, replica]) {
      expect((await connect(pod, "sslmode=disable")).stderr).to.match(
        /pg_hba.conf rejects connection .* no encryption/,
      );
      const old = "sslmode=require ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.1";
      expect((await connect(pod, old)).stderr).to.match(
        /SSL error: (tlsv1 alert protocol version|no protocols available)/,
      );
    }
  });

  it("replicates by TLS, and the replica verifies the primary", async () => {
    await waitStreaming(primary, replica);
    const of = "FROM pg_stat_ssl s JOIN pg_stat_replication r USING (pid) WHERE r.application_name = 'postgres-1'";
    expect(await primary.sql(`SELECT s.ssl ${of}`)).to.equal("t");
    expect(await replica.sql("SHOW primary_conninfo")).to.contain("sslmode=verify-full");
  });

  it("keeps the key to the pod's user", async () => {
    const folder = realpathSync(join(primary.volume, "tls"));
    const { stdout } = await runProgram("stat", ["-c", "%a %U", folder, join(folder, "tls.key")], {});
    expect(stdout).to.equal("700 postgres\n600 postgres");
  });

  it("renews a certificate that is about to end by a reload, while sessions go on", async () => {
    const [before, started] = [inUse(primary), await startedAt(primary)];
    const session = connect(primary, verifyFull(primary), "SELECT pg_sleep(6); SELECT 'still here'");
    cluster.tls = { ...cluster.tls, days: 20, renewBefore: 15 };
    await primary.writeConfig();
    await until("another certificate", () => inUse(primary) !== before);
    // 20 days are more than the 15 that it is renewed before, so this one stays.
    const renewed = inUse(primary);
    succeeded(await connect(primary, verifyFull(primary)));
    expect((await session).stdout, (await session).stderr).to.equal("still here");
    expect(inUse(primary)).to.equal(renewed);
    // Each is too old at once.
    cluster.tls = { ...cluster.tls, days: 20, renewBefore: 21 };
    await primary.writeConfig();
    await until("a renewal without a change", async () => {
      const seen = inUse(primary);
      return seen !== renewed && (await until("the next", () => inUse(primary) !== seen));
    });
    expect(await startedAt(primary)).to.equal(started);
  });

  it("takes a new authority over by a reload", async () => {
    const started = await startedAt(primary);
    const other = new TestAuthority("another");
    for (const pod of [primary, replica]) await pod.writeTlsSecret(other.secret);
    for (const pod of [primary, replica]) await served(pod, other);
    expect((await connect(primary, verifyFull(primary))).stderr).to.contain("certificate verify failed");
    expect(await startedAt(primary)).to.equal(started);
    await waitStreaming(primary, replica);
  });
});

describe("TLS with a certificate of somebody else", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let primary: Pod;
  before(async () => {
    cluster = new Cluster({ tls: { mode: "secret", secret: {} } });
    primary = await cluster.pod(0);
  });
  after(() => cluster.dispose());
  afterEach("no key is in the log, and nothing that bash says", () =>
    expect(primary.logs()).to.not.match(/PRIVATE KEY|: line \d+: /),
  );
  const right = () => tlsSecret(authority, authority.issue({ hosts: [primary.address] }));

  it("is waited for before a server starts", async () => {
    primary.start();
    await primary.waitLog(/waiting for a usable certificate in Secret postgres-tls: it has no tls.crt/);
    expect(await primary.probe("startup")).to.equal(1);
    expect(await primary.probe("liveness")).to.equal(0);
    const started = primary.probe("startup", 6);
    await primary.writeTlsSecret(right());
    expect(await started, "the probe that waits").to.equal(0);
    await primary.waitReady();
    succeeded(await connect(primary, verifyFull(primary)));
  });

  it("is taken over by a reload when it changes", async () => {
    const [before, started] = [inUse(primary), await startedAt(primary)];
    await primary.writeTlsSecret(right());
    await until("the new one", () => inUse(primary) !== before);
    succeeded(await connect(primary, verifyFull(primary)));
    expect(await startedAt(primary)).to.equal(started);
    // It lives for ten days.
    const { certificateEnds, notices } = await primary.report();
    expect((Date.parse(certificateEnds ?? "") - Date.now()) / dayMs).to.be.within(9, 10);
    expect(notices.join()).to.match(/^the certificate of Secret postgres-tls ends on .* and was not renewed: .*$/);
  });

  it("is taken over with a serial number below zero, too, as some authorities give", async () => {
    await primary.writeTlsSecret(tlsSecret(authority, authority.issue({ hosts: [primary.address], serial: -5 })));
    await primary.waitLog(/the certificate is of serial number -05, and ends on/);
    succeeded(await connect(primary, verifyFull(primary)));
  });

  /** The bytes that a PEM is made of. */
  const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");

  // One after another never for the same reason: that is said once.
  const unusable: [what: string, files: () => Record<string, string | Buffer>, words: RegExp][] = [
    [
      "with the key of another one",
      () => ({ ...right(), "tls.key": authority.issue({ hosts: ["h"] }).key }),
      /tls.key is not the key of tls.crt/,
    ],
    ["without a key", () => ({ ...right(), "tls.key": "" }), /it has no tls.key/],
    [
      "with an empty passphrase",
      () => ({ ...right(), "tls.key": encrypted("") }),
      /tls.key is no PEM of a private key without passphrase/,
    ],
    ["that is none", () => ({ ...right(), "tls.crt": "no certificate" }), /tls.crt is no PEM of a certificate/],
    [
      "that has ended",
      () => tlsSecret(authority, authority.issue({ hosts: [primary.address], ended: true })),
      /tls.crt ended on/,
    ],
    [
      "with a key that is DER",
      () => {
        const pair = right();
        return { ...pair, "tls.key": der(pair["tls.key"] ?? "") };
      },
      /tls.key is no PEM of a private key without passphrase/,
    ],
    [
      "for other hosts",
      () => tlsSecret(authority, authority.issue({ hosts: ["other"] })),
      /tls.crt is not for 127\.[\d.]+/,
    ],
    [
      "that is DER",
      () => {
        const pair = right();
        return { ...pair, "tls.crt": der(pair["tls.crt"] ?? "") };
      },
      /tls.crt .*no PEM of a certificate/,
    ],
    [
      "of another authority",
      () => ({ ...right(), "ca.crt": new TestAuthority("other").certificate }),
      /ca.crt does not verify tls.crt/,
    ],
    [
      "with a key that is too short",
      () => tlsSecret(authority, authority.issue({ hosts: [primary.address], key: ["rsa:1024"] })),
      /ca.crt does not verify tls.crt: .*key too weak/,
    ],
    [
      "with a passphrase",
      () => tlsSecret(authority, authority.issue({ hosts: [primary.address], passphrase: "secret" })),
      /tls.key is no PEM of a private key without passphrase/,
    ],
    [
      "that goes on with what is no certificate",
      () => {
        const pair = right();
        return {
          ...pair,
          "tls.crt": `${pair["tls.crt"]}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
        };
      },
      /tls.crt has a block that is no PEM of a certificate/,
    ],
    [
      "with a key on a curve that nobody speaks",
      () => tlsSecret(authority, authority.issue({ hosts: [primary.address], key: onCurve("secp256k1") })),
      /tls.crt has a key on the curve secp256k1/,
    ],
  ];
  for (const [what, files, words] of unusable) {
    it(`${what} is refused, and the old one still served`, async () => {
      const [before, logged] = [inUse(primary), primary.logs().length];
      await primary.writeTlsSecret(files());
      const said = new RegExp(`no usable certificate, the previous one stays in use: ${words.source}`);
      await until(`${words} in the log`, () => said.test(primary.logs().slice(logged)));
      expect((await primary.report()).notices.join()).to.match(said);
      expect(inUse(primary)).to.equal(before);
      succeeded(await connect(primary, verifyFull(primary)));
    });
  }

  it("that does not fit its key keeps no server from starting", async () => {
    const before = inUse(primary);
    await primary.writeTlsSecret({ ...right(), "tls.key": authority.issue({ hosts: ["h"] }).key });
    await primary.waitLog(
      /previous one stays in use: tls.key is not the key of tls.crt\n[\s\S]*previous one stays in use: tls.key/,
    );
    expect(await primary.sigterm()).to.equal(0);
    primary.start();
    await primary.waitReady();
    expect(inUse(primary)).to.equal(before);
    succeeded(await connect(primary, verifyFull(primary)));
  });
});

describe("TLS that is switched", function () {
  this.timeout(90_000);
  it("on, while its Secret is missing, keeps no crashed server down, and is taken over when the Secret is there", async () => {
    const cluster = new Cluster();
    try {
      const primary = await cluster.ready(0);
      cluster.tls = { mode: "self-signed", secret: {} };
      await primary.writeConfig();
      await primary.waitLog(/the new settings need a certificate, which is not there yet/);
      expect((await primary.report()).notices).to.deep.equal([
        "the new settings need a certificate, which is not there yet; the previous ones stay until it is",
        "Secret postgres-tls has no usable certificate: it has no ca.crt",
      ]);
      const old = await primary.killPostmaster();
      await until("a new postmaster", () => (primary.postmaster() ?? old) !== old);
      await primary.waitReady();
      await primary.sigterm();
      primary.start();
      await primary.waitReady();
      succeeded(await connect(primary, "sslmode=disable"));
      await primary.writeTlsSecret(authority.secret);
      await served(primary, authority);
      await until("the end of plain connections", async () => (await connect(primary, "sslmode=disable")).code !== 0);
      expect((await primary.report()).notices).to.deep.equal([]);
    } finally {
      await cluster.dispose();
    }
  });

  it("on and off reaches a running primary by reload", async () => {
    const cluster = new Cluster();
    try {
      const primary = await cluster.ready(0);
      const started = await startedAt(primary);
      expect((await connect(primary, "sslmode=require")).stderr).to.contain("server does not support SSL");
      // The ConfigMap may come before the Secret.
      cluster.tls = { mode: "self-signed", secret: {} };
      await primary.writeConfig();
      await primary.waitLog(/the new settings need a certificate, which is not there yet/);
      succeeded(await connect(primary, "sslmode=disable"));
      await primary.writeTlsSecret(authority.secret);
      await served(primary, authority);
      await until("the end of plain connections", async () => (await connect(primary, "sslmode=disable")).code !== 0);
      expect(await startedAt(primary)).to.equal(started);
      cluster.tls = { mode: "off", secret: {} };
      // A mistake that comes with it: the last valid settings are encrypted, and start with their certificate.
      await primary.writeConfig(["work_mem = nonsense"]);
      await primary.waitLog(/the new settings are not valid, the previous ones stay/);
      expect(await primary.sigterm()).to.equal(0);
      primary.start();
      await primary.waitReady();
      succeeded(await connect(primary, "sslmode=require"));
      const restarted = await startedAt(primary);
      await primary.writeConfig();
      await until("plain connections again", async () => (await connect(primary, "sslmode=disable")).code === 0);
      expect(await startedAt(primary)).to.equal(restarted);
      expect(readdirSync(primary.volume).filter((name) => name.startsWith(".tls."))).to.deep.equal([]);
    } finally {
      await cluster.dispose();
    }
  });
});
