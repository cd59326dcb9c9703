import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { formatProblems, type Problem, readProblems } from "../../../components/postgres/problem";
import type { PlannedChanges, ResourceChange, Verdict } from "../../../components/postgres/verdict/types";
import { verdictOf } from "../../../components/postgres/verdict/verdict";
import { Events } from "../../../local/pulumi/engine-run";
import { exitCodeOf, InterruptedError, UsageError } from "../../../local/pulumi/errors";
import { LocalError } from "../../../local/tools/run";
import { documentOf, verdictExitCodes } from "../../../local/verdict/document";
import { parsePath, plannedChanges } from "../../../local/verdict/plan";
import { readPlan } from "../../../local/verdict/step";

/** The verdict on what the engine's `preview --json` printed once. */
function recorded(name: string): Verdict {
  const plan = readPlan(readFileSync(join(__dirname, "recorded", `${name}.json`), "utf8"));
  if (plan === undefined) throw new Error(`${name} is no plan`);
  return verdictOf("dev", plannedChanges(plan));
}

describe("a plan that Pulumi's own CLI printed", () => {
  it("is judged like one of npm run preview: settings, pods, clients", () => {
    const { settings, pods, outcome, resources } = recorded("changes");
    expect(settings.map(({ setting, before, after, class: effect }) => [setting, before, after, effect])).to.deep.equal(
      [
        ["parameters.max_connections", "42 (computed)", "30", "restart"],
        ["replicas", "1", "2", "scale"],
        ["parameters.work_mem", "1664kB (computed)", "2MB", "reload"],
        ["passwordGeneration", "1", "2", "reload"],
        ["roles.reader", "none", "login role", "reload"],
      ],
    );
    expect(pods.restarted).to.deep.equal(["postgres-0"]);
    expect(pods.added).to.deep.equal(["postgres-1"]);
    expect(outcome).to.equal("changes");
    expect(resources, "everything is explained by a setting").to.deep.equal([]);
  });

  it("of a new stack makes pods and disturbs nobody", () => {
    const { pods, risk, outcome } = recorded("new");
    expect([pods.added, risk.level, outcome]).to.deep.equal([["postgres-0"], "none", "changes"]);
  });

  it("on what an earlier version deployed says that the settings are not known, and is judged from the objects", () => {
    const { settings, settingsUnknown, classes } = recorded("from-earlier-version");
    expect(settings).to.deep.equal([]);
    expect(settingsUnknown).to.match(/not known/);
    expect(classes).to.deep.equal(["reload"]);
  });

  it("that failed has the refusal in the program's words, each once", () => {
    const plan = readPlan(readFileSync(join(__dirname, "recorded", "refused.json"), "utf8"));
    const [problem, ...more] = plan?.errors.flatMap(readProblems) ?? [];
    expect(more).to.deep.equal([]);
    expect(problem).to.deep.equal({
      setting: "storageSize",
      asked: "20Gi",
      why: "StatefulSet n/postgres makes volumes of 10Gi, and cannot change that.",
      fix: "Set it back to 10Gi. For a new cluster use a stack of its own, and move the data there, for example with pg_dump.",
    });
  });

  it("with another name is no new cluster, but the end of the one that is there", () => {
    const { outcome, risk, settings, pods, interruption, resources, losses } = recorded("renamed");
    expect([outcome, risk.level]).to.deep.equal(["destructive", "high"]);
    expect(settings.map(({ setting, class: effect }) => [setting, effect])).to.deep.equal([["name", "refused"]]);
    expect(pods).to.deep.include({ removed: ["postgres-0"], added: ["other-0"] });
    expect(interruption.writers).to.equal("none can write until the new pods are ready, which are empty");
    expect(losses.map(({ what }) => what)).to.deep.equal(["StatefulSet n/postgres is deleted"]);
    expect(resources.some(({ change }) => change === "create")).to.equal(false);
  });

  it("that failed without words is no plan without changes", () => {
    const failed = { steps: [], diagnostics: [{ severity: "error", message: "preview failed" }] };
    expect(readPlan(JSON.stringify(failed))?.errors).to.deep.equal(["preview failed"]);
  });

  const torn = [{ steps: [] }, { diagnostics: [] }, { steps: [null, 1, { op: "delete" }], changeSummary: { same: 1 } }];
  for (const text of ["", "not JSON", "{}", "[]", "null", ...torn.map((plan) => JSON.stringify(plan))]) {
    it(`is not taken for one: ${JSON.stringify(text)}`, () => {
      expect(readPlan(text)).to.equal(undefined);
    });
  }

  it("spells paths as the engine does", () => {
    const paths = {
      'data["postgresql.conf"]': ["data", "postgresql.conf"],
      "spec.template.spec.containers[0].image": ["spec", "template", "spec", "containers", 0, "image"],
      "spec.template.metadata.annotations.kubernetes-postgres/scripts": [
        "spec",
        "template",
        "metadata",
        "annotations",
        "kubernetes-postgres/scripts",
      ],
    };
    for (const [path, keys] of Object.entries(paths)) expect(parsePath(path)).to.deep.equal(keys);
  });
});

