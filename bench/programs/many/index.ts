// As many small clusters as `count` says, in one program: what a platform team would write.
import { Provider } from "@pulumi/kubernetes/provider";
import { Config } from "@pulumi/pulumi";
import { PostgresCluster } from "../../../components/postgres-cluster";

const config = new Config();
const provider = new Provider("kubernetes", {
  kubeconfig: new Config("kubernetes").require("kubeconfig"),
  enableConfigMapMutable: true,
  enableSecretMutable: true,
});
const shared = {
  namespace: config.require("namespace"),
  createNamespace: false,
  image: config.require("image"),
  storageClassName: config.require("storageClassName"),
  storageSize: "1Gi",
  replicas: 1,
  resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
};

export const endpoints = Array.from({ length: config.requireNumber("count") }, (_, index) => {
  const name = `db-${index}`;
  return new PostgresCluster(name, { ...shared, name }, { provider }).endpoints;
});
