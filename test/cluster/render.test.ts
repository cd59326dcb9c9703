import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { stringify } from "yaml";
import { clouds } from "../../components/postgres/args";
import { ensureVolumes, postgresImage, releaseVolumes } from "../../local/node";
import { projectFolder } from "../../local/pulumi/paths";
import { readPlainSettings, withSettings } from "../../local/pulumi/stack-file";
import { renderStack } from "../../local/render/render";
import { kubeconform, writeStrictSchemas } from "../tools/kubeconform";
import { Namespace } from "./kubernetes";
import { embeddedNode } from "./stack";

const execute = promisify(execFile);

/** Keys that exist, by cloud. */
const keys = {
  aws: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  gcp: "projects/my-project/locations/europe-west3/keyRings/postgres/cryptoKeys/volumes",
  azure:
    "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/mine/providers/Microsoft.Compute/diskEncryptionSets/set",
};

const further = {
  name: "orders",
  roles: [{ name: "reporting", memberOf: ["pg_read_all_data"] }],
  databases: [{ name: "warehouse", owner: "reporting" }],
  synchronousReplicas: 1,
  keepVolumes: false,
};

describe("the rendered manifests", function () {
  this.timeout("5 minutes");
  const name = `render-${randomBytes(3).toString("hex")}`;
  let folder = "";
  let kubeconfig = "";
  let kubectl = "";
  let namespace: Namespace;

  before(async () => {
    const { tools, node } = await embeddedNode();
    ({ kubeconfig } = node);
    ({ kubectl } = tools);
    namespace = new Namespace(name, kubectl, kubeconfig);
    folder = mkdtempSync(join(tmpdir(), "render-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  describe("of dev and prod for every cloud", () => {
    const [all, schemas] = ["all", "schemas"];
    let count = 0;

    before(async () => {
      await namespace.kubectl("create", "namespace", name);
      for (const stack of ["dev", "prod"]) {
        for (const cloud of clouds) {
          const config = withSettings(readPlainSettings(stack), { cloud, namespace: name });
          await renderStack({ stack, folder: join(folder, all, `${stack}-${cloud}`), config });
          const more = withSettings(config, further);
          if (cloud === "aws")
            await renderStack({ stack, folder: join(folder, all, `${stack}-further`), config: more });
        }
      }
      for (const [cloud, keyId] of Object.entries(keys)) {
        const config = withSettings(readPlainSettings("dev"), { cloud, namespace: name, encryption: { keyId } });
        await renderStack({ stack: "dev", folder: join(folder, all, `dev-${cloud}-key`), config });
      }
      const files = readdirSync(join(folder, all), { recursive: true, encoding: "utf8" });
      count = files.filter((path) => path.endsWith(".yaml")).length;
      expect(count).to.be.greaterThan(90);
      const openapi: unknown = JSON.parse(await namespace.kubectl("get", "--raw", "/openapi/v2"));
      writeStrictSchemas(openapi, join(folder, schemas));
    });
    after(async () => {
      await namespace.remove();
    });

    it("are valid by Kubernetes' own schemas, which know every field", async () => {
      const { code, stdout } = await kubeconform(join(folder, all), join(folder, schemas));
      expect(code, stdout).to.equal(0);
      expect(stdout).to.include(`${count} resources found in ${count} files - Valid: ${count}, Invalid: 0`);
    });

    it("would not be if a field were unknown, or of another type", async () => {
      const broken = join(folder, "broken");
      cpSync(join(folder, all, "prod-aws"), broken, { recursive: true });
      const change = (file: string, from: string, to: string): void => {
        const text = readFileSync(join(broken, file), "utf8");
        expect(text).to.include(from);
        writeFileSync(join(broken, file), text.replace(from, to));
      };
      change("80-stateful-set-postgres.yaml", "readOnly: true", "readOnyl: true");
      change("60-pod-disruption-budget-postgres.yaml", "maxUnavailable: 1", "maxUnavailable: [1]");
      change("50-service-postgres-svc.yaml", "port: 5432", "port: five");
      const { code, stdout } = await kubeconform(broken, join(folder, schemas));
      expect(code).to.equal(1);
      expect(stdout).to.match(/StatefulSet postgres is invalid.*'readOnyl' not allowed/);
      expect(stdout).to.match(/PodDisruptionBudget postgres is invalid.*maxUnavailable/);
      expect(stdout).to.match(/Service postgres-svc is invalid.*got string, want integer/);
      expect(stdout).to.match(/Invalid: 3, Errors: 0/);
    });

    it("are accepted by an API server", async () => {
      const apply = ["apply", "--dry-run=server", "--validate=strict", "-o", "name", "-R", "-f"];
      const accepted = (await namespace.kubectl(...apply, join(folder, all))).trim().split("\n");
      expect(accepted).to.have.length(count);
    });

    it("are refused while the ARN of a key is missing, and accepted with it", async () => {
      const config = withSettings(readPlainSettings("prod"), { namespace: name, encryption: { createKey: true } });
      const own = join(folder, "own-key");
      await renderStack({ stack: "prod", folder: own, config });
      const file = join(own, "before-first-start", `20-storage-class-${name}-postgres-gp3-kms.yaml`);
      const apply = (): Promise<string> => namespace.kubectl("apply", "--dry-run=server", "-o", "name", "-f", file);
      const refusal = await apply().then(
        () => "",
        (error: Error) => error.message,
      );
      expect(refusal).to.match(/cannot unmarshal array into Go struct field StorageClass.parameters of type string/);
      const fill = /^ {4}(sed .*) \| kubectl apply -f -$/m.exec(readFileSync(join(own, "README.md"), "utf8"))?.[1];
      const { stdout } = await execute("bash", ["-c", `key=${keys.aws}; ${fill}`], { cwd: own });
      writeFileSync(file, stdout);
      expect((await apply()).trim()).to.equal(`storageclass.storage.k8s.io/${name}-postgres-gp3-kms`);
    });
  });

  describe("applied with kubectl as their README says", () => {
    const stack = `test-${name}`;
    const file = join(projectFolder, `Pulumi.${stack}.yaml`);
    const storageClassName = `${stack}-postgres-local-storage`;
    const manifests = (): string => join(folder, "applied");
    let cluster: Namespace;

    before(async () => {
      cluster = new Namespace(stack, kubectl, kubeconfig);
      const resources = { requests: { cpu: "50m", memory: "128Mi" } };
      const settings = { namespace: stack, image: postgresImage, resources };
      const config = Object.entries(settings).map(([key, value]) => [`kubernetes-postgres:${key}`, value]);
      writeFileSync(file, stringify({ config: Object.fromEntries(config) }));
      await ensureVolumes({ storageClassName, size: "10Gi", count: 3 });
    });
    after(async () => {
      await cluster.remove();
      await cluster.kubectl("delete", "storageclass", storageClassName, "--ignore-not-found");
      await releaseVolumes(storageClassName);
      rmSync(file);
    });

    it("give ready pods that stream, and nothing is left to apply", async () => {
      const render = ["run", "--silent", "render", "--", "--stack", stack, "--out", manifests()];
      const { stdout } = await execute("npm", render, { cwd: projectFolder });
      expect(stdout).to.include(`manifests of stack ${stack} are in ${manifests()}, without passwords`);

      const readme = readFileSync(join(manifests(), "README.md"), "utf8");
      const commands = [...readme.matchAll(/^ {4}(\S.*)$/gm)].map(([, line]) => line);
      expect(commands).to.have.length(7);
      const own = `kubectl() { '${kubectl}' --kubeconfig '${kubeconfig}' "$@"; }`;
      await execute("bash", ["-ec", [own, ...commands].join("\n")], { cwd: manifests() });

      await cluster.allStreaming("postgres-1", "postgres-2");
      await cluster.psql("postgres-0", "create table visits (id int); insert into visits values (1)");
      // It fails where applying once more would change something.
      expect(await cluster.kubectl("diff", "-f", manifests())).to.equal("");
      expect(await cluster.kubectl("get", "configmap", "postgres-latch", "-o", "name")).to.include("postgres-latch");
    });
  });
});
