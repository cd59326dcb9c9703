import { join } from "node:path";
import { ComponentProvider } from "@pulumi/pulumi/provider/experimental";
import { PostgresCluster } from "../../components";

const folder = join(__dirname, "..", "..", "components");

/** The component's schema as Pulumi's own analyzer reads it from the types, for programs in other languages. */
export async function componentSchema(): Promise<{ file: string; text: string }> {
  const provider = new ComponentProvider({
    name: "kubernetes-postgres",
    dirname: folder,
    components: [PostgresCluster],
  });
  const schema: unknown = JSON.parse(await provider.getSchema());
  return { file: join(folder, "schema.json"), text: `${JSON.stringify(schema, null, 2)}\n` };
}
