import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { generatedKeys, passwordKey } from "../../components/postgres/additions/files";
import { postgresImage } from "../../local/node";
import type { ConfigValue } from "../../local/pulumi/stack-file";
import { psycopg2 } from "./client";
import { eventually, Namespace } from "./kubernetes";
import { embeddedNode, TestStack } from "./stack";

/** The columns of connections.md, an outcome for each kind of TLS, and the settings of a stack that has it. */
const kinds: Record<string, Record<string, ConfigValue>> = {
  "tls off": { tls: { mode: "off" } },
  "tls self-signed": {},
};

const columns = ["who", "from", "to", "database", "sslmode", "password", "replication", "settings"] as const;

/** A line of connections.md. */
interface Attempt extends Record<(typeof columns)[number], string> {
  /** By the heading of its column. */
  outcomes: Record<string, string>;
}

/** Settings beside those of the table's head, in the order in which a cluster has them. */
const phases: [name: string, Record<string, ConfigValue>][] = [
  ["", {}],
  ["superuserAccess", { superuserAccess: true }],
  ["superuserAccess taken back", { superuserAccess: false }],
];

/** The tables of a Markdown file: each its rows, cells by the heading of their column. */
function tables(file: string): Record<string, string>[][] {
  return readFileSync(join(__dirname, file), "utf8")
    .split("\n\n")
    .filter((block) => block.startsWith("| "))
    .map((block) => {
      const [headings = [], , ...rows] = block
        .trim()
        .split("\n")
        .map((line) =>
          line
            .split("|")
            .slice(1, -1)
            .map((cell) => cell.trim()),
        );
      return rows.map((cells) => Object.fromEntries(headings.map((heading, index) => [heading, cells[index] ?? ""])));
    });
}

const [outcomes = [], rows = []] = tables("connections.md");
const refusals = new Map(outcomes.map(({ outcome = "", words = "" }) => [outcome, words]));
const attempts = rows.map((row): Attempt => {
  const cell = (column: string): string => row[column] ?? "";
  return {
    ...{ who: cell("who"), from: cell("from"), to: cell("to"), database: cell("database"), sslmode: cell("sslmode") },
    ...{ password: cell("password"), replication: cell("replication"), settings: cell("settings") },
    outcomes: row,
  };
});

/** What an attempt has to end with, as words for a person. */
function title({ who, from, to, database, sslmode, password, replication }: Attempt, outcome: string): string {
  const where = replication === "yes" ? `${to} for replication` : `${database} on ${to}`;
  return `${who} from ${from} to ${where}, ${[sslmode, password].filter(Boolean).join(", ") || "no password"}: ${outcome}`;
}

/** A pod that does nothing, in which clients are run; the Pod Security level `restricted` admits it. */
const client = (name: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 999, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "client",
        image: postgresImage,
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "infinity"],
        resources: { limits: { cpu: "200m", memory: "64Mi" } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
});

// What a session says of itself.
const whoAmI = "select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()";

