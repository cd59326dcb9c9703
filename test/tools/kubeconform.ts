import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Progress } from "../../local/progress";
import { type GoBuild, goBuild, isBuilt } from "../../local/tools/go-build";
import { at, listAt, parseJson, textAt } from "../../local/tools/json";
import { type RunResult, run, runOrThrow } from "../../local/tools/run";
import { kubernetesBuild } from "../../local/tools/tools";

const build: GoBuild = {
  name: "kubeconform",
  title: "build kubeconform",
  source: join(__dirname, "kubeconform"),
  programs: [{ pkg: "github.com/yannh/kubeconform/cmd/kubeconform", file: "kubeconform" }],
  variables: [],
};

/** Judges the manifests below a folder by strict schemas. Built when first asked for: less than a minute. */
export async function kubeconform(manifests: string, schemas: string): Promise<RunResult> {
  const progress = new Progress();
  const folder = isBuilt(build)
    ? await goBuild(build, () => undefined)
    : await progress.step(build.title, (note) => goBuild(build, note));
  const location = join(schemas, "{{.ResourceKind}}{{.KindSuffix}}.json");
  // Only the schemas given: what has none is an error.
  return run(join(folder, "kubeconform"), ["-strict", "-summary", "-schema-location", location, manifests]);
}

/** What the API server of the embedded node's version describes as `/openapi/v2`: a file of Kubernetes' module. */
export async function kubernetesOpenapi(): Promise<unknown> {
  const asked = ["mod", "download", "-json", "k8s.io/kubernetes"];
  const env = { GOFLAGS: "-mod=readonly", GOWORK: "off" };
  const module = parseJson(await runOrThrow("go", asked, { cwd: kubernetesBuild.source, env }));
  const file = join(textAt(module, "Dir") ?? "", "api", "openapi-spec", "swagger.json");
  return parseJson(readFileSync(file, "utf8"));
}

/**
 * Writes the schemas of an API server's own description (`/openapi/v2`), each under the name that kubeconform looks for.
 * In them every field is known: others are errors, which an API server forgives.
 */
export function writeStrictSchemas(openapi: unknown, folder: string): void {
  const described = Object.entries(at(openapi, "definitions") ?? {});
  const definitions = Object.fromEntries(described.map(([name, definition]) => [name, strict(definition)]));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "definitions.json"), JSON.stringify({ definitions }));
  for (const [name, definition] of described) {
    for (const kind of listAt(definition, "x-kubernetes-group-version-kind")) {
      const group = (textAt(kind, "group") ?? "").split(".")[0];
      const suffix = [group, textAt(kind, "version")].filter((part) => part !== "").join("-");
      const file = `${textAt(kind, "kind")}-${suffix}.json`.toLowerCase();
      writeFileSync(join(folder, file), JSON.stringify({ $ref: `definitions.json#/definitions/${name}` }));
    }
  }
}

function strict(definition: unknown): unknown {
  if (textAt(definition, "format") === "int-or-string") return { oneOf: [{ type: "string" }, { type: "integer" }] };
  if (typeof definition !== "object" || definition === null || !("properties" in definition)) return definition;
  return { ...definition, additionalProperties: false };
}
