import { expect } from "chai";
import { type DeployedState, readState } from "../../../local/pulumi/deployed-state";

const kept: DeployedState = {
  names: { namespace: "n", service: "postgres-svc", database: "myapp", user: "appuser" },
  place: { namespace: "n", name: "postgres" },
  fixedFields: { podManagementPolicy: "OrderedReady", storageClassName: "fast", storageSize: "10Gi" },
  image: "postgres:16",
  record: { major: 16, database: "myapp", user: "appuser" },
  losesVolumes: false,
  storageClasses: ["fast"],
  namespaces: ["n"],
  lostNamespaces: [],
};

describe("what is deployed, in the state", () => {
  const resources = (outputs: object, keepVolumes: boolean): object[] => [
    { type: "pulumi:pulumi:Stack", outputs },
    {
      type: "kubernetes:core/v1:Namespace",
      inputs: { metadata: { name: "n" } },
      ...(keepVolumes && { retainOnDelete: true }),
    },
    { type: "kubernetes:storage.k8s.io/v1:StorageClass", inputs: { metadata: { name: "fast" } } },
    { type: "kubernetes:core/v1:ConfigMap", inputs: { metadata: { name: "postgres-config" } } },
    {
      type: "kubernetes:core/v1:ConfigMap",
      inputs: {
        metadata: {
          name: "postgres-latch",
          annotations: {
            "kubernetes-postgres/major": "16",
            "kubernetes-postgres/database": "myapp",
            "kubernetes-postgres/user": "appuser",
          },
        },
      },
    },
    {
      type: "kubernetes:apps/v1:StatefulSet",
      inputs: {
        metadata: { namespace: "n", name: "postgres" },
        spec: {
          podManagementPolicy: "OrderedReady",
          persistentVolumeClaimRetentionPolicy: { whenDeleted: keepVolumes ? "Retain" : "Delete" },
          template: { spec: { containers: [{ image: "postgres:16" }] } },
          volumeClaimTemplates: [{ spec: { storageClassName: "fast", resources: { requests: { storage: "10Gi" } } } }],
        },
      },
    },
  ];
  const outputs = { ...kept.names, connectionUri: { ciphertext: "x" } };

  it("is found in our own backend's file and in what the engine exports", () => {
    const checkpoint = { version: 3, checkpoint: { latest: { resources: resources(outputs, true) } } };
    expect(readState(JSON.stringify(checkpoint))).to.deep.equal(kept);
    const exported = { version: 3, deployment: { resources: resources(outputs, false) } };
    expect(readState(JSON.stringify(exported))).to.deep.equal({ ...kept, losesVolumes: true, lostNamespaces: ["n"] });
  });

  it("is found without names when it is half made", () => {
    const half = { deployment: { resources: resources({ namespace: "n" }, true) } };
    expect(readState(JSON.stringify(half))).to.deep.equal({ ...kept, names: undefined });
  });

  it("is nothing when the stack is gone or unreadable", () => {
    for (const text of ['{"checkpoint":{"latest":null}}', '{"deployment":{}}', "\u001f\u008b", ""]) {
      expect(readState(text)).to.equal(undefined);
    }
  });
});