describe("the events of a preview", () => {
  const type = "kubernetes:policy/v1:PodDisruptionBudget";
  const urn = `urn:pulumi:dev::p::kubernetes-postgres:index:PostgresCluster$${type}::postgres`;
  const inputs = { metadata: { name: "postgres", namespace: "n" } };
  const state = { type, urn, inputs, ...{ custom: true, id: "", parent: "", outputs: {}, provider: "" } };
  const metadata = { urn, type, provider: "", old: state, new: state };
  const told = (refreshed: object, op: "create" | "update", diffs = ["metadata"]): string | undefined => {
    const events = new Events(
      "preview",
      () => undefined,
      () => undefined,
    );
    const stamp = { sequence: 0, timestamp: 0 };
    const refresh = { ...metadata, op: "refresh" as const, ...refreshed };
    events.hear({ ...stamp, resOutputsEvent: { metadata: refresh } });
    events.hear({ ...stamp, resourcePreEvent: { metadata: { ...metadata, op, diffs } } });
    const { steps, drifted } = events;
    return verdictOf("dev", plannedChanges({ steps, drifted, unchanged: 0, errors: [] })).resources[0]?.why;
  };

  it("tell what was changed in the cluster from what this version of the program makes differently", () => {
    const changed = { detailedDiff: { "spec.maxUnavailable": { diffKind: "update", inputDiff: false } } };
    expect(told(changed, "update")).to.equal("it was changed in the cluster, and is set back");
    expect(told({}, "update")).to.equal("this version of the program makes it differently");
    expect(told({ new: undefined }, "create")).to.equal("it is missing in the cluster");
    expect(told({}, "create")).to.equal("new in this version of the program");
  });

  it("say nothing where an update only waits again", () => {
    expect(told({}, "update", [])).to.equal(undefined);
  });
});

describe("problems that a text has", () => {
  const problem = (setting: string, asked: string): Problem => ({ setting, asked, why: "It is so.", fix: "Do this." });

  it("are read as they were written", () => {
    const problems = [problem("replicas", "0"), problem("parameters.x", 'a "quoted"\nvalue'), problem("name", "")];
    expect(readProblems(`error: ${formatProblems(problems)}\n`)).to.deep.equal(problems);
  });
});

