import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { namesOf } from "../../components/postgres/names";
import { certifiedHosts } from "../../components/postgres/tls/certificate";
import { TestAuthority, tlsSecret } from "../certificates";
import { type Login, psycopg2 } from "./client";
import { eventually } from "./kubernetes";
import { Ledger } from "./ledger";
import { TestStack } from "./stack";

const ssl = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()";
const certificateFile = "/var/lib/postgresql/data/tls/tls.crt";

describe("TLS on a cluster of three", function () {
  this.timeout("6 minutes");
  let stack: TestStack;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tls-"));
    stack = await TestStack.create("tls", { replicas: 3 });
    await stack.up();
  });
  after(async () => {
    await stack.remove();
    rmSync(folder, { recursive: true });
  });

  const pods = (): string[] => stack.outputs.endpoints.map(({ pod }) => pod);

  /** Every address of the outputs. */
  const hosts = (): string[] => [stack.outputs.primary.host, ...stack.outputs.endpoints.map(({ host }) => host)];

  /** A client that verifies the server by an authority; by default the one of the outputs. */
  function verifying(host: string, authority = stack.outputs.tls.caCertificate ?? ""): Login {
    const sslrootcert = join(folder, `${Buffer.from(authority).toString("hex").slice(-64)}.crt`);
    writeFileSync(sslrootcert, authority);
    return { host, ...login(), sslmode: "verify-full", sslrootcert };
  }

  function login(): Login {
    const { database, user } = stack.outputs;
    return { database, user, password: stack.password() };
  }

  const words = (connect: Login): Promise<string> =>
    psycopg2(stack.dns, connect, ssl).then(String, (error: Error) => error.message);

  const inUse = (pod: string): Promise<string> => stack.namespace.kubectl("exec", pod, "--", "cat", certificateFile);
  const startTimes = (): Promise<string[]> =>
    Promise.all(pods().map((pod) => stack.namespace.superuser(pod, "select pg_postmaster_start_time()")));

  it("lets clients verify every address of the outputs by the authority of the outputs", async () => {
    expect(stack.outputs.tls.mode).to.equal("self-signed");
    for (const host of hosts()) expect(await words(verifying(host)), host).to.equal("True,TLSv1.3");
  });

  it("is not known by another authority, and not by another name", async () => {
    const { certificate } = new TestAuthority();
    for (const host of hosts()) {
      expect(await words(verifying(host, certificate)), host).to.match(/certificate verify failed/);
    }
    const { podIP } = (await stack.namespace.pod("postgres-0")).status;
    expect(await words(verifying(podIP ?? ""))).to.match(/does not match host name/);
  });

  it("is demanded: plain connections and TLS 1.1 are refused by every pod", async () => {
    for (const host of hosts()) {
      expect(await words({ host, ...login(), sslmode: "disable" }), host).to.match(
        /pg_hba.conf rejects connection.*no encryption/,
      );
      const old = { ssl_min_protocol_version: "TLSv1", ssl_max_protocol_version: "TLSv1.1" };
      expect(await words({ ...verifying(host), ...old }), host).to.match(
        /SSL error: (tlsv1 alert protocol version|no protocols available)/,
      );
    }
  });

  it("is what replicas stream by, and they verify the primary by its output host", async () => {
    const { namespace, outputs } = stack;
    await namespace.allStreaming("postgres-1", "postgres-2");
    const streams = "from pg_stat_replication join pg_stat_ssl using (pid) order by 1";
    expect(await namespace.superuser("postgres-0", `select application_name, ssl, version ${streams}`)).to.equal(
      "postgres-1|t|TLSv1.3\npostgres-2|t|TLSv1.3",
    );
    for (const pod of ["postgres-1", "postgres-2"]) {
      const conninfo = await namespace.superuser(pod, "show primary_conninfo");
      expect(conninfo).to.match(/ sslmode=verify-full sslrootcert=\S+ /);
      expect(conninfo).to.contain(`host=${outputs.endpoints[0]?.host} `);
    }
  });

  it("renews certificates of all pods under load without a failed write and without a restart", async () => {
    const before = await Promise.all(pods().map(inUse));
    const started = await startTimes();
    const ledger = await Ledger.start(stack.dns, () => verifying(stack.outputs.primary.host), 3);
    try {
      for (const pod of pods()) await stack.namespace.kubectl("exec", pod, "--", "rm", certificateFile);
      for (const [index, pod] of pods().entries()) {
        await eventually(`another certificate of ${pod}`, async () =>
          (await inUse(pod)) !== before[index] ? true : undefined,
        );
      }
      await ledger.writes(20);
    } finally {
      await ledger.stop();
    }
    const { failed, lost, acknowledged } = await ledger.settle();
    expect({ failed, lost }).to.deep.equal({ failed: [], lost: [] });
    expect(acknowledged).to.be.greaterThan(100);
    for (const host of hosts()) expect(await words(verifying(host)), host).to.equal("True,TLSv1.3");
    expect(await startTimes()).to.deep.equal(started);
    await stack.namespace.allStreaming("postgres-1", "postgres-2");
  });

  describe("with a certificate of one's own", () => {
    const authority = new TestAuthority("own");
    const right = () => {
      const names = namesOf("postgres");
      const tls = { mode: "secret", secretName: "own", issuer: undefined, caCertificate: undefined } as const;
      const hosts = certifiedHosts({ names, namespace: stack.namespace.name, tls });
      return tlsSecret(authority, authority.issue({ hosts }));
    };
    /** Also has the pods see it at once. */
    async function apply(stringData: Record<string, string>): Promise<void> {
      const metadata = { name: "own", namespace: stack.namespace.name };
      await stack.namespace.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData });
      await stack.namespace.refreshFiles("app=postgres");
    }

    it("goes over to it by a rolling restart, and hands its authority on", async () => {
      await apply(right());
      await stack.up({ tls: { mode: "secret", secretName: "own", caCertificate: authority.certificate } });
      expect(stack.outputs.tls).to.deep.equal({ mode: "secret", caCertificate: authority.certificate });
      for (const host of hosts()) expect(await words(verifying(host)), host).to.equal("True,TLSv1.3");
      await stack.namespace.allStreaming("postgres-1", "postgres-2");
    });

    it("reloads one that is renewed", async () => {
      const [before, started] = [await inUse("postgres-0"), await startTimes()];
      await apply(right());
      await eventually("the new one", async () => ((await inUse("postgres-0")) !== before ? true : undefined), 120);
      for (const host of hosts()) expect(await words(verifying(host)), host).to.equal("True,TLSv1.3");
      expect(await startTimes()).to.deep.equal(started);
    });

    it("refuses one that does not fit its key, and serves the old one, also after a restart", async () => {
      const before = await inUse("postgres-0");
      await apply({ ...right(), "tls.key": authority.issue({ hosts: ["other"] }).key });
      for (const pod of pods()) {
        await eventually(
          `the refusal of ${pod}`,
          async () =>
            (await stack.namespace.kubectl("logs", pod, "--tail=50")).includes(
              "Secret own has no usable certificate, the previous one stays in use: tls.key is not the key of tls.crt",
            )
              ? true
              : undefined,
          120,
        );
      }
      await stack.namespace.replace("postgres-0");
      expect(await inUse("postgres-0")).to.equal(before);
      // The cluster's DNS names the former pod's address for another moment.
      const reached = (host: string) => words(verifying(host)).then((said) => said.startsWith("True") || undefined);
      for (const host of hosts()) await eventually(`the new pod by ${host}`, () => reached(host));
      for (const host of hosts()) expect(await words(verifying(host)), host).to.equal("True,TLSv1.3");
      await stack.namespace.allStreaming("postgres-1", "postgres-2");
    });
  });
});
