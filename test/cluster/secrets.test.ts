import { readFileSync, statSync } from "node:fs";
import { expect } from "chai";
import { paths as nodePaths } from "../../local/node/settings";
import { containerProcesses } from "./faults/processes";
import { eventually } from "./kubernetes";
import { coreLimits, crash, dumps, restartContainer } from "./secrets/crash";
import { Life } from "./secrets/life";
import { descriptions, filesInPod, logFolders, logs, objects, openFiles } from "./secrets/places";
import { plants } from "./secrets/plants";
import { Sampling } from "./secrets/sampling";

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe("secret values", function () {
  this.timeout("5 minutes");
  let life: Life;
  const pods = ["postgres-0", "postgres-1"];

  before(async function () {
    this.timeout("15 minutes");
    life = await Life.start();
    await life.begin();
    await life.deployApp();
    await life.change();
    await life.deployApp();
    await life.cloneAgain();
    await life.ask();
  });
  after(() => life.remove());

  it("are outputs that are marked secret, and no other output is", async () => {
    const outputs = await (await life.workspace()).stack.outputs();
    const secret = Object.entries(outputs).filter(([, output]) => output.secret);
    expect(secret.map(([name]) => name)).to.have.members(["passwords", "connectionUri", "readOnlyUri"]);
    for (const [name, { value }] of secret) expect(life.values.in(JSON.stringify(value)), name).to.not.be.empty;
    const others = Object.entries(outputs).filter(([, output]) => !output.secret);
    expect(life.values.in(JSON.stringify(others))).to.deep.equal([]);
  });

  it("are in no file of the state, but for its passphrase, and the state is this user's alone", async () => {
    const { paths } = await life.workspace();
    expect(await life.inState()).to.deep.equal([`${paths.passphrase}: passphrase (plain)`]);
    expect([paths.passphrase, life.line.folder, paths.state].map(mode)).to.deep.equal(["600", "700", "700"]);
  });

  it("are in nothing that a command prints", () => {
    expect(life.values.inAll(life.printed)).to.deep.equal([]);
  });

  it("are in no rendered manifest", async () => {
    expect(await life.values.inFiles(life.manifests())).to.deep.equal([]);
  });

  it("are in no memory that a crash writes down: of a session, of the server, of the supervisor", async () => {
    const { namespace } = life;
    const uid = async (): Promise<string> => (await namespace.pod("postgres-0")).metadata.uid;
    const limits = coreLimits(await uid());
    expect(limits.length, "processes").to.be.greaterThan(5);
    expect(limits.filter((limit) => !limit.endsWith(": 0 0"))).to.deep.equal([]);
    await crash(namespace, "postgres-0");
    await restartContainer(namespace, "postgres-0");
    expect(await dumps(namespace, "postgres-0", await life.volumes())).to.deep.equal([]);
    const said = (await logs(namespace)).map(([, log]) => log).join();
    expect(said).to.contain("Segmentation fault").and.not.contain("core dumped");
  });

  it("are in no object of Kubernetes but Secrets, no event, and no description", async () => {
    const kinds = new Set<string | undefined>();
    for (const namespace of life.namespaces()) {
      const found = await objects(namespace);
      for (const [where] of found) kinds.add(where.split(" ")[0]);
      expect(life.values.inAll(found)).to.deep.equal([]);
      expect(life.values.inAll(await descriptions(namespace))).to.deep.equal([]);
    }
    expect([...kinds]).to.include.members(["Pod", "ConfigMap", "Event", "ControllerRevision", "PersistentVolume"]);
    expect([...kinds]).to.not.include("Secret");
  });

  it("are in no log of a pod, whatever the server is told to log, and neither is what a password is checked by", async () => {
    for (const namespace of life.namespaces()) {
      const found = await logs(namespace);
      expect(life.values.inAll(found)).to.deep.equal([]);
      expect(found.map(([, log]) => log).join()).to.not.match(/SCRAM-SHA-256\$\d/);
      expect(await life.values.inFiles(...logFolders(namespace))).to.deep.equal([]);
    }
    // There was something to be seen.
    const before = (await logs(life.namespace)).find(([where]) => where === "log of postgres-0 --previous");
    expect(before?.[1]).to.match(/statement: SET log_statement/i);
  });

  it("are in no log of the node's servers", async () => {
    expect(await life.values.inFiles(nodePaths().logs)).to.deep.equal([]);
  });

  it("are in the arguments and the environment of no process, and in no temporary file, at any moment", async () => {
    expect(await life.sampling.programs()).to.include.members(["pulumi", "kubectl", "initdb", "pg_basebackup", "psql"]);
    expect(await life.sampling.found(life.values)).to.deep.equal([]);
  });

  it("are in files of a pod that are in memory, and that others cannot read", async () => {
    for (const pod of pods) {
      const files = await filesInPod(life.namespace, pod, life.values.needles);
      const names = files.map(({ path }) => path.split("/").at(-1));
      expect(names).to.include.members(["POSTGRES_PASSWORD", "REPLICATION_PASSWORD", "ca.key", "replicator.pgpass"]);
      expect(openFiles(files)).to.deep.equal([]);
    }
  });

  it("are on no volume, but for the key of the volume's own server", async () => {
    const found = await life.onVolumes();
    const files = new Set(found.map((hit) => hit.slice(0, hit.indexOf(": "))));
    for (const file of files) {
      expect(file).to.match(/\/\.tls\.[\d.]+\/tls\.key$/);
      expect(mode(file), file).to.equal("600");
    }
    // Those of both servers, and of the one that has lost its volume.
    expect(files.size).to.equal(3);
    expect(found.filter((hit) => !hit.includes(": server's key of "))).to.deep.equal([]);
  });

  it("reach an app as a file of its own Secret, which its environment only names", async () => {
    const { app, password } = life;
    if (app === undefined) throw new Error("there is no app");
    const handedOn = async () => ((await app.password()) === password ? true : undefined);
    await eventually("the renewed password in the app's file", handedOn, 120);
    const { uid } = (await app.namespace.pod((await app.pod()).name)).metadata;
    const environment = containerProcesses(uid).map(({ pid }) => readFileSync(`/proc/${pid}/environ`, "latin1"));
    expect(environment.join()).to.contain("PGSERVICEFILE=/etc/database/");
    expect(life.values.in(environment.join())).to.deep.equal([]);
  });

  describe("are found where they are put:", () => {
    for (const { place, plant } of plants) {
      it(place, async () => {
        const { find, remove } = await plant(life);
        try {
          expect(await find()).to.not.deep.equal([]);
        } finally {
          await remove();
        }
        expect(await find()).to.deep.equal([]);
      });
    }
  });

  describe("when the stack is taken down", () => {
    it("are in nothing that is printed or left, and in no process meanwhile", async () => {
      const { paths } = await life.workspace();
      const sampling = await Sampling.start(life.temporary);
      try {
        await life.run(0, "down");
        expect(await sampling.found(life.values)).to.deep.equal([]);
      } finally {
        sampling.stop();
      }
      expect(life.values.inAll(life.printed)).to.deep.equal([]);
      expect(await life.inState()).to.deep.equal([`${paths.passphrase}: passphrase (plain)`]);
      expect(await life.values.inFiles(nodePaths().logs)).to.deep.equal([]);
    });
  });
});