const set = (change: ResourceChange["change"], more: Partial<ResourceChange> = {}): ResourceChange => ({
  ...{ change, kind: "StatefulSet", name: "n/postgres", paths: [] },
  before: { spec: { replicas: 3, persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain" } } },
  after: { spec: { replicas: 3 } },
  ...more,
});
const object = (change: ResourceChange["change"], kind: string): ResourceChange => ({
  ...{ change, kind, name: `n/${kind}`, paths: [] },
});
const losing = { spec: { replicas: 3, persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" } } };
const orphaning = { metadata: { annotations: { "pulumi.com/deletionPropagationPolicy": "orphan" } }, spec: {} };

function judged(...changes: ResourceChange[]): Verdict {
  const plan: PlannedChanges = { settings: { known: "unchanged" }, changes, unchanged: 3, others: 0 };
  return verdictOf("dev", plan);
}

describe("what destroys is what loses pods or data:", () => {
  const cases: [title: string, change: ResourceChange, lost: RegExp | undefined][] = [
    ["a StatefulSet that goes", set("delete"), /all pods stop; the volumes and the data stay/],
    ["one that goes with its claims", set("delete", { before: losing }), /their claims and the data are deleted/],
    ["one that is replaced", set("replace"), /stop together and are made anew; the volumes and the data stay/],
    ["not one that leaves its pods", set("replace", { before: orphaning }), undefined],
    ["a namespace", object("delete", "Namespace"), /pods, claims and data/],
    ["not one that is kept", object("keep", "Namespace"), undefined],
    ["a claim", object("delete", "PersistentVolumeClaim"), /the data on it is lost/],
    ["not one that is kept", object("keep", "PersistentVolumeClaim"), undefined],
    ["not a Service", object("replace", "Service"), undefined],
    ["not a StorageClass", object("replace", "StorageClass"), undefined],
    ["not a new password", object("replace", "RandomPassword"), undefined],
  ];
  for (const [title, change, lost] of cases) {
    it(title, () => {
      const { losses, outcome, risk, classes } = judged(change);
      expect(outcome).to.equal(lost === undefined ? "changes" : "destructive");
      expect(risk.level === "high").to.equal(lost !== undefined);
      expect(classes.includes("replace")).to.equal(lost !== undefined);
      if (lost !== undefined) expect(losses[0]?.means).to.match(lost);
    });
  }

  it("and stops clients where pods go", () => {
    expect(judged(set("delete")).interruption.writers).to.equal("none can write for good");
    expect(judged(set("replace")).interruption.readers).to.equal("none can read until the new pods are ready");
  });
});

describe("claims that grow", () => {
  const claim = (size: string, wanted: string): ResourceChange => {
    const inputs = (storage: string) => ({ spec: { resources: { requests: { storage } } } });
    return {
      ...{ change: "update", kind: "PersistentVolumeClaim", name: "n/data-postgres-0" },
      ...{ paths: [["spec", "resources", "requests", "storage"]], before: inputs(size), after: inputs(wanted) },
    };
  };

  it("restart nothing, and their setting explains them", () => {
    const verdict = verdictOf("dev", {
      settings: {
        known: "both",
        before: { namespace: "n" },
        after: { namespace: "n", storageSize: "15Gi" },
      },
      ...{ changes: [claim("10Gi", "15Gi")], unchanged: 0, others: 0 },
    });
    expect(verdict.classes).to.deep.equal(["grow"]);
    expect(verdict.settings[0]).to.include({ setting: "storageSize", class: "grow", before: "10Gi", after: "15Gi" });
    expect(verdict.settings[0]?.derived.map(({ name }) => name)).to.include("max_wal_size");
    expect([verdict.risk.level, verdict.interruption.writers, verdict.resources]).to.deep.equal(["low", "nothing", []]);
  });

  it("are no growth where they shrink", () => {
    expect(judged(claim("15Gi", "10Gi")).classes).to.deep.equal(["none"]);
  });
});

describe("another major under the same data", () => {
  it("is refused, and its risk is high", () => {
    const { settings, risk } = verdictOf("dev", {
      settings: { known: "both", before: { image: "postgres:16" }, after: { image: "postgres:17" } },
      ...{ changes: [], unchanged: 0, others: 0 },
    });
    expect(settings[0]).to.include({ setting: "image", class: "refused" });
    expect(risk.level).to.equal("high");
  });
});

describe("a verdict as a document", () => {
  it("has no password in it", () => {
    const plan: PlannedChanges = {
      settings: {
        known: "both",
        before: {},
        after: { parameters: { ssl_passphrase_command: "echo hunter2", "my.token": "hunter2" }, passwordGeneration: 2 },
      },
      ...{ changes: [], unchanged: 0, others: 0 },
    };
    const verdict = verdictOf("dev", plan);
    for (const format of ["text", "markdown", "json"] as const) {
      expect(documentOf(verdict, format)).to.contain("[secret]").and.not.contain("hunter2");
    }
    const generation = verdict.settings.find(({ setting }) => setting === "passwordGeneration");
    expect(generation).to.include({ before: "1", after: "2" });
  });

  it("has no value of a parameter that is a password by its name or by its looks", () => {
    const secrets = {
      "my.api_key": "hunter2",
      "my.keys": "hunter2",
      "app.dsn": "hunter2",
      "app.pwd": "hunter2",
      "app.url": "hunter2",
      "app.server": "postgresql://a:hunter2@h/d",
      "app.options": "host=h password=hunter2",
    };
    const plain = { ssl_key_file: "/tls/key.pem", row_security: "off", "app.server_name": "postgresql://a@h:5432/d" };
    type Parameters = Record<string, string>;
    const shownOf = (before: Parameters, after: Parameters): Parameters => {
      const plan: PlannedChanges = {
        settings: { known: "both", before: { parameters: before }, after: { parameters: after } },
        ...{ changes: [], unchanged: 0, others: 0 },
      };
      const verdict = verdictOf("dev", plan);
      expect(documentOf(verdict, "json")).not.to.contain("hunter2");
      return Object.fromEntries(verdict.settings.map(({ setting, before, after }) => [setting, `${before} ${after}`]));
    };
    for (const shown of [shownOf({}, secrets), shownOf(secrets, {})]) {
      const expected = Object.keys(secrets).map((name) => [`parameters.${name}`, "[secret] [secret]"]);
      expect(shown).to.deep.equal(Object.fromEntries(expected));
    }
    for (const words of Object.values(shownOf({}, plain))) expect(words).not.to.contain("[secret]");
  });

  it("ends the commands with a code that says what would happen", () => {
    expect(verdictExitCodes).to.deep.equal({ nothing: 0, refused: 1, changes: 2, destructive: 3 });
    const wrong = [new UsageError("x"), new LocalError("x"), new Error("x")];
    expect(wrong.map((error) => exitCodeOf(error, "preview"))).to.deep.equal([1, 1, 1]);
    expect(wrong.map((error) => exitCodeOf(error, "verdict"))).to.deep.equal([1, 1, 1]);
    expect(exitCodeOf(new InterruptedError("x"), "preview")).to.equal(130);
    expect(exitCodeOf(new UsageError("x"), "up")).to.equal(2);
  });

  it("costs little: a preview takes seconds, this a fraction of a tenth", () => {
    const prod = { workload: "production", namespace: "postgres-prod", storageSize: "100Gi" } as const;
    const after = { ...prod, resources: { limits: { memory: "4Gi" } }, parameters: { work_mem: "8MB" }, replicas: 4 };
    const plan: PlannedChanges = {
      settings: { known: "both", before: prod, after },
      ...{ changes: [set("update")], unchanged: 12, others: 0 },
    };
    verdictOf("prod", plan);
    const started = performance.now();
    documentOf(verdictOf("prod", plan), "text");
    expect(performance.now() - started, "milliseconds").to.be.lessThan(100);
  });
});
