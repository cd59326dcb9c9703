import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { findCommand } from "../local/tools/debian";
import { at, textAt } from "../local/tools/json";
import { LocalError, runOrThrow } from "../local/tools/run";
import type { Namespace } from "../test/cluster/kubernetes";

/** The peer's release that is compared with. */
export const peerVersion = "1.28.0";

const module = "github.com/cloudnative-pg/cloudnative-pg";
const clusters = "clusters.postgresql.cnpg.io";

/** The objects of the release's manifest, which lies in its Go module. */
export async function peerManifest(): Promise<object[]> {
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

/**
 * Makes sure that the API server knows CloudNativePG's clusters, though no operator may run that makes them.
 * @returns what takes that back; nothing where they were known.
 */
export async function ensurePeerDefinition(namespace: Namespace): Promise<() => Promise<void>> {
  const known = await namespace.kubectl("get", "crd", clusters, "--ignore-not-found", "-o", "name");
  if (known !== "") return async () => undefined;
  const definition = (await peerManifest()).find((object) => at(object, "metadata", "name") === clusters);
  if (definition === undefined) throw new LocalError(`The release of CloudNativePG has no ${clusters}.`);
  await namespace.applyAs("bench", definition);
  await namespace.kubectl("wait", "--for=condition=Established", `crd/${clusters}`);
  return async () => {
    await namespace.kubectl("delete", "crd", clusters);
  };
}
