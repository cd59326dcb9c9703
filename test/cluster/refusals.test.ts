import { expect } from "chai";
import { majorOfImage } from "../../components/postgres/image";
import { postgresImage } from "../../local/node";
import { TestStack } from "./stack";

type Settings = NonNullable<Parameters<TestStack["preview"]>[0]>;

/** What a refusal says. @throws Error where nothing is refused. */
async function refusal(way: Promise<unknown>): Promise<string> {
  const failure = await way.then(
    () => undefined,
    (error: Error) => error,
  );
  if (failure === undefined) throw new Error("nothing was refused");
  return failure.message;
}

const major = majorOfImage(postgresImage) ?? 0;
const imageOf = (version: number): string => `postgres:${version}`;
// With resources of its own another workload changes nothing but the disks.
const resources = { requests: { cpu: "50m", memory: "128Mi" }, limits: { cpu: "500m", memory: "512Mi" } };

/** Settings that are wrong for any cluster, and words that the refusal must have. */
const impossible: [string, Settings, RegExp][] = [
  ["replicas below synchronousReplicas", { synchronousReplicas: 1 }, /synchronousReplicas: "1"[\s\S]*wait for ever/],
  ["no replicas at all", { replicas: 0 }, /replicas: "0"[\s\S]*at least 1 pod/],
  [
    "too little memory",
    { resources: { limits: { memory: "64Mi" }, requests: { memory: "64Mi" } } },
    /limits.memory: "64Mi"/,
  ],
  ["memory over the limit", { parameters: { shared_buffers: "4GB" } }, /shared_buffers: "4GB"[\s\S]*512Mi/],
  ["WAL over the volume", { parameters: { max_wal_size: "50GB" } }, /max_wal_size: "50GB"[\s\S]*20Gi/],
  ["a parameter of the wrong type", { parameters: { work_mem: "fast" } }, /parameters.work_mem: "fast"/],
  ["a parameter out of range", { parameters: { deadlock_timeout: "0" } }, /parameters.deadlock_timeout: "0"/],
  ["a parameter without that choice", { parameters: { log_statement: "some" } }, /log_statement: "some"[\s\S]*ddl/],
  ["an unknown parameter", { parameters: { shared_bufers: "64MB" } }, /shared_bufers[\s\S]*shared_buffers/],
  ["a parameter of another major", { parameters: { summarize_wal: "on" } }, /parameters.summarize_wal/],
  ["a parameter of the component", { parameters: { port: "5433" } }, /parameters.port: "5433"/],
  [
    "a leftover acknowledgement",
    { acknowledge: { major: major - 1 } },
    new RegExp(`acknowledge.major: "${major - 1}"[\\s\\S]*asks for ${major}[\\s\\S]*Take it out`),
  ],
];

