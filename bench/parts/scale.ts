import { join } from "node:path";
import { runOrThrow } from "../../local/tools/run";
import { repetitions } from "../../test/repetitions";
import type { Finding, Part, SeriesLine } from "../findings";
import { inTurn } from "../rounds";
import { median, type Point } from "../statistics";

const counts = [1, 10, 100, 300];
const rounds = repetitions("BENCH_ROUNDS", 5);

/** What is measured, by the name that clusters.ts knows it by. */
const ways = {
  plan: "from settings to objects",
  program: "the program, with Pulumi's SDK",
  floor: "as many ConfigMaps, with Pulumi's SDK",
} as const;
type Way = keyof typeof ways;

interface Taken {
  cpuMs: number;
  bytes: number;
}

/** How one program grows with the number of its clusters. Needs no Kubernetes: providers are mocked. */
export const scale: Part = {
  name: "scale",
  title: "Many clusters in one program",
  async measure(note) {
    const all = Object.fromEntries(
      (["plan", "program", "floor"] as const).flatMap((way) =>
        counts.map((count) => [key(way, count), () => clusters(way, count)]),
      ),
    );
    // These take up to ten seconds.
    const many = Object.keys(all).filter((name) => name.endsWith("00"));
    const fewer = Object.fromEntries(many.map((name) => [name, 3]));
    const taken = await inTurn(all, rounds, note, { warmUp: false, fewer });
    const line = (way: Way, value: (one: Taken) => number): SeriesLine => ({
      name: ways[way],
      points: counts.map((count): Point => [count, median((taken[key(way, count)] ?? []).map(value))]),
    });
    const time = (way: Way): SeriesLine => line(way, ({ cpuMs }) => cpuMs);
    const straight = { r2: { atLeast: 0.99 } };
    const megabytes = ({ bytes }: Taken): number => bytes / 1e6;
    const findings: Finding[] = [
      {
        kind: "remark",
        text:
          "Clusters of prod with three pods, in one process each time. Times are of the processor, so that other work on " +
          "the machine counts less; memory is what is still held at the end.",
      },
      {
        kind: "series",
        id: "scale-plan",
        title: "Time to plan",
        x: "clusters",
        y: "ms",
        lines: [{ ...time("plan"), ...straight, slope: { atMost: 8 } }],
      },
      {
        kind: "series",
        id: "scale-program",
        title: "Time of the whole program",
        x: "clusters",
        y: "ms",
        lines: [{ ...time("program"), ...straight }, time("floor")],
      },
      {
        kind: "series",
        id: "scale-memory",
        title: "Memory of the whole program",
        x: "clusters",
        y: "MB",
        lines: [{ ...line("program", megabytes), ...straight }, line("floor", megabytes)],
      },
    ];
    return findings;
  },
};

const key = (way: Way, count: number): string => `${way} ${count}`;

async function clusters(way: Way, count: number): Promise<Taken> {
  const script = join(__dirname, "..", "scale", "clusters.ts");
  const out = await runOrThrow(process.execPath, ["--expose-gc", "--require", "tsx/cjs", script, way, `${count}`]);
  return JSON.parse(out);
}
