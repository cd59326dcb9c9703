import { expect } from "chai";
import fc from "fast-check";
import { clouds, workloads } from "../../components/postgres/args";
import { connectionUri, endpointsOf } from "../../components/postgres/endpoints";
import { labelsOf, namesOf, selectorLabels } from "../../components/postgres/names";
import { storageClass, storageClassName } from "../../components/postgres/storage-class";
import { clusterProblems } from "../../components/postgres/validate";

const clusterName = fc.stringMatching(/^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/);

/** Names that live side by side in one kind of object. */
const kinds = {
  statefulSets: ["statefulSet"],
  services: ["headlessService", "primaryService"],
  configMaps: ["configMap", "scriptsConfigMap", "latchConfigMap"],
  secrets: ["secret"],
} as const;

describe("names", () => {
  it("are the field's own with the default name", () => {
    expect(namesOf("postgres")).to.include({
      statefulSet: "postgres",
      headlessService: "postgres-svc",
      configMap: "postgres-config",
      secret: "postgres-secret",
      claim: "data",
    });
  });

  it("of any accepted cluster are names Kubernetes accepts", () => {
    fc.assert(
      fc.property(clusterName, (name) => {
        expect(clusterProblems({ name }), name).to.deep.equal([]);
        for (const derived of Object.values(namesOf(name)))
          expect(derived).to.match(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }),
    );
  });

  it("of two clusters in one namespace never meet", () => {
    fc.assert(
      fc.property(clusterName, clusterName, (one, other) => {
        fc.pre(one !== other);
        for (const kind of Object.values(kinds)) {
          const taken = kind.map((role) => namesOf(one)[role]);
          for (const role of kind) expect(taken).to.not.include(namesOf(other)[role]);
        }
        expect(selectorLabels(one)).to.not.deep.equal(selectorLabels(other));
      }),
    );
  });

  it("label every object with app, as the source of the field has it, and with the recommended labels", () => {
    expect(labelsOf("postgres")).to.deep.equal({
      app: "postgres",
      "app.kubernetes.io/instance": "postgres",
      "app.kubernetes.io/name": "postgresql",
      "app.kubernetes.io/component": "database",
      "app.kubernetes.io/managed-by": "pulumi",
    });
  });
});

describe("endpoints", () => {
  it("are one for each pod, the first the primary, with the DNS name the headless Service gives", () => {
    expect(endpointsOf("postgres", "postgres-svc", "default", 2)).to.deep.equal([
      {
        pod: "postgres-0",
        ordinal: 0,
        role: "primary",
        host: "postgres-0.postgres-svc.default.svc.cluster.local",
        port: 5432,
      },
      {
        pod: "postgres-1",
        ordinal: 1,
        role: "replica",
        host: "postgres-1.postgres-svc.default.svc.cluster.local",
        port: 5432,
      },
    ]);
  });

  it("keep their address whatever the number of pods is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (few, more) => {
        const [short, long] = [Math.min(few, more), Math.max(few, more)].map((count) =>
          endpointsOf("postgres", "postgres-svc", "ns", count),
        );
        expect(long?.slice(0, short?.length)).to.deep.equal(short);
      }),
    );
  });
});

describe("a connection URI", () => {
  const text = fc.string({ minLength: 1, maxLength: 63, unit: "binary" });

  it("carries any user, password and database unharmed", () => {
    fc.assert(
      fc.property(text, text, text, (user, password, database) => {
        const uri = connectionUri({ user, password, database }, [{ host: "h", port: 5432 }]);
        const parts = /^postgresql:\/\/([^:/?@]*):([^:/?@]*)@h:5432\/([^:/?@]*)$/.exec(uri)?.slice(1);
        expect(parts?.map(decodeURIComponent)).to.deep.equal([user, password, database]);
      }),
    );
  });

  it("lists several hosts with their ports, and its options", () => {
    const addresses = [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ];
    const login = { user: "u", password: "p", database: "d" };
    expect(connectionUri(login, addresses, { target_session_attrs: "prefer-standby" })).to.equal(
      "postgresql://u:p@a:1,b:2/d?target_session_attrs=prefer-standby",
    );
  });
});

describe("a StorageClass", () => {
  const encryption = { createKey: false, keyId: undefined };
  const request = { name: "postgres", namespace: "postgres-dev", keepVolumes: true, encryption };

  // The source document's table, and its two rules: Retain, and bind where the pod runs.
  const table = [
    ["aws", "development", "ebs.csi.aws.com", { type: "gp3", iops: "3000", throughput: "125" }, true],
    ["aws", "production", "ebs.csi.aws.com", { type: "gp3", iops: "3000", throughput: "125" }, true],
    ["aws", "high-performance", "ebs.csi.aws.com", { type: "io2", iops: "10000" }, true],
    ["gcp", "development", "pd.csi.storage.gke.io", { type: "pd-balanced" }, true],
    ["gcp", "production", "pd.csi.storage.gke.io", { type: "pd-ssd" }, true],
    ["azure", "development", "disk.csi.azure.com", { skuName: "StandardSSD_LRS" }, true],
    ["azure", "production", "disk.csi.azure.com", { skuName: "Premium_LRS" }, true],
    ["on-premise", "production", "kubernetes.io/no-provisioner", {}, false],
  ] as const;
  for (const [cloud, workload, provisioner, parameters, expandable] of table) {
    it(`on ${cloud} for ${workload} is what the cloud offers for it`, () => {
      const made = storageClass({ ...request, cloud, workload }, {});
      expect(made).to.include({
        provisioner,
        reclaimPolicy: "Retain",
        allowVolumeExpansion: expandable,
        volumeBindingMode: "WaitForFirstConsumer",
      });
      expect(made.parameters ?? {}).to.include(parameters);
    });
  }

  it("is deleted with its volumes only when asked", () => {
    const made = storageClass({ ...request, cloud: "aws", workload: "development", keepVolumes: false }, {});
    expect(made.reclaimPolicy).to.equal("Delete");
  });

  it("belongs to one cluster of one namespace, so that two stacks never share one", () => {
    const names = clouds.flatMap((cloud) =>
      workloads.flatMap((workload) =>
        ["dev", "prod"].map((namespace) => storageClassName({ ...request, namespace, cloud, workload })),
      ),
    );
    for (const name of names) expect(name).to.match(/^(dev|prod)-postgres-[a-z0-9-]+$/);
  });
});
