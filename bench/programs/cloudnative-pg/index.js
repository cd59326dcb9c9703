const kubernetes = require("@pulumi/kubernetes");
const pulumi = require("@pulumi/pulumi");

// What differs from the cluster below, where it is to run for real.
const own = new pulumi.Config("bench").getObject("spec") ?? {};

const provider = new kubernetes.Provider("kubernetes", {
  kubeconfig: new pulumi.Config("kubernetes").require("kubeconfig"),
});
const name = `bench-${pulumi.getStack()}`;
const namespace = new kubernetes.core.v1.Namespace("namespace", { metadata: { name } }, { provider });
const cluster = new kubernetes.apiextensions.CustomResource(
  "cluster",
  {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "Cluster",
    metadata: { name: "peer", namespace: namespace.metadata.name },
    spec: {
      instances: 3,
      storage: { size: "100Gi" },
      resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "2Gi" } },
      postgresql: { parameters: { idle_in_transaction_session_timeout: "5min" } },
      ...own,
    },
  },
  { provider },
);

exports.name = cluster.metadata.name;
