import { marker } from "../local/verdict/markdown";

/** What a preview left: its exit code, its document and its words on standard error. */
export interface PreviewResult {
  stack: string;
  /** 0 nothing to change, 2 changes, 3 changes that destroy, 1 refused or failed. */
  code: number;
  /** The verdict as Markdown; empty where there is none. */
  verdict: string;
  words: string;
}

/** GitHub's longest comment is 65,536 characters, and GitLab's a million. */
const longest = 60_000;
const lastLines = 40;

/** The first line of the issue about a stack that is not what its settings say. */
export const driftMarkerOf = (stack: string): string => `<!-- kubernetes-postgres drift: ${stack} -->`;

/** A verdict without its marker. */
const documentIn = (verdict: string): string =>
  verdict.trim().replace(/^<!-- kubernetes-postgres verdict: [^\n]*-->\s*/, "");

/** Whether a preview ended as one that judged, and yet there is no verdict: nobody knows what would happen. */
export const lacksVerdict = ({ code, verdict }: PreviewResult): boolean =>
  [0, 2, 3].includes(code) && documentIn(verdict) === "";

/** The report as Markdown, beginning with the marker. */
export function reportBody({ stack, code, verdict, words }: PreviewResult, first = marker(stack)): string {
  const text = documentIn(verdict);
  const said = words.trim().split("\n").slice(-lastLines).join("\n");
  const failure = `### Stack ${stack}: the preview ended with ${code}\n\n${fenced(said || "It said nothing.")}`;
  // Of what is refused the verdict says why; where there is none, the words are all there is.
  const document = text === "" ? failure : text;
  const cut = document.length > longest ? `${document.slice(0, longest)}\n\n(The rest is in the job's log.)` : document;
  return `${first}\n${cut}\n`;
}

/** Text as a block of code; a fence in it does not end the block. */
function fenced(text: string): string {
  const runs = (text.match(/`{3,}/g) ?? []).map(({ length }) => length);
  const fence = "`".repeat(Math.max(2, ...runs) + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** What the job says at its end, and how it ends. */
export function conclusion(result: PreviewResult, allowDestructive: boolean): { ok: boolean; line: string } {
  const { stack, code } = result;
  if (lacksVerdict(result)) {
    const line = `Stack ${stack}: the preview ended with ${code}, and its verdict is missing or empty.`;
    return { ok: false, line: `${line} Give --verdict the file that it wrote with --format markdown.` };
  }
  if (code === 0) return { ok: true, line: `Stack ${stack}: nothing to change.` };
  if (code === 2) return { ok: true, line: `Stack ${stack}: there are changes; the report says what they do.` };
  if (code === 3 && allowDestructive)
    return { ok: true, line: `Stack ${stack}: data or pods go, and that is allowed.` };
  if (code === 3)
    return { ok: false, line: `Stack ${stack}: data or pods would go. Where that is meant: the label "destructive".` };
  return { ok: false, line: `Stack ${stack}: the preview was refused or failed; the report says why.` };
}
