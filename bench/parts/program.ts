import { appendFileSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { ensureVolumes, releaseVolumes } from "../../local/node";
import { projectFolder } from "../../local/pulumi/paths";
import { type ResolvedStack, resolveStack } from "../../local/pulumi/resolve-stack";
import { Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import { repetitions } from "../../test/repetitions";
import { ensurePeerDefinition } from "../cloudnative-pg";
import { ownFiles } from "../contenders/own";
import type { Finding, Part, Rival } from "../findings";
import { type Project, Pulumi, type Took } from "../pulumi";
import { RequestCounter } from "../requests";
import { inTurn } from "../rounds";
import { takingBack } from "../undo";

const rounds = repetitions("BENCH_ROUNDS", 5);
const namespaceName = "bench-program";

/** Names of the rivals, as the report has them. */
const rivals = {
  empty: "an empty program",
  floor: "one ConfigMap",
  peer: "a Cluster of CloudNativePG",
  own: "prod",
  edited: "prod, after an edit",
  tsNode: "prod, by ts-node",
} as const;

/** What it takes Pulumi to find out that nothing changes. */
export const program: Part = {
  name: "program",
  title: "The program",
  async measure(note) {
    const { tools, node } = await embeddedNode();
    const pulumi = await Pulumi.create(tools, note);
    return takingBack(async (undo) => {
      undo(() => pulumi.remove());
      const namespace = new Namespace(namespaceName, tools.kubectl, node.kubeconfig);
      undo(await ensurePeerDefinition(namespace.beside("default")));
      // A copy, in whose place the requests can be counted later.
      const kubeconfig = join(pulumi.folder, "kubeconfig");
      copyFileSync(node.kubeconfig, kubeconfig);
      const own = ownStack(kubeconfig);
      const { storageClassName, storageSize: size, replicas } = own.spec;
      await ensureVolumes({ storageClassName, size, count: replicas });
      undo(async () => {
        await namespace.remove();
        await releaseVolumes(storageClassName);
      });
      const projects = await openProjects(pulumi, own, kubeconfig);
      for (const [name, project] of Object.entries(projects)) {
        note(`deploy ${name}`);
        undo(() => project.destroy());
        await project.up();
      }
      const compared = await compare(projects, note);
      return [remark, ...compared, await countRequests(projects, { kubeconfig, original: node.kubeconfig }, note)];
    });
  },
};

const remark: Finding = {
  kind: "remark",
  text:
    'Pulumi\'s own CLI on stacks that are deployed, each program by a built start but the last: "after an edit" compiles it ' +
    'first, "by ts-node" is how Pulumi starts TypeScript without this project\'s start.cjs ([why](decisions/start.md)).',
};

/** Prod as the embedded node can run it, in a namespace of the benchmark's own. */
function ownStack(kubeconfig: string): ResolvedStack {
  const resolved = resolveStack({ stack: "prod", cluster: "embedded", settings: { namespace: namespaceName } });
  return { ...resolved, config: { ...resolved.config, "kubernetes:kubeconfig": kubeconfig } };
}

async function openProjects(pulumi: Pulumi, own: ResolvedStack, kubeconfig: string): Promise<Record<string, Project>> {
  const cluster = { "kubernetes:kubeconfig": kubeconfig };
  const programs = join(__dirname, "..", "programs");
  return {
    [rivals.empty]: await pulumi.project("empty", {}, join(programs, "empty")),
    [rivals.floor]: await pulumi.project("config-map", cluster, join(programs, "config-map")),
    [rivals.peer]: await pulumi.project("cloudnative-pg", cluster, join(programs, "cloudnative-pg")),
    [rivals.own]: await pulumi.project("prod", own.config, projectFolder, ownFiles),
  };
}

async function compare(projects: Record<string, Project>, note: (words: string) => void): Promise<Finding[]> {
  const { [rivals.own]: own, [rivals.floor]: floor } = projects;
  if (own === undefined || floor === undefined) throw new Error("prod or its floor is not there");
  const edited = own.variant("edited");
  const tsNode = own.variant("ts-node", {
    main: ".",
    runtime: { name: "nodejs", options: { typescript: true } },
  });
  const all = { ...projects, [rivals.edited]: edited, [rivals.tsNode]: tsNode };
  const previews = await inTurn(
    mapValues(all, (project) => async () => {
      if (project === edited) appendFileSync(join(edited.folder, "index.ts"), "// An edit.\n");
      return project.preview("--expect-no-changes");
    }),
    rounds,
    (words) => note(`preview: ${words}`),
    // It takes as long as all others together.
    { fewer: { [rivals.tsNode]: 3 } },
  );
  const ups = await inTurn(
    mapValues({ [rivals.floor]: floor, [rivals.own]: own }, (project) => () => project.up("--expect-no-changes")),
    rounds,
    (words) => note(`up: ${words}`),
    // The previews have filled the caches.
    { warmUp: false },
  );
  const megabytes = ({ program }: Took): number => (program?.peakBytes ?? Number.NaN) / 1e6;
  return [
    {
      kind: "comparison",
      id: "program-preview",
      title: "A preview that changes nothing",
      unit: "s",
      floor: rivals.floor,
      rivals: rivalsOf(previews, ({ seconds }) => seconds, 1.15),
    },
    {
      kind: "comparison",
      id: "program-memory",
      title: "Memory of the program at its peak, in that preview",
      unit: "MB",
      floor: rivals.floor,
      rivals: rivalsOf(previews, megabytes, 1.2),
    },
    {
      kind: "comparison",
      id: "program-up",
      title: "An up that changes nothing",
      unit: "s",
      floor: rivals.floor,
      rivals: rivalsOf(ups, ({ seconds }) => seconds, 1.15),
    },
  ];
}

/** What the provider asks of the API server; the same on every machine. */
async function countRequests(
  projects: Record<string, Project>,
  { kubeconfig, original }: { kubeconfig: string; original: string },
  note: (words: string) => void,
): Promise<Finding> {
  const counter = await RequestCounter.start(original, kubeconfig);
  try {
    const rows: string[][] = [];
    for (const [name, project] of Object.entries(projects)) {
      note(`requests of ${name}`);
      const { program } = await project.preview("--expect-no-changes");
      const preview = counter.take();
      await project.up("--expect-no-changes");
      const up = counter.take();
      await project.up("--expect-no-changes", "--refresh");
      const refreshed = counter.take();
      const calls = Object.values(program?.calls ?? {}).reduce((sum, count) => sum + count, 0);
      rows.push([name, `${calls}`, ...[preview, up, refreshed].map(({ all }) => `${all}`)]);
    }
    const head = [
      "",
      "calls to the engine",
      "requests of a preview",
      "of an up",
      "of an up that reads the cluster first",
    ];
    return { kind: "figures", title: "What is asked, where nothing changes", head, rows };
  } finally {
    counter.stop();
    copyFileSync(original, kubeconfig);
  }
}

function rivalsOf(taken: Record<string, Took[]>, value: (took: Took) => number, atMost: number): Rival[] {
  return Object.entries(taken).map(([name, runs]) => ({
    name,
    values: runs.map(value),
    ...(name === rivals.own && { target: { atMost } }),
  }));
}

function mapValues<V, W>(values: Record<string, V>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
