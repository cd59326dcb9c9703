import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { type Connection, connectionFiles } from "../../stacks/connection-files";
import type { Database, DatabaseOptions } from "../../stacks/database-from";
import type { StackOutputs } from "../../stacks/outputs";
import { clusterOf, databaseOf, passwordOf, unreadable } from "../../stacks/read-outputs";

const pod = (ordinal: number) => `postgres-${ordinal}.postgres-svc.db.svc.cluster.local`;
const primary = { host: "postgres-primary.db.svc.cluster.local", port: 5432 };
const outputs: Partial<StackOutputs> = {
  primary,
  endpoints: [
    { pod: "postgres-0", ordinal: 0, role: "primary", host: pod(0), port: 5432 },
    { pod: "postgres-1", ordinal: 1, role: "replica", host: pod(1), port: 5432 },
  ],
  database: "myapp",
  user: "appuser",
  passwords: { appuser: "s3cret", readonly: "r3ad", reporting: "r3ports" },
};

/** How the engine gets a value that is secret. */
const secretly = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

const fail = (error: Error) => {
  throw error;
};

type Inputs = Record<string, unknown>;

/** Runs an app's program beside a stack with these outputs, and gives the inputs of its Secret. Where they are unknown it is a preview. */
async function appOf<T>(
  options: Partial<DatabaseOptions>,
  look: (database: Database) => Promise<T>,
  found: Partial<StackOutputs> | "unknown" = outputs,
  stack?: string,
): Promise<{ secret: Inputs | undefined; seen: T | undefined }> {
  let secret: Inputs | undefined;
  await pulumi.runtime.setMocks(
    {
      call: ({ token, inputs }) => (token === "pulumi:pulumi:readStackOutputs" ? { outputs: found } : inputs),
      newResource: ({ type, name, inputs }) => {
        if (type === "kubernetes:core/v1:Secret") secret = inputs;
        const isStack = type === "pulumi:pulumi:StackReference";
        const told = isStack && found !== "unknown" ? { outputs: found, secretOutputNames: ["passwords"] } : {};
        return { id: `${name}-id`, state: { ...inputs, ...told } };
      },
    },
    "notes",
    "dev",
    found === "unknown",
  );
  const { databaseFrom }: typeof import("../../stacks/database-from") = require("../../stacks/database-from");
  let seen: T | undefined;
  await pulumi.runtime.runInPulumiStack(async () => {
    const cluster = stack ?? new pulumi.StackReference("organization/kubernetes-postgres/dev");
    seen = await look(databaseFrom(cluster, { namespace: "shop", ...options }));
  });
  await pulumi.runtime.disconnect();
  return { secret, seen };
}

const known = <T>(output: pulumi.Input<T>) =>
  new Promise<pulumi.Unwrap<T>>((resolve) => pulumi.output(output).apply(resolve));

