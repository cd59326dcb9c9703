import { Provider } from "@pulumi/kubernetes/provider";
import { PostgresCluster } from "./components/postgres-cluster";
import { kubernetesSettings, readSettings } from "./stacks/settings";

const settings = readSettings();

// Explicit, so that an ambient kubeconfig is never hit by accident; mutable, so that a changed setting or password
// reaches the running pods instead of replacing the objects they mount.
const provider = new Provider("kubernetes", {
  ...kubernetesSettings(),
  enableConfigMapMutable: true,
  enableSecretMutable: true,
});

// One name in the program, so that another name of the cluster is seen as a change of this one, and refused. Earlier
// versions called it by the cluster's name.
const aliases = settings.name === undefined ? [] : [{ name: settings.name }];
const cluster = new PostgresCluster("postgres", settings, { provider, aliases });

export const {
  endpoints,
  primary,
  replicas,
  service,
  namespace,
  database,
  user,
  secretName,
  tls,
  storageClassName,
  passwords,
  connectionUri,
  readOnlyUri,
  readme,
} = cluster;
