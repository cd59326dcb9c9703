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

  it("is until when its certificate lives, and nothing more where it runs as its settings say", async () => {
    for (const pod of [primary, replica]) {
      const { certificateEnds = "", notices: none } = await pod.report();
      expect(none).to.deep.equal([]);
      expect((Date.parse(certificateEnds) - Date.now()) / dayMs).to.be.within(89, 90);
    }
  });

  it("is what the server says of settings that are not valid, until they are mended", async () => {
    await primary.writeConfig(["timezone = 'Mars/Phobos'"]);
    await says(primary, /^the new settings are not valid, the previous ones stay: .*TimeZone.*"Mars\/Phobos".*$/);
    await primary.writeConfig(["work_mem = 7MB"]);
    await says(primary, nothing);
    expect(await primary.sql("SHOW work_mem")).to.equal("7MB");
  });

  it("is which settings wait for a restart, as while updateStrategy holds the pod", async () => {
    await replica.writeConfig(["max_connections = 120"]);
    await says(replica, /^max_connections = '120' is not in force: it needs a restart of this pod$/);
    await replica.sigterm();
    replica.start();
    await replica.waitReady();
    await says(replica, nothing);
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

  it("is that a certificate is waited for, also before there is a server", async () => {
    const other = new Cluster({ tls: { mode: "secret", secret: {} } });
    try {
      const pod = await other.pod(0);
      pod.start();
      await pod.waitLog(/waiting for a usable certificate/);
      expect(await pod.report()).to.deep.equal({
        certificateEnds: undefined,
        notices: ["Secret postgres-tls has no usable certificate: it has no tls.crt"],
      });
    } finally {
      await other.dispose();
    }
  });
});
