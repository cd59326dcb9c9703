import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import type { PodChanges, Verdict } from "../../../components/postgres/verdict/types";
import { type Edit, verdictOn } from "./edit";
import { found } from "./found";

/** An edit and the verdict it has to have; see edits.md. */
interface Row {
  edit: string;
  how: Edit;
  settings: string;
  pods: string;
  clients: string;
  risk: string;
}

function rows(): Row[] {
  const lines = readFileSync(join(__dirname, "edits.md"), "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith("| "))
    .slice(2)
    .map((line) => {
      const [, edit = "", deployed = "", cluster = "", asked = "", settings = "", pods = "", clients = "", risk = ""] =
        line.split("|").map((cell) => cell.trim());
      const [, stack, from = ""] = /^(?:(dev|prod)\b:? ?)?(.*)$/.exec(deployed) ?? [];
      const how: Edit = { stack, from: parse(`{${from}}`), to: parse(`{${asked}}`), ...found(cluster) };
      return { edit, how, settings, pods, clients, risk };
    });
}

const ordinals = (pods: readonly string[]): string => pods.map((pod) => pod.replace("postgres-", "")).join(" ");

function podsOf({ restarted, perhaps, held, added, removed }: PodChanges): string {
  const lists = { restart: restarted, perhaps, hold: held, add: added, remove: removed };
  return Object.entries(lists)
    .filter(([, pods]) => pods.length > 0)
    .map(([what, pods]) => `${what} ${ordinals(pods)}`)
    .join(" ");
}

function settingsOf({ outcome, settings, problems }: Verdict): string {
  if (outcome === "refused") return `refused ${problems.map(({ setting }) => setting).join(" ")}`;
  return settings.map(({ setting, class: effect }) => `${setting} ${effect}`).join(", ");
}

const notices: [words: RegExp, notice: string][] = [
  [/can connect once there is what is missing now: \w/, "connect again"],
  [/none can/, "stop"],
  [/one pause|same pause/, "pause"],
  [/one pod is away at a time/, "one by one"],
  [/sessions on postgres-\d.* end/, "sessions end"],
  [/need the new password/, "new password"],
  [/new list of clients/, "new list"],
  [/commits wait for replicas/, "commits wait"],
  [/commits may wait until/, "commits may stop"],
];

const noticed = (words: string): string =>
  notices
    .filter(([pattern]) => pattern.test(words))
    .map(([, notice]) => notice)
    .join(", ") || "-";

describe("the verdict on an edit:", () => {
  const table = rows();

  for (const { edit, how, settings, pods, clients, risk } of table) {
    const told = [settings, pods, clients === "- / -" ? "clients notice nothing" : clients, `risk ${risk}`];
    it(`${edit}: ${told.filter((words) => words !== "").join("; ")}`, async () => {
      const verdict = await verdictOn(how);
      const { writers, readers } = verdict.interruption;
      const judged = [settingsOf(verdict), podsOf(verdict.pods), `${noticed(writers)} / ${noticed(readers)}`];
      expect([...judged, verdict.risk.level]).to.deep.equal([settings, pods, clients, risk]);
      // What settings explain is said once, with them.
      const unexplained = verdict.resources.filter(({ change }) => change !== "keep");
      expect(unexplained.length > 0, "something beside the settings").to.equal(how.tampered === true);
    });
  }

  it("judges a mode of TLS with what it needs, also where the cluster's own authority goes", async () => {
    const verdict = await verdictOn({ to: { tls: { mode: "secret", secretName: "own" } } });
    expect(settingsOf(verdict)).to.equal("tls.mode restart, tls.secretName restart");
    expect(podsOf(verdict.pods)).to.equal("restart 2 1 0");
  });

  it("calls it a scale, and no reload, where the pods only learn how many they are", async () => {
    expect((await verdictOn({ to: { replicas: 4 } })).classes).to.deep.equal(["scale"]);
  });

  it("names the synchronous replicas that there are in the end, where their number changes with that of all", async () => {
    const { settings } = await verdictOn({ from: { replicas: 2 }, to: { replicas: 4, synchronousReplicas: 2 } });
    const named = settings.flatMap(({ derived }) => derived.filter(({ name }) => name === "synchronous_standby_names"));
    expect(new Set(named.map(({ after }) => after))).to.deep.equal(
      new Set([`'ANY 2 ("postgres-1", "postgres-2", "postgres-3")'`]),
    );
  });

  it("takes a cluster whose StatefulSet is missing for no new one", async () => {
    expect((await verdictOn(found("no StatefulSet"))).newCluster).to.equal(false);
    expect((await verdictOn({ isNew: true })).newCluster).to.equal(true);
  });

  const dataOn = (...claims: string[]) => ({ claims, recorded: true });

  it("tells which claims from before new pods go on from, in the order of their ordinals", async () => {
    const claims = Array.from({ length: 12 }, (_, ordinal) => `data-postgres-${ordinal}`);
    const verdict = await verdictOn({ isNew: true, to: { replicas: 12 }, data: dataOn(...claims) });
    expect(verdict.foundClaims).to.deep.equal(claims);
    expect(verdict.primaryVolumeLost).to.equal(false);
  });

  it("says that added pods clone the primary only where one has no volume from before", async () => {
    const added = (...claims: string[]) => verdictOn({ to: { replicas: 5 }, data: dataOn(...claims) });
    expect((await added("data-postgres-3")).risk.why).to.equal("new pods clone the primary");
    expect((await added("data-postgres-3", "data-postgres-4")).risk.why).to.equal("new pods catch up with the primary");
  });

  it("calls no claim found whose pod is there: an earlier version left it to the StatefulSet", async () => {
    const claims = ["data-postgres-0", "data-postgres-1", "data-postgres-2"];
    const verdict = await verdictOn({ ...found("no claims in the state"), data: dataOn(...claims) });
    expect(verdict.foundClaims).to.deep.equal([]);
    expect(verdict.primaryVolumeLost).to.equal(false);
  });

  it("knows of a lost volume, with the primary's pod or without", async () => {
    for (const words of ["nothing that is the namespace's", "no claims in the state"]) {
      const verdict = await verdictOn({ ...found(words), data: dataOn("data-postgres-1"), drifted: true });
      expect(verdict.primaryVolumeLost).to.equal(true);
      expect(verdict.risk).to.deep.equal({ level: "high", why: "the primary's volume is gone" });
    }
    const latchOnly = await verdictOn({ isNew: true, data: { claims: [], recorded: true } });
    expect(latchOnly.risk.level).to.equal("high");
  });

  it("knows of none where nobody looked, nothing was, or an earlier up ended before it was made", async () => {
    const none = { claims: [], recorded: false };
    const gone = found("nothing that is the namespace's");
    const cases: Edit[] = [
      found("no StatefulSet"),
      { isNew: true, data: none },
      { ...gone, data: none, drifted: false },
    ];
    for (const edit of cases) expect((await verdictOn(edit)).primaryVolumeLost).to.equal(false);
  });

  it("lets nobody connect again to what never was", async () => {
    const { interruption } = await verdictOn({ ...found("no Service"), drifted: false });
    expect(interruption).to.deep.equal({ writers: "nothing", readers: "nothing" });
    const held = { to: { runAsUser: 70, updateStrategy: { partition: 1 } }, drifted: true };
    const { writers } = (await verdictOn({ ...found("no primary Service"), ...held })).interruption;
    expect(writers).to.equal("can connect once there is what is missing now: Service n/postgres-primary");
  });

  it("has edits of every class, on both stacks' settings and on none", () => {
    expect(table.length).to.be.at.least(40);
    for (const effect of ["none", "reload", "restart", "scale", "refused"]) {
      expect(table.filter(({ settings }) => settings.includes(effect)).length, effect).to.be.at.least(4);
    }
  });
});
