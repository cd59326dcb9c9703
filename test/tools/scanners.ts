import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { Progress } from "../../local/progress";
import { type GoBuild, goBuild, isBuilt } from "../../local/tools/go-build";
import { at, listAt, parseJson, textAt } from "../../local/tools/json";
import { LocalError, run, runOrThrow } from "../../local/tools/run";
import { versions } from "../../local/tools/tools";

export const scanners = ["kube-score", "Trivy"] as const;
export type Scanner = (typeof scanners)[number];

/** What a scanner holds against an object. */
export interface Finding {
  scanner: Scanner;
  /** Critical is what kube-score calls so, and what is critical or high for Trivy. */
  severity: "critical" | "warning";
  /** The scanner's own name of the check, the same in every version. */
  check: string;
  /** `<kind>/<name>`. */
  object: string;
  title: string;
}

export interface Scan {
  findings: Finding[];
  /** The checks of each scanner that had nothing to say of any object. */
  passed: Record<Scanner, string[]>;
}

const build: GoBuild = {
  name: "scanners",
  title: "build kube-score and Trivy's checks",
  source: join(__dirname, "scanners"),
  programs: [
    { pkg: "github.com/zegl/kube-score/cmd/kube-score", file: "kube-score" },
    { pkg: "./trivy-checks", file: "trivy-checks" },
  ],
  variables: [],
};

/** Builds the scanners when first asked for: two to three minutes. */
export async function ensureScanners(): Promise<void> {
  if (isBuilt(build)) return;
  await new Progress().step(build.title, (note) => goBuild(build, note));
}

const program = async (file: string): Promise<string> => join(await goBuild(build, () => undefined), file);

/** The version of a scanner that is built. */
export function versionOf(scanner: Scanner): string {
  const module = scanner === "Trivy" ? "aquasecurity/trivy" : "zegl/kube-score";
  const line = new RegExp(`github\\.com/${module} v(\\S+)`).exec(readFileSync(join(build.source, "go.mod"), "utf8"));
  if (line?.[1] === undefined) throw new Error(`go.mod has no version of ${module}`);
  return line[1];
}

/** Has both scanners judge the manifests below a folder. */
export async function scan(folder: string): Promise<Scan> {
  const verdicts = (await Promise.all([kubeScore(folder), trivy(folder)])).flat();
  const findings = new Map<string, Finding>();
  for (const { severity, ...of } of verdicts) {
    // Several containers, or fields, of one object may fail a check.
    if (severity !== "ok") findings.set(`${of.check} ${of.object}`, { ...of, severity });
  }
  const failed = new Set([...findings.values()].map(({ check }) => check));
  const passedOf = (scanner: Scanner): string[] => {
    const checks = verdicts.filter((verdict) => verdict.scanner === scanner).map(({ check }) => check);
    return [...new Set(checks)].filter((check) => !failed.has(check));
  };
  const passed = { "kube-score": passedOf("kube-score"), Trivy: passedOf("Trivy") };
  return { findings: [...findings.values()], passed };
}

/** One check's word on one object. */
interface Verdict extends Omit<Finding, "severity"> {
  severity: Finding["severity"] | "ok";
}

const manifestsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .sort();

/** kube-score grades from 1, critical, to 10, all OK. */
const worstWarning = 5;

/** What kube-score still finds where the objects' own exceptions count. */
export async function kubeScoreWithExceptions(folder: string): Promise<string[]> {
  const found = await kubeScore(folder, []);
  return found.filter(({ severity }) => severity !== "ok").map(({ severity, check }) => `${severity}: ${check}`);
}

/** Nobody's annotation may silence a check, unless asked for. */
async function kubeScore(folder: string, exceptions = ["--disable-ignore-checks-annotations"]): Promise<Verdict[]> {
  const options = [
    ...["--output-format", "json", "--kubernetes-version", `v${versions.kubernetes.replace(/\.\d+$/, "")}`],
    ...exceptions,
    ...["container-seccomp-profile", "container-ports-check"].flatMap((check) => ["--enable-optional-test", check]),
  ];
  const files = manifestsIn(folder).map((file) => join(folder, file));
  const { code, stdout, stderr } = await run(await program("kube-score"), ["score", ...options, ...files]);
  // 1 says that something is critical.
  if (code > 1) throw new LocalError(`kube-score ended with code ${code}: ${stderr}`);
  return listAt({ objects: parseJson(stdout) }, "objects").flatMap((object) =>
    listAt(object, "checks")
      .filter((check) => at(check, "skipped") !== true)
      .map((check): Verdict => {
        const grade = Number(at(check, "grade"));
        return {
          scanner: "kube-score",
          severity: grade > worstWarning ? "ok" : grade === worstWarning ? "warning" : "critical",
          check: textAt(check, "check", "id") ?? "",
          object: `${textAt(object, "type_meta", "kind")}/${textAt(object, "object_meta", "name")}`,
          title: textAt(check, "check", "name") ?? "",
        };
      }),
  );
}

/** Trivy tells of files, each of which holds one object. */
async function trivy(folder: string): Promise<Verdict[]> {
  const stdout = await runOrThrow(await program("trivy-checks"), [folder]);
  const objects = new Map(manifestsIn(folder).map((file) => [file, objectIn(join(folder, file))]));
  const lines = stdout.trim().split("\n").map(parseJson);
  const judged = new Set(lines.map((verdict) => textAt(verdict, "file")));
  // A file that Trivy cannot read, it leaves out.
  const unread = [...objects.keys()].filter((file) => !judged.has(file));
  if (unread.length > 0) throw new LocalError(`Trivy's checks did not read ${unread.join(", ")}`);
  return lines.map((verdict): Verdict => {
    const severe = ["CRITICAL", "HIGH"].includes(textAt(verdict, "severity") ?? "");
    return {
      scanner: "Trivy",
      severity: at(verdict, "passed") === true ? "ok" : severe ? "critical" : "warning",
      check: (textAt(verdict, "check") ?? "").replace("AVD-", ""),
      object: objects.get(textAt(verdict, "file") ?? "") ?? "",
      title: textAt(verdict, "title") ?? "",
    };
  });
}

/** `<kind>/<name>` of the object in a manifest. */
function objectIn(file: string): string {
  const object: unknown = parse(readFileSync(file, "utf8"));
  return `${textAt(object, "kind")}/${textAt(object, "metadata", "name")}`;
}
