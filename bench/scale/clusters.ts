// Run by the scale part, once for each measurement: makes so many clusters, and tells what that took.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { PostgresCluster } from "../../components/postgres-cluster";
import { generatedPassword } from "../../local/render/plan";
import { budgets } from "../../test/budgets";
import { cluster, plans } from "./plan";

/** Of one cluster, without stack, provider and component: as many ConfigMaps are what Pulumi's SDK takes for itself. */
const resourcesOfCluster = budgets.resources - 3;

const ways: Record<string, (count: number) => Promise<unknown>> = {
  plan: async (count) => plans(count),
  program: (count) => withMocks(() => repeat(count, (index) => new PostgresCluster(`c${index}`, cluster(index)))),
  floor: (count) =>
    withMocks(() => {
      repeat(count * resourcesOfCluster, (index) => {
        const metadata = { name: `config-${index}`, namespace: "default" };
        new kubernetes.core.v1.ConfigMap(`c${index}`, { metadata, data: { key: "value" } });
      });
    }),
};

function repeat(count: number, make: (index: number) => unknown): void {
  for (let index = 0; index < count; index += 1) make(index);
}

async function withMocks(make: () => void): Promise<void> {
  await pulumi.runtime.setMocks({
    call: ({ inputs }) => inputs,
    newResource: ({ name, type, inputs }) => {
      const isPassword = type === "random:index/randomPassword:RandomPassword";
      return { id: name, state: isPassword ? { ...inputs, result: generatedPassword } : inputs };
    },
  });
  await pulumi.runtime.runInPulumiStack(async () => make());
  await pulumi.runtime.disconnect();
}

async function main([way = "", count = ""]: string[]): Promise<void> {
  const work = ways[way];
  if (work === undefined || global.gc === undefined)
    throw new Error("usage: node --expose-gc clusters.ts <way> <count>");
  // As start.cjs does: no trace is translated.
  process.setSourceMapsEnabled(false);
  global.gc();
  const before = process.memoryUsage().heapUsed;
  const started = process.cpuUsage();
  const kept = await work(Number(count));
  const { user, system } = process.cpuUsage(started);
  global.gc();
  const bytes = process.memoryUsage().heapUsed - before;
  process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, bytes, kept: kept !== undefined }));
  process.exit(0);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
