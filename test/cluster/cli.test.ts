import { execFile } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { expect } from "chai";
import { listVolumes } from "../../local/node";
import { CommandLine } from "./command-line";
import { eventually } from "./kubernetes";

describe("the commands", function () {
  this.timeout("5 minutes");
  let line: CommandLine;

  beforeEach(async () => {
    line = await CommandLine.create("commands", { replicas: 2, cloud: "aws" });
  });
  afterEach(() => line.remove());

  it("bring up a cluster, say what they did, find nothing left to do, and take it down with its data kept", async () => {
    const settings = line.text();
    const before = await line.run("preview");
    expect(before.code, before.err).to.equal(2);
    expect(before.out).to.match(/a new cluster of 2 pods[\s\S]*StatefulSet/);

    const first = await line.run("up");
    expect(first.code, first.err).to.equal(0);
    expect(first.out).to.contain(`Endpoints, for all pods of namespace ${line.stack}:`);
    expect(first.out).to.contain(`postgres-1.postgres-svc.${line.stack}.svc.cluster.local:5432`);
    expect(first.err).to.match(/cloud: on-premise instead of aws/);
    // The line to paste, with its standard input closed and one statement instead of a prompt.
    const psql = /Open psql on the primary:\n\s+(.+)/.exec(first.out)?.[1] ?? "";
    const paste = `${psql.replace(" -it ", " ")} -Atqc 'create table kept (id int); select current_user'`;
    expect((await promisify(execFile)("sh", ["-c", paste])).stdout).to.equal("appuser\n");

    const second = await line.run("up");
    expect(second.code, second.err).to.equal(0);
    expect(second.out).to.contain("Nothing to change");
    // Three seconds on an idle machine; other tests run beside this one.
    expect(second.seconds).to.be.lessThan(30);
    const preview = await line.run("preview", "--format", "markdown");
    expect(preview.code, preview.err).to.equal(0);
    const comment = `<!-- kubernetes-postgres verdict: ${line.stack} -->\n\n### PostgreSQL stack \`${line.stack}\`: no changes\n`;
    expect(preview.out, "nothing but the document").to.equal(comment);

    const asked =
      /postgres-0 {2}primary {2}ready, certificate until 20\d\d-[\s\S]*postgres-1 {2}replica {2}ready, streaming, .* behind, certificate until/;
    const status = await eventually("the pods' words", async () => {
      const found = await line.run("status");
      expect(found.code, found.err).to.equal(0);
      return asked.test(found.out) ? found : undefined;
    });

    const password = await line.namespace.kubectl(
      ...["get", "secret", "postgres-secret", "-o", "jsonpath={.data.POSTGRES_PASSWORD}"],
    );
    const secret = Buffer.from(password, "base64").toString();
    expect(secret).to.have.length(32);
    for (const { out, err } of [before, first, second, preview, status]) expect(out + err).to.not.contain(secret);
    expect(line.text(), "the user's own settings file").to.equal(settings);

    const down = await line.run("down");
    expect(down.code, down.err).to.equal(0);
    expect(await line.namespace.pods()).to.deep.equal([]);
    expect(Object.keys(await line.namespace.claims())).to.deep.equal(["data-postgres-0", "data-postgres-1"]);
    const onData =
      /a cluster of 2 pods, on data from before[\s\S]*from the volumes of data-postgres-0, data-postgres-1\n/;
    expect((await line.run("preview")).out).to.match(onData);
    const again = await line.run("up");
    expect(again.code, again.err).to.equal(0);
    expect(await line.namespace.psql("postgres-0", "select count(*) from kept")).to.equal("0");
    const gone = await line.run("down", "--volumes");
    expect(gone.code, gone.err).to.equal(0);
    expect(await line.namespace.claims()).to.deep.equal({});
  });

  it("end at settings that cannot work, with all of them, no stack trace, and nothing made", async () => {
    line.write({
      namespace: line.stack,
      cloud: "moon",
      replicas: -1,
      storageSize: "10",
      parameters: { shared_bufers: "1GB" },
    });
    for (const command of ["preview", "up"]) {
      const { code, out, err } = await line.run(command);
      expect(code).to.equal(1);
      expect(out + err).to.match(/4 settings cannot work:[\s\S]*cloud[\s\S]*What to do/);
      expect(out + err).to.not.match(/\n\s+at \S+/);
    }
    expect(await line.namespace.kubectl("get", "namespaces", "-o", "name")).to.not.contain(line.stack);
    line.write({ namespace: line.stack });
  });

  it("say what only a server can refuse: up is done, and status names it until it is mended", async () => {
    const settings = {
      namespace: line.stack,
      replicas: 1,
      resources: { requests: { cpu: "50m", memory: "128Mi" } },
    };
    line.write(settings);
    expect((await line.run("up")).code).to.equal(0);
    line.write({ ...settings, parameters: { timezone: "Mars/Phobos" } });
    const up = await line.run("up");
    expect(up.code, up.err).to.equal(0);
    expect(up.out).to.contain(`npm run status -- --stack ${line.stack} says what a pod does not take over, and why.`);
    const notices = async (): Promise<string> => {
      const { out } = await line.run("status", "--json");
      return JSON.parse(out).pods[0].notices?.join("\n") ?? "(it did not answer)";
    };
    await eventually("the server's words", async () =>
      /TimeZone.*Mars\/Phobos/.test(await notices()) ? true : undefined,
    );
    const shown = /\n {6}the new settings are not valid, the previous ones stay: /;
    await eventually("them in words", async () => (shown.test((await line.run("status")).out) ? true : undefined));
    line.write(settings);
    expect((await line.run("up")).code).to.equal(0);
    await eventually("silence", async () => ((await notices()) === "" ? true : undefined));

    await line.namespace.kubectl("delete", "service", "postgres-primary");
    expect((await line.run("status")).out).to.match(
      /Service postgres-primary is missing, .*npm run up -- --stack \S+ makes it anew/,
    );
  });

  it("refuse an option they do not know, and name those they do", async () => {
    const { code, err } = await line.run("up", "--stak", "prod");
    expect(code).to.equal(2);
    expect(err).to.match(/--stak[\s\S]*--stack/);
  });

  it("interrupted by Ctrl-C leave a state from which the next up continues", async () => {
    const up = line.start("up");
    await eventually("the first pod", async () => ((await line.namespace.pods()).length > 0 ? true : undefined), 90);
    // A terminal sends it to every process of the group.
    process.kill(-(up.child.pid ?? 0), "SIGINT");
    const { err } = await up.finished;
    expect(err).to.match(/the same command continues from here/);
    const next = await line.run("up");
    expect(next.code, next.err).to.equal(0);
    await line.namespace.allStreaming("postgres-1");
  });

  it("killed leave a state from which the next up continues", async () => {
    const up = line.start("up");
    await eventually("the first pod", async () => ((await line.namespace.pods()).length === 1 ? true : undefined), 90);
    process.kill(-(up.child.pid ?? 0), "SIGKILL");
    await up.finished;
    const next = await line.run("up");
    expect(next.code, next.err).to.equal(0);
    await line.namespace.allStreaming("postgres-1");
  });

  it("refuse what would lose data on a live stack, all at once, and say how it is done", async () => {
    const write = (settings: Record<string, unknown>): void =>
      line.write({
        namespace: line.stack,
        replicas: 1,
        resources: { requests: { cpu: "50m", memory: "128Mi" } },
        ...settings,
      });
    write({ keepVolumes: false });
    expect((await line.run("up")).code).to.equal(0);
    await line.namespace.psql("postgres-0", "create table kept (id int)");
    const pod = await line.namespace.pod("postgres-0");

    const volumes = () => listVolumes(`${line.stack}-postgres-local-storage`);
    const provided = await volumes();
    expect(provided).to.not.be.empty;
    write({ keepVolumes: false, podManagementPolicy: "Parallel", createNamespace: false, replicas: 5 });
    for (const command of ["preview", "up"]) {
      const { code, out, err } = await line.run(command);
      expect(code).to.equal(1);
      expect(out + err).to.match(/2 settings cannot work[\s\S]*podManagementPolicy[\s\S]*createNamespace/);
    }
    expect(await volumes()).to.deep.equal(provided);
    write({});
    const down = await line.run("down");
    expect(down.code).to.equal(1);
    expect(down.err).to.match(/keepVolumes: "true"[\s\S]*npm run up/);

    // Settings that name what is not this stack's, or of another stack that name what is.
    write({ namespace: `${line.stack}-moved` });
    const moved = await line.run("down", "--volumes");
    expect(moved.code).to.equal(1);
    expect(moved.err).to.match(/namespace[\s\S]*was deployed with test-commands-\w+:[\s\S]*Set it back/);
    write({ keepVolumes: false });
    const other = `${line.stack}-other`;
    const otherFile = line.file.replace(line.stack, other);
    copyFileSync(line.file, otherFile);
    try {
      const taken = await line.run("up", "--stack", other);
      expect(taken.code).to.equal(1);
      expect(taken.err).to.contain(`Stack ${line.stack} has its cluster postgres or its data there.`);
    } finally {
      rmSync(otherFile);
    }
    write({});
    expect((await line.namespace.pod("postgres-0")).metadata.uid).to.equal(pod.metadata.uid);
    await line.namespace.psql("postgres-0", "insert into kept values (1)");

    // The ways that the messages name.
    expect((await line.run("up")).code).to.equal(0);
    write({ createNamespace: false });
    expect((await line.run("preview")).out).to.match(/keep +Namespace/);
    expect((await line.run("up")).err).to.match(/kept Namespace/);
    // What is not deployed decides nothing.
    write({ createNamespace: false, keepVolumes: false });
    const gone = (await line.run("down")).out;
    expect(gone)
      .to.match(/is gone\. Its data stays/)
      .and.to.contain(`npm run down -- --stack ${line.stack} --volumes deletes it`);
    expect((await line.run("status")).out).to.contain(`npm run up -- --stack ${line.stack} deploys it`);
    write({ podManagementPolicy: "Parallel" });
    expect((await line.run("up")).code).to.equal(0);
    expect(await line.namespace.psql("postgres-0", "select id from kept")).to.equal("1");

    // Once the data went with the stack, nobody looks for it any more.
    write({ podManagementPolicy: "Parallel", keepVolumes: false });
    expect((await line.run("up")).code).to.equal(0);
    expect((await line.run("down")).out).to.contain("Its data went with it");
    expect((await line.run("down", "--volumes")).out).to.contain("It is not known where data of it could be");
  });

  it("refuse to delete a protected stack, and say how it is done", async () => {
    line.write({
      namespace: line.stack,
      replicas: 1,
      protect: true,
      resources: { requests: { cpu: "50m", memory: "128Mi" } },
    });
    expect((await line.run("up")).code).to.equal(0);
    const { code, err } = await line.run("down", "--volumes");
    expect(code).to.equal(1);
    expect(err).to.match(/protected[\s\S]*kubernetes-postgres:protect/);
    expect(await line.namespace.psql("postgres-0", "select 1")).to.equal("1");
    line.write({ namespace: line.stack, replicas: 1, resources: { requests: { cpu: "50m", memory: "128Mi" } } });
    expect((await line.run("up")).code).to.equal(0);
  });
});