/** Changes of what the cluster is, and words that the refusal must have; of the component by itself, too. */
const changes: [Settings, RegExp[]][] = [
  [
    { cloud: "azure", podManagementPolicy: "Parallel", image: imageOf(major + 1) },
    [
      /cloud: "azure"[\s\S]*pd-balanced[\s\S]*Set it back to gcp/,
      /podManagementPolicy: "Parallel"[\s\S]*Set it back to OrderedReady/,
      new RegExp(`image: "postgres:${major + 1}"[\\s\\S]*of PostgreSQL ${major}[\\s\\S]*acknowledge.major`),
    ],
  ],
  [
    { workload: "production", database: "shop", user: "clerk", image: imageOf(major - 1) },
    [
      /workload: "production"[\s\S]*pd-balanced[\s\S]*Set it back to development/,
      /database: "shop"[\s\S]*Set it back to myapp[\s\S]*acknowledge.database/,
      /user: "clerk"[\s\S]*Set it back to appuser[\s\S]*acknowledge.user/,
      new RegExp(`image: "postgres:${major - 1}"[\\s\\S]*no way back`),
    ],
  ],
  // Pulumi's own CLI asks the claims first, and the API server refuses.
  [{ storageSize: "15Gi" }, [/storageSize: "15Gi"[\s\S]*Set it back to 20Gi|can not be less than status.capacity/]],
  [{ storageClassName: "own" }, [/storageClassName: "own"[\s\S]*pd-balanced[\s\S]*Leave storageClassName out/]],
  [
    { encryption: { keyId: "projects/my-project/locations/europe-west3/keyRings/postgres/cryptoKeys/volumes" } },
    [/encryption.keyId: "projects[\s\S]*pd-balanced\. [\s\S]*Leave encryption out/],
  ],
  [
    { name: "other", namespace: "elsewhere" },
    [/name: "other"[\s\S]*new, empty cluster[\s\S]*Set it back to postgres/, /namespace: "elsewhere"[\s\S]*new, empty/],
  ],
];

describe("what is refused on a live cluster", function () {
  this.timeout("3 minutes");
  let stack: TestStack;
  let made: unknown;

  /** All that a refused change may not touch: objects as the API server counts their changes, pods, other people's things. */
  const live = async (): Promise<unknown> => {
    interface Found {
      kind: string;
      metadata: { name: string; uid: string; resourceVersion: string; labels?: object };
      status?: { containerStatuses?: { restartCount: number }[] };
    }
    const kinds = "statefulset,configmap,secret,service,poddisruptionbudget,pvc,pod";
    const { items } = await stack.namespace.json<{ items: Found[] }>("get", kinds);
    const namespace = await stack.namespace.json<Found>("get", "namespace", stack.name);
    const pods = items.filter(({ kind }) => kind === "Pod");
    return {
      objects: items
        .filter(({ kind }) => kind !== "Pod")
        .map(({ kind, metadata }) => [kind, metadata.name, metadata.uid, metadata.resourceVersion]),
      pods: pods.map(({ metadata, status }) => [metadata.uid, status?.containerStatuses?.[0]?.restartCount]),
      namespace: [namespace.metadata.uid, namespace.metadata.labels],
    };
  };

  const isUnchanged = async (): Promise<void> => {
    expect(await live()).to.deep.equal(made);
    await stack.namespace.psql("postgres-0", "insert into kept values (default)");
  };

  before(async () => {
    const settings = { replicas: 1, cloud: "gcp", storageSize: "20Gi", keepVolumes: false, resources };
    stack = await TestStack.create("refusals", settings);
    await stack.namespace.kubectl("create", "namespace", stack.name);
    const metadata = { name: "theirs" };
    await stack.namespace.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { precious: "yes" } });
  });
  after(() => stack.remove());

  it("is to take over a namespace with other people's things in it; without that the stack can use it", async () => {
    const words = /createNamespace: "true"[\s\S]*others have in it[\s\S]*createNamespace to false/;
    expect(await refusal(stack.preview())).to.match(words);
    expect(await refusal(stack.up({}, { volumes: 0 }))).to.match(words);
    expect(await stack.namespace.kubectl("get", "all,secrets,pvc", "-o", "name")).to.equal("");
    await stack.up({ createNamespace: false });
    await stack.namespace.psql("postgres-0", "create table kept (id int generated always as identity)");
    made = await live();
    expect(await refusal(stack.preview())).to.match(words);
    await isUnchanged();
  });

  for (const [title, settings, words] of impossible) {
    it(`is ${title}`, async () => {
      expect(await refusal(stack.preview({ createNamespace: false, ...settings }))).to.match(words);
    });
  }

  for (const [settings, words] of changes) {
    const asked = { createNamespace: false, ...settings };
    it(`is a change of what it is, by the component itself too: ${Object.keys(settings).join(", ")}`, async () => {
      const ways = [
        () => stack.preview(asked),
        () => stack.up(asked, { volumes: 0 }),
        () => stack.plain("preview", asked),
      ];
      for (const way of ways) {
        const said = await refusal(way());
        for (const each of words) expect(said).to.match(each);
      }
      await isUnchanged();
    });
  }

  it("nothing that was done by hand and is acknowledged: a database renamed in SQL keeps its rows", async () => {
    await isUnchanged();
    await stack.namespace.superuser("postgres-0", "alter database myapp rename to shop");
    const renamed = { createNamespace: false, keepVolumes: true, database: "shop" };
    await stack.up({ ...renamed, acknowledge: { database: "shop" } });
    expect(stack.outputs.database).to.equal("shop");
    const login = { user: stack.outputs.user, database: "shop" };
    expect(Number(await stack.namespace.psql("postgres-0", "select count(*) from kept", login))).to.be.greaterThan(3);
    const databases = await stack.namespace.superuser("postgres-0", "select datname from pg_database order by 1");
    expect(databases.split("\n")).to.deep.equal(["postgres", "shop", "template0", "template1"]);
    // It stays what it is without the acknowledgement, and an upgrade by hand would be let through in the same way.
    await stack.plain("preview", renamed);
    const upgraded = { ...renamed, image: imageOf(major + 1), acknowledge: { major: major + 1 } };
    expect((await stack.preview(upgraded)).changes.map(({ kind }) => kind)).to.include("StatefulSet");
  });

  it("is other data than the volumes have, after the stack was taken down, too; theirs stays theirs", async () => {
    const kept = { createNamespace: false, keepVolumes: true, database: "shop" };
    await stack.down();
    const other = { ...kept, database: "myapp", user: "clerk", image: imageOf(major + 1), storageSize: "5Gi" };
    const said = await refusal(stack.preview({ ...other, cloud: "azure" }));
    for (const setting of ["database", "user", "image", "storageSize", "cloud"])
      expect(said).to.contain(`${setting}: "`);
    expect(said).to.match(/myapp[\s\S]*made with database shop/);
    await stack.up(kept);
    const login = { user: stack.outputs.user, database: "shop" };
    await stack.namespace.psql("postgres-0", "insert into kept values (default)", login);
    const { data } = await stack.namespace.json<{ data: object }>("get", "configmap", "theirs");
    expect(data).to.deep.equal({ precious: "yes" });
  });
});

describe("settings that cannot work", () => {
  it("stop before anything is made: no namespace, no volume, no state", async () => {
    const stack = await TestStack.create("refused", { replicas: 0, storageSize: "10", cloud: "moon" });
    expect(await refusal(stack.preview())).to.match(/^3 settings cannot work:/);
    const namespaces = await stack.namespace.kubectl("get", "namespaces", "-o", "name");
    expect(namespaces).to.not.contain(stack.name);
    expect(await stack.namespace.kubectl("get", "storageclasses,persistentvolumes", "-o", "name")).to.not.contain(
      stack.name,
    );
  });
});
