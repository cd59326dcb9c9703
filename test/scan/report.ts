import { code, table } from "../../docs/generate/markdown";
import { type Finding, type Scan, type Scanner, scanners, versionOf } from "../tools/scanners";
import { explained, keyOf } from "./explained";

/** Where the generated part of docs/security.md begins and ends. */
const markers = {
  begin:
    "<!-- scan: `UPDATE_GOLDEN=1 npm run test:scan` writes what follows; the reasons are in test/scan/explained.ts -->",
  end: "<!-- end of scan -->",
};

/** What was scanned. */
export interface Scanned {
  scan: Scan;
  /** How many of the manifests kubeconform finds valid. */
  valid: number;
  manifests: number;
}

/** The page with the report in its place. @throws Error for a page without the markers. */
export function withReport(page: string, ours: Scanned, source: Scanned): string {
  const [before, rest] = page.split(markers.begin);
  const after = rest?.split(markers.end)[1];
  if (before === undefined || after === undefined) throw new Error(`no ${markers.begin}, or no ${markers.end}`);
  return `${before}${markers.begin}\n\n${report(ours, source)}\n\n${markers.end}${after}`;
}

function report(ours: Scanned, source: Scanned): string {
  const rows = [
    ...scanners.flatMap((scanner) => counts(scanner, ours.scan, source.scan)),
    ["kubeconform -strict", "valid", validity(ours), validity(source)],
  ];
  return [
    table(["scanner", "", "this program", "source document"], rows),
    "What stays, and why:",
    table(["scanner", "", "check", "object", "why it stays"], remaining(ours.scan)),
    "What the source document's have, and these do not:",
    ...onlyIn(source.scan, ours.scan),
  ]
    .join("\n\n")
    .replaceAll("\n\n- ", "\n- ");
}

const validity = ({ valid, manifests }: Scanned): string => `${valid} of ${manifests}`;

function counts(scanner: Scanner, ours: Scan, source: Scan): string[][] {
  const both = [ours, source];
  const of = (severity: Finding["severity"]): string[] =>
    both.map(
      ({ findings }) => `${findings.filter((one) => one.scanner === scanner && one.severity === severity).length}`,
    );
  return [
    [`${scanner} ${versionOf(scanner)}`, "critical", ...of("critical")],
    ["", "warning", ...of("warning")],
    ["", "ok", ...both.map(({ passed }) => `${passed[scanner].length}`)],
  ];
}

const named = ({ title, check }: Pick<Finding, "title" | "check">): string => `${title} (${code(check)})`;

function remaining({ findings }: Scan): string[][] {
  return explained.map((one, index) => {
    const title = findings.find((finding) => keyOf(finding) === keyOf(one))?.title ?? "";
    const same = explained.slice(0, index).find(({ why }) => why === one.why);
    const why = same === undefined ? one.why : `As ${code(same.check)}.`;
    return [one.scanner, one.severity, named({ ...one, title }), code(one.object), why];
  });
}

/** A list of the checks that find something in one, and nothing in the other. */
function onlyIn({ findings }: Scan, other: Scan): string[] {
  const known = new Set(other.findings.map(({ check }) => check));
  const only = findings.filter(({ check }) => !known.has(check));
  return [...new Set(only.map((one) => `- ${one.scanner}, ${one.severity}: ${named(one)}`))].sort();
}