for (const [kind, settings] of Object.entries(kinds)) {
  describe(`who may connect, with ${kind}:`, function () {
    this.timeout("10 minutes");
    let stack: TestStack;
    let elsewhere: Namespace;
    /** By role: the password of now, and the one of before. */
    const passwords = new Map<string, { right: string; old: string }>();

    /** The passwords as the Secret has them. */
    async function secret(): Promise<Record<string, string>> {
      const path = ["get", "secret", stack.outputs.secretName];
      const { data } = await stack.namespace.json<{ data: Record<string, string> }>(...path);
      const keys = {
        appuser: "POSTGRES_PASSWORD",
        replicator: "REPLICATION_PASSWORD",
        clerk: passwordKey("clerk"),
        ...generatedKeys({ superuserAccess: true }),
      };
      const decoded = Object.entries(keys).map(([role, key]) => [
        role,
        Buffer.from(data[key] ?? "", "base64").toString(),
      ]);
      return Object.fromEntries(decoded);
    }

    /** Changes settings, and waits until the pods have the files of it. */
    async function change(more: Record<string, ConfigValue>): Promise<void> {
      const before = await secret();
      await stack.up({ ...settings, passwordGeneration: 2, ...more });
      const now = { stranger: "by-hand", ...(await secret()) };
      for (const [role, right] of Object.entries(now)) {
        const known = passwords.get(role);
        // One that was taken away is remembered as an old one.
        const last = known?.right || before[role] || "";
        passwords.set(role, { right, old: right === last ? (known?.old ?? "") : last });
      }
      await stack.namespace.refreshFiles("app=postgres");
    }

    before(async () => {
      const { tools, node } = await embeddedNode();
      const own = { replicas: 2, roles: [{ name: "clerk" }], databases: [{ name: "reports", owner: "clerk" }] };
      // Clients of other namespaces get as far as pg_hba.conf; network-policy.test.ts is about the way there.
      const network = { networkPolicy: { enabled: false } };
      stack = await TestStack.create("connections", { ...own, ...network, ...settings });
      await stack.up();
      elsewhere = new Namespace(`${stack.name}-elsewhere`, tools.kubectl, node.kubeconfig);
      await elsewhere.kubectl("create", "namespace", elsewhere.name);
      for (const namespace of [stack.namespace, elsewhere]) {
        await namespace.apply(client("client"));
        await namespace.kubectl("wait", "--for=condition=Ready", "--timeout=50s", "pod/client");
      }
      await stack.namespace.superuser("postgres-0", "create role stranger login password 'by-hand'");
    });
    after(async () => {
      await elsewhere.kubectl("delete", "namespace", elsewhere.name, "--wait=false");
      await stack.remove();
    });

    /** Makes the attempt; what the session says of itself, or the words of the refusal. */
    async function connect({ who, from, to, database, sslmode, password, replication }: Attempt): Promise<string> {
      const { primary, replicas } = stack.outputs;
      const host = to === "primary" ? primary.host : (replicas[0]?.host ?? "");
      const { right = "", old = "" } = passwords.get(who) ?? {};
      const secrets: Record<string, string> = { right, old, wrong: "wrong", empty: "", "": "" };
      const given = secrets[password] ?? "";
      if (password === "right" || password === "old") expect(given, `the ${password} password`).to.not.equal("");
      if (from === "host") {
        const login = { host, user: who, password: given, database, sslmode };
        return psycopg2(stack.dns, login, whoAmI).then(
          ([row = []]) => row.map((value) => ({ True: "t", False: "f" })[value] ?? value).join("|"),
          (error: Error) => error.message,
        );
      }
      const options = [
        ...(from === "socket" ? [] : [`host=${host}`, `sslmode=${sslmode}`, "connect_timeout=10"]),
        ...(sslmode === "verify-full" ? ["sslrootcert=/tmp/ca.crt"] : []),
        ...(replication === "yes" ? ["replication=true"] : [`dbname=${database}`]),
        `user=${who}`,
      ];
      const sql = replication === "yes" ? "IDENTIFY_SYSTEM" : whoAmI;
      const authority = `cat >/tmp/ca.crt <<'END'\n${stack.outputs.tls.caCertificate ?? ""}END\n`;
      const script = `${sslmode === "verify-full" ? authority : ""}export PGPASSWORD='${given}'\npsql -XAtqw '${options.join(" ")}' -c '${sql}' 2>&1\n`;
      const namespace = from === "elsewhere" ? elsewhere : stack.namespace;
      const pod = from === "socket" ? (to === "primary" ? "postgres-0" : "postgres-1") : "client";
      return (await namespace.bash(pod, `${script}exit 0\n`)).trim();
    }

    const isEncrypted = (from: string): boolean => from !== "socket" && stack.outputs.tls.mode !== "off";

    /** Whether the attempt ended as the table has it. With `prefer` libpq tries again without TLS: the first answer counts. */
    function isExpected(words: string, { who, from, replication, outcomes }: Attempt): boolean {
      const outcome = outcomes[kind] ?? "";
      const [first = ""] = words.split(/(?<=FATAL.*)connection to server/s);
      if (outcome !== "in") return first.includes(refusals.get(outcome) ?? "no such outcome");
      return replication === "yes"
        ? /^\d+\|\d+\|[0-9A-F]+\/[0-9A-F]+\|$/.test(words)
        : words === `${who}|${isEncrypted(from) ? "t" : "f"}`;
    }

    for (const [phase, more] of phases) {
      describe(phase === "" ? "as it is made" : phase, () => {
        const own = attempts.filter((attempt) => attempt.settings === phase);

        before(async () => {
          await change(more);
          // The pods take new files over one by one: each role's passwords are waited for, on each of them; by a row that
          // tells of the password, where there is one, for most refusals are the same before and after.
          const tells = ({ outcomes }: Attempt): number => Number(/^(in|wrong password)$/.test(outcomes[kind] ?? ""));
          const telling = own
            .filter(({ password }) => password === "right" || password === "old")
            .sort((a, b) => tells(a) - tells(b));
          const each = new Map(telling.map((attempt) => [`${attempt.who} ${attempt.to} ${attempt.password}`, attempt]));
          for (const attempt of each.values()) {
            const words = `${title(attempt, attempt.outcomes[kind] ?? "")}, after the change,`;
            await eventually(words, async () => isExpected(await connect(attempt), attempt) || undefined, 150);
          }
        });

        for (const attempt of own) {
          it(title(attempt, attempt.outcomes[kind] ?? ""), async () => {
            const words = await connect(attempt);
            expect(isExpected(words, attempt), words).to.equal(true);
          });
        }
      });
    }
  });
}

describe("the table of connections", () => {
  it("has no outcome without words, no setting that no phase has, and every kind of client", () => {
    const known = ["in", ...refusals.keys()];
    for (const kind of Object.keys(kinds)) {
      for (const { outcomes } of attempts) expect(known).to.include(outcomes[kind]);
    }
    expect(phases.map(([name]) => name)).to.include.members(attempts.map(({ settings }) => settings));
    expect(attempts.length).to.be.at.least(30);
    for (const from of ["pod", "elsewhere", "host", "socket"]) {
      expect(attempts.map((attempt) => attempt.from)).to.include(from);
    }
  });
});
