import { expect } from "chai";
import { clouds, workloads } from "../../components/postgres/args";
import { claimName, claimSpec, persistentVolumeClaim } from "../../components/postgres/claims";
import { type ClusterSpec, clusterSpec } from "../../components/postgres/spec";
import { isExpandable, storageClass } from "../../components/postgres/storage-class";
import { withDriver } from "./driver";
import { eventually } from "./kubernetes";
import { TestStack } from "./stack";

describe("a running cluster of three", function () {
  this.timeout("5 minutes");
  let stack: TestStack;

  // A class that can grow volumes; the volumes are local ones, and the test plays their driver.
  before(async () => {
    stack = await TestStack.create("growth", { replicas: 3, cloud: "aws" });
    await stack.up();
  });
  after(() => stack.remove());

  const uids = async (): Promise<string[]> => (await stack.namespace.pods()).map(({ metadata }) => metadata.uid);
  const started = (): Promise<string[]> =>
    Promise.all(
      ["postgres-0", "postgres-1", "postgres-2"].map((pod) =>
        stack.namespace.superuser(pod, "select pg_postmaster_start_time()"),
      ),
    );
  const sizes = async (): Promise<string[]> => Object.values(await stack.namespace.claims()).map(({ size }) => size);
  const failureOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "nothing failed",
      (error: Error) => error.message,
    );

  describe("with larger volumes", () => {
    it("has them in one up, which ends when the driver is done; no pod restarts, and nothing is left to change", async () => {
      const [pods, servers] = [await uids(), await started()];
      let ended = false;
      const grown = stack.up({ storageSize: "15Gi" }).finally(() => {
        ended = true;
      });
      grown.catch(() => undefined);
      await eventually("the larger claims", async () =>
        (await sizes()).join() === "15Gi,15Gi,15Gi" ? true : undefined,
      );
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(ended, "ended before the volumes have grown").to.equal(false);
      const { changes } = await withDriver(stack.namespace, grown);
      expect(changes.map(({ kind }) => kind)).to.have.members([
        "PersistentVolumeClaim",
        "PersistentVolumeClaim",
        "PersistentVolumeClaim",
        "ConfigMap",
      ]);
      expect(await uids()).to.deep.equal(pods);
      expect(await started()).to.deep.equal(servers);
      expect((await stack.preview({ storageSize: "15Gi" })).changes).to.deep.equal([]);
    });

    it("gives pods that are added later the same size, each time", async () => {
      const [pods, servers] = [await uids(), await started()];
      for (const replicas of [4, 3, 4]) {
        await stack.up({ storageSize: "15Gi", replicas });
        expect(await sizes()).to.deep.equal(["15Gi", "15Gi", "15Gi", "15Gi"]);
      }
      expect((await uids()).slice(0, 3)).to.deep.equal(pods);
      expect(await started()).to.deep.equal(servers);
      expect((await stack.preview({ storageSize: "15Gi", replicas: 4 })).changes).to.deep.equal([]);
    });

    it("grows a claim that an earlier pod left when it is used again", async () => {
      await withDriver(stack.namespace, stack.up({ storageSize: "16Gi" }));
      expect(await sizes()).to.deep.equal(["16Gi", "16Gi", "16Gi", "15Gi"]);
      await withDriver(stack.namespace, stack.up({ storageSize: "16Gi", replicas: 4 }));
      expect(await sizes()).to.deep.equal(["16Gi", "16Gi", "16Gi", "16Gi"]);
      await stack.up({ storageSize: "16Gi" });
    });

    it("refuses smaller ones, with Pulumi's own CLI too", async () => {
      // Of the claims that the API server refuses, one is named before Pulumi ends.
      const refused = /"data-postgres-\d" is invalid: .*can not be less than status.capacity|volumes cannot shrink/;
      for (const storageSize of ["15Gi", "5Gi"]) {
        expect(await failureOf(stack.preview({ storageSize }))).to.match(/data-postgres-0 \(16Gi\).*cannot shrink/);
        expect(await failureOf(stack.plain("preview", { storageSize }))).to.match(refused);
      }
      expect(await sizes()).to.deep.equal(["16Gi", "16Gi", "16Gi", "16Gi"]);
    });
  });

  describe("with claims of each cloud's class", () => {
    const kinds = clouds.flatMap((cloud) => workloads.map((workload) => ({ cloud, workload })));
    const specs = () =>
      kinds.map(({ cloud, workload }, index) =>
        clusterSpec({ cloud, workload, name: `kind-${index}`, namespace: stack.name, storageSize: "20Gi" }),
      );
    const volumeOf = ({ name }: ClusterSpec): string => `${stack.name}-${name}`;

    before(async () => {
      const bound = specs().flatMap((spec) => {
        const { accessModes, storageClassName } = claimSpec(spec);
        const claim = persistentVolumeClaim(spec, 0);
        const claimRef = { namespace: stack.name, name: claimName(spec, 0) };
        const volume = {
          accessModes,
          storageClassName,
          claimRef,
          capacity: { storage: "20Gi" },
          hostPath: { path: "/tmp" },
        };
        return [
          ...(spec.storageClass === undefined
            ? []
            : [
                {
                  apiVersion: "storage.k8s.io/v1",
                  kind: "StorageClass",
                  ...storageClass(spec.storageClass, spec.labels),
                },
              ]),
          { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: volumeOf(spec) }, spec: volume },
          { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim },
        ];
      });
      await stack.namespace.apply(...bound);
    });
    after(async () => {
      const claims = specs().map((spec) => claimName(spec, 0));
      await stack.namespace.kubectl("delete", "pvc", ...claims);
      await stack.namespace.kubectl("delete", "pv", ...specs().map(volumeOf));
      await stack.namespace.kubectl("delete", "storageclass", ...specs().map((spec) => spec.storageClassName));
    });

    it("may ask for more where the program says so, and nowhere else", async () => {
      for (const spec of specs()) {
        const name = claimName(spec, 0);
        await eventually(`the volume of ${name}`, async () =>
          (await stack.namespace.claims())[name]?.phase === "Bound" ? true : undefined,
        );
        const larger = persistentVolumeClaim({ ...spec, storageSize: "30Gi" }, 0);
        const asked = await failureOf(
          stack.namespace.applyAs("pulumi", { apiVersion: "v1", kind: "PersistentVolumeClaim", ...larger }),
        );
        const { cloud, workload } = spec;
        expect(asked, `${cloud} ${workload}`).to.match(
          isExpandable(cloud, workload)
            ? /^nothing failed$/
            : /storageclass that provisions the pvc must support resize/,
        );
      }
    });
  });

  describe("with a rollout that updateStrategy holds", () => {
    let size: { storageSize: string };
    before(async () => {
      size = { storageSize: (await sizes())[0] ?? "" };
    });
    const canary = () => ({ ...size, updateStrategy: { partition: 2 } });
    const locks = (pod: string): Promise<string> => stack.namespace.superuser(pod, "show max_locks_per_transaction");
    const allLocks = async (): Promise<string> =>
      (await Promise.all(["postgres-0", "postgres-1", "postgres-2"].map(locks))).join();

    it("updates the canary only, waits until it is ready, and says so; writes go on", async () => {
      const [first, second, third] = await uids();
      const { rollout } = await stack.up({ ...canary(), parameters: { max_locks_per_transaction: "72" } });
      expect(rollout).to.deep.equal({ updated: ["postgres-2"], older: ["postgres-0", "postgres-1"], partition: 2 });
      const now = await uids();
      expect(now.slice(0, 2)).to.deep.equal([first, second]);
      expect(now[2]).to.not.equal(third);
      expect(await allLocks()).to.equal("64,64,72");
      await stack.namespace.psql("postgres-0", "create table written (id int)");
      const again = await stack.up({ ...canary(), parameters: { max_locks_per_transaction: "72" } });
      expect(again.changes).to.deep.equal([]);
      expect(again.rollout).to.deep.equal(rollout);
    });

    it("ends with the reason when the canary cannot start, and the others run on", async () => {
      const before = (await uids()).slice(0, 2);
      const began = Date.now();
      const failure = await failureOf(stack.up({ ...canary(), image: "localhost/no-such-image:15" }));
      expect(failure).to.match(/^postgres-2 cannot become ready[\s\S]*no-such-image/);
      expect((Date.now() - began) / 1000, "seconds").to.be.lessThan(60);
      expect((await uids()).slice(0, 2)).to.deep.equal(before);
      await stack.namespace.psql("postgres-0", "insert into written values (1)");
    });

    it("updates the others when the partition is lowered", async () => {
      const { rollout } = await stack.up({ ...size, parameters: { max_locks_per_transaction: "72" } });
      expect(rollout).to.equal(undefined);
      expect(await allLocks()).to.equal("72,72,72");
    });

    it("with OnDelete updates nothing and says so; pods that are deleted by hand get the new revision", async () => {
      const before = await uids();
      const settings = {
        ...size,
        updateStrategy: { type: "OnDelete" },
        parameters: { max_locks_per_transaction: "80" },
      };
      const all = ["postgres-0", "postgres-1", "postgres-2"];
      const { rollout } = await stack.up(settings);
      expect(rollout).to.deep.equal({ updated: [], older: all, partition: undefined });
      expect(await uids()).to.deep.equal(before);
      await stack.namespace.replace("postgres-2");
      expect(await allLocks()).to.equal("72,72,80");
      const again = await stack.up(settings);
      expect(again.changes).to.deep.equal([]);
      expect(again.rollout?.updated).to.deep.equal(["postgres-2"]);
    });

    it("is awaited by Pulumi's own CLI, too: the canary, then all of them, each time", async () => {
      const up = (partition: number, value: number): Promise<void> =>
        stack.plain("up", {
          ...size,
          updateStrategy: { partition },
          parameters: { max_locks_per_transaction: `${value}` },
        });
      await up(0, 90);
      expect(await allLocks()).to.equal("90,90,90");
      await up(2, 91);
      expect(await allLocks()).to.equal("90,90,91");
      await up(0, 91);
      expect(await allLocks()).to.equal("91,91,91");
      await up(0, 92);
      expect(await allLocks()).to.equal("92,92,92");
    });
  });
});