describe("databaseFrom", () => {
  it("gives address, database and user as plain values, replicas before the primary for reads", async () => {
    const { seen } = await appOf({}, async (database) => {
      const { host, port, user, readOnlyHosts } = database;
      const plain = { host, port, database: database.database, user, readOnlyHosts };
      return { values: await known(plain), isSecret: await pulumi.isSecret(pulumi.output(plain)) };
    });
    expect(seen).to.deep.equal({
      values: { ...primary, database: "myapp", user: "appuser", readOnlyHosts: [pod(1), pod(0)] },
      isSecret: false,
    });
  });

  it("makes a Secret in the app's namespace whose content is secret in the app's state", async () => {
    const { secret } = await appOf({}, async () => true);
    const addresses = [1, 0].map((ordinal) => ({ host: pod(ordinal), port: 5432 }));
    const login = { user: "appuser", password: "s3cret", database: "myapp" };
    expect(secret).to.deep.include({
      metadata: { namespace: "shop", labels: { "app.kubernetes.io/managed-by": "pulumi" } },
      stringData: secretly(
        connectionFiles({ ...login, primary, readOnly: addresses, tls: { mode: "off" }, folder: "/etc/database" }),
      ),
    });
  });

  it("takes the name of a stack as well", async () => {
    const byReference = await appOf({}, ({ host }) => known(host));
    const byName = await appOf({}, ({ host }) => known(host), outputs, "organization/kubernetes-postgres/dev");
    expect(byName).to.deep.equal(byReference);
  });

  it("connects as a role of its own to a database of its own, where asked", async () => {
    const { secret } = await appOf({ role: "reporting", database: "reports" }, async () => true);
    expect(secret?.stringData).to.have.nested.property(
      "value.uri",
      `postgresql://reporting:r3ports@${primary.host}:5432/reports`,
    );
  });

  it("connects as the role that only reads, which every cluster has", async () => {
    const { secret } = await appOf({ role: "readonly" }, async () => true);
    expect(secret?.stringData).to.have.nested.property(
      "value.uri",
      `postgresql://readonly:r3ad@${primary.host}:5432/myapp`,
    );
  });

  it("gives a pod its environment and files, without the password in either", async () => {
    const { seen } = await appOf({ mountPath: "/secrets", name: "shop-db" }, async (database) => {
      const { env, volume, volumeMount, passwordFile } = database;
      return {
        env: await known<pulumi.Input<object>[]>(env),
        ...(await known({ volume, volumeMount, passwordFile })),
      };
    });
    expect(seen).to.deep.include({
      env: [
        { name: "PGHOST", value: primary.host },
        { name: "PGPORT", value: "5432" },
        { name: "PGDATABASE", value: "myapp" },
        { name: "PGUSER", value: "appuser" },
        { name: "PGSERVICEFILE", value: "/secrets/pg_service.conf" },
        { name: "PGSERVICE", value: "primary" },
        { name: "PGSSLMODE", value: "prefer" },
        { name: "PGSSLROOTCERT", value: "/secrets/ca.crt" },
      ],
      volumeMount: { name: "shop-db", mountPath: "/secrets", readOnly: true },
      passwordFile: "/secrets/password",
    });
    expect(JSON.stringify(seen)).to.not.contain("s3cret");
  });

  it("leaves open what a preview does not know yet", async () => {
    let told = false;
    const look = async ({ host }: Database) => {
      host.apply(() => {
        told = true;
      });
    };
    const { secret } = await appOf({}, look, "unknown");
    expect(told).to.equal(false);
    expect(secret).to.have.property("metadata");
  });
});

describe("a stack that has no database", () => {
  const stack = "organization/kubernetes-postgres/dev";
  const { passwords, ...plain } = outputs;
  // Each row: what is wrong, what is read, and what the message has to say.
  const gone = new Error('Invoke of "readStackOutputs" failed: unknown stack "dev"');
  const failures: [string, () => unknown, RegExp][] = [
    [
      "is not there",
      () => fail(unreadable(stack, gone)),
      /no such stack in the backend[\s\S]*What to do: check its name/,
    ],
    ["cannot be asked for", () => fail(unreadable(stack, new Error("no route"))), /dev\.\nno route\nWhat to do/],
    [
      "is not deployed",
      () => clusterOf(stack, {}),
      /dev\.\n.*not deployed[\s\S]*What to do: check its name.*deploy it/,
    ],
    [
      "is of another program",
      () => clusterOf(stack, { ...plain, primary: "db:5432" }),
      /primary, endpoints.*are needed/,
    ],
    ["has no pod", () => clusterOf(stack, { ...plain, endpoints: [] }), /are needed/],
    [
      "hides its passwords",
      () => passwordOf(stack, "appuser", undefined),
      /earlier version.*decrypted[\s\S]*passphrase/,
    ],
    [
      "has no such role",
      () => passwordOf(stack, "shop", passwords),
      /no role shop, but appuser, readonly, reporting[\s\S]*name: shop/,
    ],
    [
      "was deployed before every cluster had this role",
      () => passwordOf(stack, "monitoring", passwords),
      /no role monitoring[\s\S]*deploy it again with this version/,
    ],
    [
      "does not let the role into this database",
      () => databaseOf(stack, clusterOf(stack, outputs), "readonly", "reports"),
      /readonly may connect to database myapp only, not to reports[\s\S]*leave database out/,
    ],
  ];
  for (const [title, read, words] of failures) {
    it(`${title}: the error says so, what to do, and no password`, () => {
      expect(read).to.throw(pulumi.RunError, words).that.has.property("message").that.not.contains("s3cret");
    });
  }
});

