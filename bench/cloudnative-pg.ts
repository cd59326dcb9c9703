import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { provideImage } from "../local/node";
import type { Note } from "../local/progress";
import { findCommand } from "../local/tools/debian";
import { buildFolder, type GoBuild, goBuild } from "../local/tools/go-build";
import { at, textAt } from "../local/tools/json";
import { LocalError, runOrThrow } from "../local/tools/run";
import { eventually, type Namespace } from "../test/cluster/kubernetes";

/** The peer's release that is compared with. */
const peerVersion = "1.28.0";

const module = "github.com/cloudnative-pg/cloudnative-pg";
const clusters = "clusters.postgresql.cnpg.io";
const system = "cnpg-system";
const deployment = "cnpg-controller-manager";
/** Label of what the benchmark itself has put there. */
const mark = "kubernetes-postgres/bench";
const architecture = process.arch === "x64" ? "amd64" : process.arch;

const operatorBuild: GoBuild = {
  name: "cloudnative-pg",
  title: "build the operator of CloudNativePG",
  source: join(__dirname, "operator"),
  programs: [{ pkg: `${module}/cmd/manager`, file: `manager_${architecture}` }],
  variables: [],
  // Its image has no C library.
  flags: ["-tags=netgo,osusergo"],
};

/** The objects of the release's manifest, which lies in its Go module. */
async function peerManifest(): Promise<object[]> {
  const go = findCommand("go");
  if (go === undefined) throw new LocalError("CloudNativePG comes as a Go module, and no go was found in PATH.");
  const folder = mkdtempSync(join(tmpdir(), "peer-"));
  try {
    writeFileSync(join(folder, "go.mod"), "module peer\n");
    const told = await runOrThrow(go, ["mod", "download", "-json", `${module}@v${peerVersion}`], { cwd: folder });
    const manifest = join(textAt(JSON.parse(told), "Dir") ?? "", "releases", `cnpg-${peerVersion}.yaml`);
    return parseAllDocuments(readFileSync(manifest, "utf8")).flatMap((document) => {
      const object: unknown = document.toJS();
      return typeof object === "object" && object !== null ? [object] : [];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const exists = async (namespace: Namespace, ...object: string[]): Promise<boolean> =>
  (await namespace.kubectl("get", ...object, "--ignore-not-found", "-o", "name")) !== "";

/**
 * Makes sure that the API server knows CloudNativePG's clusters, though no operator may run that makes them.
 * @returns what takes that back; nothing where they were known.
 */
export async function ensurePeerDefinition(namespace: Namespace): Promise<() => Promise<void>> {
  if (await exists(namespace, "crd", clusters)) return async () => undefined;
  const definition = (await peerManifest()).find((object) => at(object, "metadata", "name") === clusters);
  if (definition === undefined) throw new LocalError(`The release of CloudNativePG has no ${clusters}.`);
  const remove = async (): Promise<void> => {
    await namespace.kubectl("delete", "crd", clusters);
  };
  await namespace.applyAs("bench", definition);
  try {
    // kubectl wait ends with an error where there is no condition yet.
    await eventually(clusters, async () => ((await isEstablished(namespace)) ? true : undefined));
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function isEstablished(namespace: Namespace): Promise<boolean> {
  const status = '{.status.conditions[?(@.type=="Established")].status}';
  return (await namespace.kubectl("get", "crd", clusters, "-o", `jsonpath=${status}`)) === "True";
}

/**
 * Runs CloudNativePG's operator on the embedded node, as its release's manifest has it, with an image of its own module.
 * @returns what takes that back; nothing where the node had it already.
 */
export async function startPeerOperator(namespace: Namespace, note: Note): Promise<() => Promise<void>> {
  const operator = namespace.beside(system);
  // One that an interrupted run left is the benchmark's own, and goes at the end.
  const left = await namespace.kubectl("get", "namespaces", "-l", mark, "-o", "name");
  const wasThere = !left.includes(system) && (await exists(operator, "deployment", deployment));
  const built = await goBuild(operatorBuild, note);
  const program = operatorBuild.programs[0]?.file ?? "";
  await provideImage(
    {
      reference: `ghcr.io/cloudnative-pg/cloudnative-pg:${peerVersion}`,
      title: "make the image of CloudNativePG's operator",
      config: { User: "65532", Entrypoint: ["/manager"] },
      ingredients: buildFolder(operatorBuild),
      fill: async (rootfs) => {
        mkdirSync(join(rootfs, "operator"), { recursive: true });
        copyFileSync(join(built, program), join(rootfs, "operator", program));
        symlinkSync(join("operator", program), join(rootfs, "manager"));
      },
    },
    note,
  );
  // The node can pull from no registry.
  const manifest = JSON.stringify(await peerManifest()).replaceAll(
    '"imagePullPolicy":"Always"',
    '"imagePullPolicy":"IfNotPresent"',
  );
  const objects: object[] = JSON.parse(manifest);
  const takeBack = async (): Promise<void> => {
    if (wasThere) return;
    // All of them are the system namespace's, or belong to no namespace.
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await operator.pipe(JSON.stringify(list), "delete", "--ignore-not-found", "-f", "-");
  };
  try {
    for (const object of objects)
      await namespace.beside(textAt(object, "metadata", "namespace") ?? namespace.name).applyAs("bench", object);
    if (!wasThere) await operator.kubectl("label", "namespace", system, "--overwrite", `${mark}=true`);
    await operator.kubectl("rollout", "status", `deployment/${deployment}`, "--timeout=55s");
  } catch (error) {
    await takeBack();
    throw error;
  }
  return takeBack;
}
