import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { TestAuthority } from "../certificates";
import { Cluster, type Pod, until } from "./harness";

const authority = new TestAuthority();
const dayMs = 24 * 3600 * 1000;

describe("what a pod says of itself to a person", function () {
  this.timeout(60_000);
  let cluster: Cluster;
  let primary: Pod;
  let replica: Pod;

  before(async () => {
    cluster = new Cluster({ tls: { mode: "self-signed", secret: authority.secret } });
    primary = await cluster.ready(0);
    replica = await cluster.ready(1);
  });
  after(() => cluster.dispose());

  /** Waits until the pod's words, a line each, are these: it takes a moment until it has seen a change. */
  async function says(pod: Pod, words: RegExp): Promise<void> {
    let last = "";
    const found = async (): Promise<boolean> => {
      last = (await pod.report()).notices.join("\n");
      return words.test(last);
    };
    await until(`${words}`, found).catch((error: Error) => {
      throw new Error(`${error.message}; it says: ${last}`);
    });
  }
  const nothing = /^$/;

  async function restart(pod: Pod): Promise<void> {
    await pod.sigterm();
    pod.start();
    await pod.waitReady();
  }

  it("is until when its certificate lives, and nothing more where it runs as its settings say", async () => {
    for (const pod of [primary, replica]) {
      const { certificateEnds = "", notices: none } = await pod.report();
      expect(none).to.deep.equal([]);
      expect((Date.parse(certificateEnds) - Date.now()) / dayMs).to.be.within(89, 90);
    }
  });

  it("is what the server says of settings that are not valid, until they are mended", async () => {
    await primary.writeConfig(["timezone = 'Mars/Phobos'"]);
    await says(
      primary,
      /^the new settings are not valid, the previous ones stay: invalid value for parameter "TimeZone": "Mars\/Phobos" \(setting: parameters\)$/,
    );
    await primary.writeConfig(["work_mem = 7MB"]);
    await says(primary, nothing);
    await until("the reload", async () => (await primary.sql("SHOW work_mem")) === "7MB");
  });

  it("is which settings wait for a restart, as while updateStrategy holds the pod", async () => {
    await replica.writeConfig(["max_connections = 120"]);
    await says(replica, /^max_connections = '120' is not in force: it needs a restart of this pod$/);
    await restart(replica);
    await says(replica, nothing);
  });

  it("is that a replica keeps what the primary had more of, until both have restarted", async () => {
    await replica.writeConfig(["max_connections = 60"]);
    await restart(replica);
    await says(
      replica,
      /^max_connections = '60' is not in force: it waits for the primary to have it, then for a restart of this pod$/,
    );
    await replica.writeConfig();
    await restart(replica);
    await says(replica, nothing);
  });

  it("is that a line is gone which needs a restart, too", async () => {
    await replica.writeConfig(["max_locks_per_transaction = 100"]);
    await says(replica, /^max_locks_per_transaction = '100' is not in force: it needs a restart of this pod$/);
    await restart(replica);
    await says(replica, nothing);
    await replica.writeConfig();
    await says(replica, /^parameter "max_locks_per_transaction" cannot be changed without restarting the server.*$/);
    await restart(replica);
    await says(replica, nothing);
  });

  it("is what somebody has set by SQL, and not what the command line has", async () => {
    await primary.writeConfig(["work_mem = 9MB"]);
    await primary.sql("ALTER SYSTEM SET work_mem = '1MB'");
    await primary.sql("ALTER SYSTEM SET cluster_name = 'other'");
    await primary.sql("SELECT pg_reload_conf()");
    await says(
      primary,
      /^work_mem = '9MB' is not in force: ALTER SYSTEM has set it to '1MB' \(ALTER SYSTEM RESET work_mem ends that\)$/,
    );
    await primary.sql("ALTER SYSTEM RESET ALL");
    await primary.writeConfig();
    await says(primary, nothing);
  });

  it("is one line for each, whatever is in a value", async () => {
    await primary.writeConfig(["shared_preload_libraries = 'a\\nb\\tc\u001b[31m\rd'"]);
    await says(
      primary,
      /^shared_preload_libraries = E?'a b c \[31m d' is not in force: it needs a restart of this pod$/,
    );
    await primary.writeConfig();
    await says(primary, nothing);
  });

  it("is which passwords the Secret has not", async () => {
    await primary.writeSecrets("", "");
    await says(
      primary,
      /^the Secret has no usable POSTGRES_PASSWORD: .*\nthe Secret has no usable REPLICATION_PASSWORD: .*$/,
    );
    await replica.writeSecrets("app-secret-1", "");
    await says(replica, /^the Secret has no usable REPLICATION_PASSWORD; the previous one stays in use$/);
    for (const pod of [primary, replica]) await pod.writeSecrets();
    await says(primary, nothing);
    await says(replica, nothing);
  });

  it("is that there is no server now, and then nothing of a full volume or a log", async () => {
    const server = await until("a postmaster", () => primary.postmaster());
    process.kill(server, "SIGSTOP");
    const file = join(primary.data, "postmaster.pid");
    const lines = readFileSync(file, "utf8");
    writeFileSync(file, lines.replace(/ready {3}/, "starting"));
    try {
      await primary.writeConfig(["work_mem = 5MB"]);
      await primary.writeTlsSecret(new TestAuthority("another").secret);
      await says(primary, /^the server does not accept connections now; what changed is taken over when it does$/);
    } finally {
      writeFileSync(file, lines);
      process.kill(server, "SIGCONT");
    }
    await primary.writeTlsSecret();
    await primary.writeConfig();
    await says(primary, nothing);
  });

  it("is what could not be made of what the settings add", async () => {
    await primary.writeConfig([], { extensions: "hstore\tmissing\n" });
    await says(primary, /^could not make extension hstore in database missing: .*does not exist.*$/);
    await primary.writeConfig([]);
    await says(primary, nothing);
  });

  it("is that the authority is missing, while the certificate that it made stays in use", async () => {
    await replica.writeTlsSecret({});
    await says(
      replica,
      /^Secret postgres-tls has no usable certificate, the previous one stays in use: it has no ca.crt$/,
    );
    expect((await replica.report()).certificateEnds).to.not.equal(undefined);
    await replica.writeTlsSecret();
    await says(replica, nothing);
  });

  it("is why no certificate can be made, and that the one in use has ended", async () => {
    const own = new Cluster({ tls: { mode: "self-signed", secret: authority.secret } });
    try {
      const pod = await own.ready(0);
      const other = new TestAuthority("another");
      await pod.writeTlsSecret({ ...other.secret, "ca.key": authority.secret["ca.key"] ?? "" });
      await says(
        pod,
        /^Secret postgres-tls has no usable certificate, the previous one stays in use: openssl could not/,
      );
      const ended = authority.issue({ hosts: [pod.address], ended: true });
      writeFileSync(join(pod.volume, "tls", "tls.crt"), ended.certificate);
      await says(pod, /openssl could not.*\nthe certificate has ended: clients that verify it refuse it$/);
    } finally {
      await own.dispose();
    }
  });

  it("is that the server does not answer", async () => {
    const own = new Cluster();
    try {
      const pod = await own.ready(0);
      const server = await until("a postmaster", () => pod.postmaster());
      process.kill(server, "SIGSTOP");
      await says(pod, /^the server did not answer within 3 s, so it is not known what it follows$/);
      process.kill(server, "SIGCONT");
      await says(pod, nothing);
    } finally {
      await own.dispose();
    }
  });

  it("is that a certificate is waited for, also before there is a server", async () => {
    const other = new Cluster({ tls: { mode: "secret", secret: {} } });
    try {
      const pod = await other.pod(0);
      pod.start();
      await pod.waitLog(/waiting for a usable certificate/);
      expect(await pod.report()).to.deep.equal({
        certificateEnds: undefined,
        notices: [
          "the server does not accept connections now; what changed is taken over when it does",
          "Secret postgres-tls has no usable certificate: it has no tls.crt",
        ],
      });
    } finally {
      await other.dispose();
    }
  });
});
