import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Progress } from "../progress";
import { findCommand } from "./debian";
import { buildFolder, type GoBuild, goBuild, isBuilt } from "./go-build";
import { runOrThrow } from "./run";

/** The pinned versions. Each is also in the go.mod of its folder; a unit test holds the two together. */
export const versions = {
  kubernetes: "1.34.9",
  pulumi: "3.245.0",
  /** The kubernetes provider; the npm SDK is kept at the same minor version. */
  kubernetesProvider: "4.25.0",
  networkPolicies: "0.7.0",
} as const;

const variable = (name: string, value: string): string => `k8s.io/component-base/version.${name}=${value}`;
const [major = "", minor = ""] = versions.kubernetes.split(".");

/** The commands of Kubernetes and CoreDNS, one program under seven names. */
export const kubernetesBuild: GoBuild = {
  name: "kubernetes",
  title: `build Kubernetes ${versions.kubernetes}`,
  source: join(__dirname, "kubernetes"),
  programs: [{ pkg: ".", file: "kubernetes" }],
  links: {
    file: "kubernetes",
    names: [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kube-proxy",
      "kubelet",
      "kubectl",
      "coredns",
    ],
  },
  variables: [
    variable("gitVersion", `v${versions.kubernetes}`),
    variable("gitMajor", major),
    variable("gitMinor", minor),
    variable("gitTreeState", "clean"),
  ],
};

/** What enforces NetworkPolicies. Its go.mod has the versions of Kubernetes', so that little is compiled a second time. */
export const networkPoliciesBuild: GoBuild = {
  name: "network-policies",
  title: `build what enforces NetworkPolicies (kube-network-policies ${versions.networkPolicies})`,
  source: join(__dirname, "network-policies"),
  programs: [{ pkg: ".", file: "network-policies" }],
  variables: [],
};

const pulumiSource = join(__dirname, "pulumi");

/** Pulumi's CLI; only built where none is installed. */
export const pulumiBuild: GoBuild = {
  name: "pulumi",
  title: `build Pulumi ${versions.pulumi}`,
  source: pulumiSource,
  programs: [{ pkg: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", file: "pulumi" }],
  variables: [`github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${versions.pulumi}`],
};

/** Pulumi's kubernetes provider; only built where the plugin is not installed. */
export const providerBuild: GoBuild = {
  name: "pulumi-kubernetes",
  title: `build Pulumi's kubernetes provider ${versions.kubernetesProvider}`,
  source: pulumiSource,
  programs: [{ pkg: "./resource-kubernetes", file: "pulumi-resource-kubernetes" }],
  variables: [`main.version=${versions.kubernetesProvider}`],
  prepare: copyProviderSchema,
};

/** The container that holds a pod's namespaces. */
export const pauseBuild: GoBuild = {
  name: "pause",
  title: "build the pause container",
  source: join(__dirname, "pause"),
  programs: [{ pkg: ".", file: "pause" }],
  variables: [],
};

/** The provider embeds its schema (7 MB), which lies in its module and so need not be kept here. */
async function copyProviderSchema(copy: string): Promise<void> {
  const module = "github.com/pulumi/pulumi-kubernetes/provider/v4";
  const go = findCommand("go") ?? "go";
  await runOrThrow(go, ["mod", "download", module], { cwd: copy });
  const folder = (await runOrThrow(go, ["list", "-m", "-f", "{{.Dir}}", module], { cwd: copy })).trim();
  for (const file of ["schema.json", "terraform-mapping.json"]) {
    const target = join(copy, "resource-kubernetes", file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(folder, "cmd", "pulumi-resource-kubernetes", file), target);
  }
}

/** Groups of tools: the CLI with its provider, or everything the node runs. */
export type ToolGroup = "pulumi" | "node";

/** Paths of programs. Those of a group that was not asked for need not exist. */
export interface Tools {
  /** Pulumi's CLI: the one in PATH, or the built one. */
  pulumi: string;
  /** The file `pulumi-resource-kubernetes`, to be placed as `plugins/resource-kubernetes-v<version>/` in a PULUMI_HOME. */
  kubernetesProvider: string;
  /** Folder of kubectl, kubelet, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy and coredns. */
  kubernetes: string;
  kubectl: string;
  /** The program that judges the connections of pods. */
  networkPolicies: string;
  /** Folder of the static program `pause`. */
  pause: string;
}

/** Where the tools are or will be, without building any. */
export function toolPaths(): Tools {
  const kubernetes = buildFolder(kubernetesBuild);
  return {
    pulumi: findCommand("pulumi") ?? join(buildFolder(pulumiBuild), "pulumi"),
    kubernetesProvider: installedProvider() ?? join(buildFolder(providerBuild), "pulumi-resource-kubernetes"),
    kubernetes,
    kubectl: join(kubernetes, "kubectl"),
    networkPolicies: join(buildFolder(networkPoliciesBuild), "network-policies"),
    pause: buildFolder(pauseBuild),
  };
}

/** The official plugin, where a user's Pulumi has downloaded it. */
function installedProvider(): string | undefined {
  const folder = process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");
  const name = `resource-kubernetes-v${versions.kubernetesProvider}`;
  const file = join(folder, "plugins", name, "pulumi-resource-kubernetes");
  return existsSync(file) ? file : undefined;
}

/** What is built for these groups where the machine has none of its own, in the order in which it is built. */
export function ownBuilds(groups: readonly ToolGroup[]): GoBuild[] {
  const builds: GoBuild[] = [];
  if (groups.includes("node")) builds.push(pauseBuild, kubernetesBuild, networkPoliciesBuild);
  if (groups.includes("pulumi")) {
    if (findCommand("pulumi") === undefined) builds.push(pulumiBuild);
    if (installedProvider() === undefined) builds.push(providerBuild);
  }
  return builds;
}

/** Those of them that are not built yet. */
export const missingBuilds = (groups: readonly ToolGroup[]): GoBuild[] =>
  ownBuilds(groups).filter((build) => !isBuilt(build));

/**
 * Builds what is missing of the tools, one after the other: each build uses all cores by itself. Takes about 20 minutes
 * on two cores when nothing was ever built, and milliseconds when all is there.
 */
export async function ensureTools(
  progress: Progress,
  groups: readonly ToolGroup[] = ["node", "pulumi"],
): Promise<Tools> {
  const missing = missingBuilds(groups);
  progress.plan(...missing.map((build) => build.title));
  for (const build of missing) await progress.step(build.title, (note) => goBuild(build, note));
  return toolPaths();
}