describe("the files an app finds in its volume", () => {
  const connection: Connection = {
    user: "a:b",
    password: "c\\d:e",
    database: "my app",
    primary: { host: "p", port: 5432 },
    readOnly: [
      { host: "r1", port: 5432 },
      { host: "r0", port: 5433 },
    ],
    tls: { mode: "off" },
    folder: "/db",
  };
  const files = connectionFiles(connection);

  it("have the names that apps expect", () => {
    const names = ["username", "password", "host", "port", "dbname", "uri", "jdbc-uri", "pgpass"];
    expect(files).to.have.all.keys(...names, "read-only-host", "read-only-uri", "pg_service.conf");
  });

  it("encode what a URI does not allow", () => {
    expect(files.uri).to.equal("postgresql://a%3Ab:c%5Cd%3Ae@p:5432/my%20app");
    expect(files["read-only-uri"]).to.equal(
      "postgresql://a%3Ab:c%5Cd%3Ae@r1:5432,r0:5433/my%20app?target_session_attrs=prefer-standby",
    );
    expect(files["jdbc-uri"]).to.equal("jdbc:postgresql://p:5432/my%20app?user=a%3Ab&password=c%5Cd%3Ae");
  });

  it("have a line of pgpass for every host, with what separates fields escaped", () => {
    const login = "my app:a\\:b:c\\\\d\\:e";
    expect(files.pgpass).to.equal(`p:5432:${login}\nr1:5432:${login}\nr0:5433:${login}\n`);
  });

  it("have a service for writes and one for reads, with values as they are", () => {
    const login = "dbname=my app\nuser=a:b\npassword=c\\d:e\nconnect_timeout=5\n";
    expect(files["pg_service.conf"]).to.equal(
      `[primary]\nhost=p\nport=5432\n${login}` +
        `[replicas]\nhost=r1,r0\nport=5432,5433\n${login}target_session_attrs=prefer-standby\n`,
    );
  });

  it("verify the servers by their authority where it is known", () => {
    const tls = { mode: "self-signed", caCertificate: "PEM" } as const;
    const verified = connectionFiles({ ...connection, database: "d", tls });
    expect(verified["ca.crt"]).to.equal("PEM");
    const options = "sslmode=verify-full&sslrootcert=%2Fdb%2Fca.crt";
    expect(verified.uri).to.match(new RegExp(`/d\\?${options}$`));
    expect(verified["jdbc-uri"]).to.match(new RegExp(`&${options}$`));
    expect(verified["read-only-uri"]).to.match(new RegExp(`/d\\?${options}&target_session_attrs=prefer-standby$`));
    const services = (verified["pg_service.conf"] ?? "").split("[replicas]");
    for (const service of services) expect(service).to.include("\nsslmode=verify-full\nsslrootcert=/db/ca.crt\n");
  });

  it("encrypt, at least, where it is not known", () => {
    const encrypted = connectionFiles({ ...connection, database: "d", tls: { mode: "secret" } });
    expect(encrypted).to.not.have.property("ca.crt");
    expect(encrypted.uri).to.match(/\/d\?sslmode=require$/);
    expect(encrypted["pg_service.conf"]).to.not.include("sslrootcert");
  });
});
