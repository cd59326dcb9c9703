import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { parse } from "yaml";
import { projectFolder } from "../../local/pulumi/paths";
import { barePodsOf } from "./bare-pods";
import { TestStack } from "./stack";

const execute = promisify(execFile);

interface Planned {
  metadata: { name: string; namespace?: string };
}

/** The objects that `npm run render` writes for a stack. */
async function rendered(stack: string): Promise<Planned[]> {
  const folder = mkdtempSync(join(tmpdir(), "render-"));
  try {
    await execute("npm", ["run", "--silent", "render", "--", "--stack", stack, "--out", folder], {
      cwd: projectFolder,
    });
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    return files.map((file): Planned => parse(readFileSync(join(folder, file), "utf8")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the API server says against something; nothing where it is welcome. */
const against = (way: Promise<void>): Promise<string> =>
  way.then(
    () => "",
    (error: Error) => error.message,
  );

const privileged = { containers: [{ name: "planted", image: "planted", securityContext: { privileged: true } }] };
const plantedPod = { apiVersion: "v1", kind: "Pod", metadata: { name: "planted" }, spec: privileged };
const labels = { app: "planted" };
const plantedDeployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "planted" },
  spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: privileged } },
};

describe("Pod Security", function () {
  this.timeout("4 minutes");
  let cluster: TestStack;
  let denied: { before: number; after: number };

  /** How often it had something against a pod, or what makes pods, by any mode, since the API server started. */
  async function denials(): Promise<number> {
    const metrics = await cluster.namespace.kubectl("get", "--raw", "/metrics");
    const counted = [...metrics.matchAll(/^pod_security_evaluations_total\{decision="deny",.*\} (\d+)$/gm)];
    return counted.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  before(async () => {
    cluster = await TestStack.create("restricted", { replicas: 2 });
    const earlier = await denials();
    await cluster.up();
    denied = { before: earlier, after: await denials() };
  });
  after(() => cluster.remove());

  it("is restricted in the namespace that up makes: enforced, told to whoever applies, and audited", async () => {
    const { metadata } = await cluster.namespace.json<{ metadata: { labels: Record<string, string> } }>(
      ...["get", "namespace", cluster.name],
    );
    for (const mode of ["enforce", "warn", "audit"]) {
      expect(metadata.labels[`pod-security.kubernetes.io/${mode}`], mode).to.equal("restricted");
    }
  });

  it("has nothing against what up makes", () => {
    // Pulumi's provider drops warnings, so the API server is asked how many there were.
    expect(denied.after).to.equal(denied.before);
  });

  for (const stack of ["dev", "prod"]) {
    it(`admits every pod of stack ${stack}, and no object of it brings a warning of any kind`, async () => {
      const objects = await rendered(stack);
      const pods = objects.flatMap(barePodsOf);
      expect(pods).to.have.length.of.at.least(1);
      const own = objects
        .filter(({ metadata }) => metadata.namespace !== undefined)
        .map((object) => ({ ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-planned` } }))
        .map((object) => ({ ...object, metadata: { ...object.metadata, namespace: cluster.name } }));
      expect(own).to.have.length.greaterThan(7);
      for (const object of [...pods, ...own]) expect(await against(cluster.namespace.tryCreate(object))).to.equal("");
    });
  }

  it("refuses a privileged pod, warns of what would make one, and counts both", async () => {
    const pod = await against(cluster.namespace.tryCreate(plantedPod));
    expect(pod).to.match(/Forbidden.*violates PodSecurity "restricted:latest": privileged/);
    const deployment = await against(cluster.namespace.tryCreate(plantedDeployment));
    expect(deployment).to.match(/Warning: would violate PodSecurity "restricted:latest": privileged/);
    expect(await denials()).to.be.at.least(denied.after + 2);
  });

  describe("leaves a pod that runs", () => {
    const inPod = (pod: string, command: string): Promise<string> =>
      cluster.namespace.kubectl("exec", pod, "--", "bash", "-c", command).then((out) => out.trim());
    const inPrimary = (command: string): Promise<string> => inPod("postgres-0", command);

    it("user and group 999, no capability, a seccomp filter, and no way to more", async () => {
      expect(await inPrimary("id -u; id -g")).to.equal("999\n999");
      const status = await inPrimary("cat /proc/1/status");
      expect(status).to.match(/^CapBnd:\s+0+$/m);
      expect(status).to.match(/^CapEff:\s+0+$/m);
      expect(status).to.match(/^NoNewPrivs:\s+1$/m);
      expect(status).to.match(/^Seccomp:\s+2$/m);
    });

    it("a root filesystem that cannot be written", async () => {
      expect(await inPrimary("touch /usr/planted /etc/planted 2>&1; true")).to.match(
        /'\/usr\/planted': Read-only file system\n.*'\/etc\/planted': Read-only file system/,
      );
    });

    it("no token of Kubernetes, and no address of another Service", async () => {
      expect(await inPrimary("ls -d /var/run/secrets 2>&1; true")).to.match(/No such file or directory/);
      expect(await inPrimary("env | grep _SERVICE_ | grep -v ^KUBERNETES_; true")).to.equal("");
    });

    it("data that nobody else can read, whatever was opened since the last start", async () => {
      // The group bit in front comes from the volume's root, where kubelet sets it.
      const closed = /^2?700 999 999$/;
      const stat = 'stat -c "%a %u %g" "$PGDATA"';
      expect(await inPod("postgres-1", stat)).to.match(closed);
      expect(await inPod("postgres-1", `chmod 2770 "$PGDATA"; ${stat}`)).to.equal("2770 999 999");
      await cluster.namespace.replace("postgres-1");
      await cluster.namespace.allStreaming("postgres-1");
      expect(await inPod("postgres-1", stat)).to.match(closed);
    });

    it("no way to fill the node's disk by /tmp, or to be evicted for it", async () => {
      const { metadata } = await cluster.namespace.pod("postgres-0");
      const full = await inPrimary("head -c 20M /dev/zero 2>&1 >/tmp/planted; rm /tmp/planted");
      expect(full).to.match(/No space left on device/);
      expect((await cluster.namespace.pod("postgres-0")).metadata.uid).to.equal(metadata.uid);
      expect(await cluster.namespace.psql("postgres-0", "select 1")).to.equal("1");
    });
  });
});
