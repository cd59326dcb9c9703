import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { databaseFrom } from "../../stacks/database-from";

/** Each of the two connections is made anew when it was lost; libpq then reads the addresses and the password again. */
const program = `
import json, signal, sys, threading, time, psycopg2
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Database:
    def __init__(self, service):
        self.service, self.lock, self.connection = service, threading.Lock(), None

    # Everything that is asked may be asked twice: a lost connection does not say whether the commit came through.
    def ask(self, sql, values=()):
        with self.lock:
            for last in (False, True):
                try:
                    if self.connection is None:
                        self.connection = psycopg2.connect(service=self.service, tcp_user_timeout=5000)
                    with self.connection, self.connection.cursor() as cursor:
                        cursor.execute(sql, values)
                        return cursor.fetchall()
                except (psycopg2.OperationalError, psycopg2.InterfaceError):
                    if self.connection is not None:
                        self.connection.close()
                    self.connection = None
                    if last:
                        raise

primary, replicas = Database("primary"), Database("replicas")

class Notes(BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, {"ok": True})
        try:
            [(replica, notes)] = replicas.ask("""select pg_is_in_recovery(), coalesce(json_agg(latest), '[]')
                from (select * from notes order by made desc limit 100) latest""")
            self.answer(200, {"fromReplica": replica, "notes": notes})
        except psycopg2.Error as error:
            self.answer(503, {"error": type(error).__name__})

    # The client chooses the id, so that it can send a note again that was not acknowledged.
    def do_POST(self):
        note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            primary.ask("insert into notes values (%s, %s) on conflict do nothing returning id", (note["id"], note["text"]))
            self.answer(201, {"id": note["id"]})
        except psycopg2.Error as error:
            self.answer(503, {"error": type(error).__name__})

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
while True:
    try:
        primary.ask("""create table if not exists notes (id text primary key, text text, made timestamptz default now());
            select 1""")
        break
    except psycopg2.OperationalError as error:
        print(error, flush=True)
        time.sleep(1)
ThreadingHTTPServer(("", 8080), Notes).serve_forever()
`;

const config = new pulumi.Config();
const where = new pulumi.Config("kubernetes");
const provider = new kubernetes.Provider("kubernetes", {
  kubeconfig: where.get("kubeconfig"),
  context: where.get("context"),
  // A new password then reaches the files of the running pod; without it the pod is rolled.
  enableSecretMutable: true,
});

const namespace = new kubernetes.core.v1.Namespace(
  "notes",
  { metadata: { name: config.get("namespace"), labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
  { provider },
);
const metadata = { namespace: namespace.metadata.name, labels: { app: "notes" } };
const database = databaseFrom(config.require("databaseStack"), { namespace: namespace.metadata.name }, { provider });

const code = new kubernetes.core.v1.ConfigMap("notes", { metadata, data: { "notes.py": program } }, { provider });
new kubernetes.apps.v1.Deployment(
  "notes",
  {
    metadata,
    spec: {
      selector: { matchLabels: metadata.labels },
      template: {
        metadata: { labels: metadata.labels },
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10001,
            runAsGroup: 10001,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              name: "notes",
              image: config.require("image"),
              command: ["python3", "/app/notes.py"],
              env: database.env,
              ports: [{ name: "http", containerPort: 8080 }],
              readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 2 },
              resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { cpu: "200m", memory: "128Mi" } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
              volumeMounts: [{ name: "code", mountPath: "/app" }, database.volumeMount],
            },
          ],
          volumes: [{ name: "code", configMap: { name: code.metadata.name } }, database.volume],
        },
      },
    },
  },
  { provider },
);
const service = new kubernetes.core.v1.Service(
  "notes",
  { metadata, spec: { selector: metadata.labels, ports: [{ port: 80, targetPort: "http" }] } },
  { provider },
);

export const url = pulumi.interpolate`http://${service.metadata.name}.${namespace.metadata.name}.svc.cluster.local`;
