import { copyFileSync, cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureVolumes, postgresImage, releaseVolumes } from "../../local/node";
import { projectFolder } from "../../local/pulumi/paths";
import type { StackConfig } from "../../local/pulumi/stack-file";
import { localClass, Namespace } from "../../test/cluster/kubernetes";
import { embeddedNode } from "../../test/cluster/stack";
import { repetitions } from "../../test/repetitions";
import type { Finding, Part, SeriesLine, Target } from "../findings";
import { type Project, Pulumi } from "../pulumi";
import { RequestCounter } from "../requests";
import { inTurn } from "../rounds";
import { median, type Point } from "../statistics";
import { takingBack } from "../undo";

const counts = [1, 3, 10];
const rounds = repetitions("BENCH_ROUNDS", 5);
const namespaceName = "bench-clusters";

/** What one program with so many clusters took. */
interface Taken {
  count: number;
  /** From the start of Pulumi's CLI until all are ready. */
  deploySeconds: number;
  previewSeconds: number[];
  upSeconds: number[];
  stateBytes: number;
  previewRequests: number;
  upRequests: number;
}

/** One program with one, three and ten small clusters, by a real engine on a real node. */
export const clusters: Part = {
  name: "clusters",
  title: "Many clusters for real",
  async measure(note) {
    const { tools, node } = await embeddedNode();
    const pulumi = await Pulumi.create(tools, note);
    const namespace = new Namespace(namespaceName, tools.kubectl, node.kubeconfig);
    const kubeconfig = join(pulumi.folder, "kubeconfig");
    copyFileSync(node.kubeconfig, kubeconfig);
    return takingBack(async (undo) => {
      undo(() => pulumi.remove());
      const taken: Taken[] = [];
      for (const count of counts) {
        const files = { kubeconfig, original: node.kubeconfig };
        taken.push(await measureSome(count, { pulumi, namespace, ...files }, (words) => note(`${count}: ${words}`)));
      }
      return findings(taken);
    });
  },
};

interface Place {
  pulumi: Pulumi;
  namespace: Namespace;
  /** What the projects use, and the node's own, of which it is a copy. */
  kubeconfig: string;
  original: string;
}

function measureSome(count: number, place: Place, note: (words: string) => void): Promise<Taken> {
  const { pulumi, namespace, kubeconfig, original } = place;
  const storageClassName = namespaceName;
  return takingBack(async (undo) => {
    undo(async () => {
      await namespace.remove();
      await namespace.kubectl("delete", "storageclass", storageClassName, "--ignore-not-found");
      await releaseVolumes(storageClassName);
    });
    await namespace.kubectl("create", "namespace", namespaceName);
    await namespace.apply(localClass(storageClassName));
    await ensureVolumes({ storageClassName, size: "1Gi", count });
    const settings = { namespace: namespaceName, image: postgresImage, storageClassName, count };
    const own = Object.entries(settings).map(([key, value]) => [`kubernetes-postgres:${key}`, value]);
    const config = { ...Object.fromEntries(own), "kubernetes:kubeconfig": kubeconfig };
    const project = await manyClusters(pulumi, `clusters-${count}`, config);
    undo(() => project.destroy());
    note("deploy");
    const { seconds: deploySeconds } = await project.up();
    const changed = await inTurn(
      {
        preview: () => project.preview("--expect-no-changes"),
        up: () => project.up("--expect-no-changes"),
      },
      // Ten take as long as all others together.
      count < 10 ? rounds : Math.min(rounds, 3),
      note,
      // The deployment has filled the caches.
      { warmUp: false },
    );
    const seconds = (what: string): number[] => (changed[what] ?? []).map((took) => took.seconds);
    const requests = await countRequests(project, kubeconfig, original);
    const stateBytes = statSync(pulumi.checkpoint("kubernetes-postgres")).size;
    return {
      count,
      deploySeconds,
      previewSeconds: seconds("preview"),
      upSeconds: seconds("up"),
      stateBytes,
      ...requests,
    };
  });
}

/** The program of `programs/many`, started as this project's own. */
async function manyClusters(pulumi: Pulumi, name: string, config: StackConfig): Promise<Project> {
  const files = ["start.cjs", "components", "stacks", "package.json", "Pulumi.yaml"];
  return pulumi.project(name, config, projectFolder, files, (folder) => {
    const program = join("bench", "programs", "many", "index.ts");
    cpSync(join(projectFolder, program), join(folder, program));
    writeFileSync(join(folder, "index.ts"), 'export * from "./bench/programs/many";\n');
    // Its settings are not those that the project declares.
    const file = join(folder, "Pulumi.yaml");
    writeFileSync(file, readFileSync(file, "utf8").split("\nconfig:")[0] ?? "");
  });
}

async function countRequests(project: Project, kubeconfig: string, original: string) {
  const counter = await RequestCounter.start(original, kubeconfig);
  try {
    await project.preview("--expect-no-changes");
    const previewRequests = counter.take().all;
    await project.up("--expect-no-changes");
    return { previewRequests, upRequests: counter.take().all };
  } finally {
    counter.stop();
    copyFileSync(original, kubeconfig);
  }
}

function findings(taken: readonly Taken[]): Finding[] {
  const line = (name: string, value: (one: Taken) => number, r2?: Target, slope?: Target): SeriesLine => ({
    name,
    points: taken.map((one): Point => [one.count, value(one)]),
    ...(r2 && { r2 }),
    ...(slope && { slope }),
  });
  const axes = { kind: "series", x: "clusters" } as const;
  return [
    {
      ...axes,
      id: "clusters-time",
      title: "Where nothing changes",
      y: "s",
      lines: [
        line("preview", ({ previewSeconds }) => median(previewSeconds), { atLeast: 0.99 }),
        line("up", ({ upSeconds }) => median(upSeconds), { atLeast: 0.99 }),
      ],
    },
    {
      ...axes,
      id: "clusters-deploy",
      title: "From nothing to all ready, one pod each",
      y: "s",
      lines: [line("up", ({ deploySeconds }) => deploySeconds)],
    },
    {
      ...axes,
      id: "clusters-state",
      title: "State",
      y: "kB",
      lines: [line("checkpoint", ({ stateBytes }) => stateBytes / 1000, { atLeast: 0.99 })],
    },
    {
      ...axes,
      id: "clusters-requests",
      title: "Requests to the API server, where nothing changes",
      y: "requests",
      lines: [
        line("preview", ({ previewRequests }) => previewRequests, undefined, { atMost: 0 }),
        line("up", ({ upRequests }) => upRequests, undefined, { atMost: 0 }),
      ],
    },
  ];
}
