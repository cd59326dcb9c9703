import * as kubernetes from "@pulumi/kubernetes";
import { PostgresCluster } from "./components/postgres-cluster";
import { kubernetesSettings, readSettings } from "./stacks/settings";

const settings = readSettings();

// Explicit, so that an ambient kubeconfig is never hit by accident; mutable, so that a changed setting or password
// reaches the running pods instead of replacing the objects they mount.
const provider = new kubernetes.Provider("kubernetes", {
  ...kubernetesSettings(),
  enableConfigMapMutable: true,
  enableSecretMutable: true,
});

const cluster = new PostgresCluster(settings.name ?? "postgres", settings, { provider });

export const {
  endpoints,
  primary,
  replicas,
  service,
  namespace,
  database,
  user,
  secretName,
  storageClassName,
  passwords,
  connectionUri,
  readOnlyUri,
  readme,
} = cluster;
