const kubernetes = require("@pulumi/kubernetes");
const pulumi = require("@pulumi/pulumi");

const config = new pulumi.Config("bench");
const provider = new kubernetes.Provider("kubernetes", {
  kubeconfig: new pulumi.Config("kubernetes").require("kubeconfig"),
});
const name = config.require("namespace");
const namespace = new kubernetes.core.v1.Namespace("namespace", { metadata: { name } }, { provider });
const metadata = { namespace: namespace.metadata.name, name: "postgres" };
const labels = { app: "postgres" };
const volume = "/var/lib/postgresql/data";
const data = `${volume}/pgdata`;
const start = `[ -s ${data}/PG_VERSION ] || initdb --pgdata=${data}
chmod 0700 ${data}
exec postgres -D ${data} -c listen_addresses='*' -c unix_socket_directories=/tmp -c hba_file=/etc/postgres/pg_hba.conf`;
const hba = "local all all trust\nhost all all all scram-sha-256\n";

const configMap = new kubernetes.core.v1.ConfigMap("config", { metadata, data: { "pg_hba.conf": hba } }, { provider });
const port = { name: "postgresql", port: 5432 };
new kubernetes.core.v1.Service(
  "service",
  { metadata, spec: { clusterIP: "None", selector: labels, ports: [port] } },
  { provider },
);
new kubernetes.apps.v1.StatefulSet(
  "stateful-set",
  {
    metadata,
    spec: {
      serviceName: "postgres",
      replicas: config.requireNumber("replicas"),
      selector: { matchLabels: labels },
      template: {
        // Another value is another revision, as `kubectl rollout restart` makes one.
        metadata: { labels, annotations: { revision: config.require("revision") } },
        spec: {
          securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999 },
          containers: [
            {
              name: "postgres",
              image: config.require("image"),
              command: ["bash", "-c", start],
              ports: [{ name: "postgresql", containerPort: 5432 }],
              resources: config.requireObject("resources"),
              // As quick as Kubernetes looks.
              readinessProbe: { exec: { command: ["pg_isready", "-h", "/tmp"] }, periodSeconds: 1 },
              volumeMounts: [
                { name: "data", mountPath: volume },
                { name: "config", mountPath: "/etc/postgres" },
              ],
            },
          ],
          volumes: [{ name: "config", configMap: { name: configMap.metadata.name } }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: config.require("storageClassName"),
            resources: { requests: { storage: "10Gi" } },
          },
        },
      ],
    },
  },
  { provider },
);
