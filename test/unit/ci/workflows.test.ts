import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parseCommandLine } from "../../../local/arguments";
import { at, listAt, parseJson, textAt } from "../../../local/tools/json";
import { versions } from "../../../local/tools/tools";
import { gitHubJobs, gitHubWorkflows, gitLabJobs, gitLabPipeline, type Job } from "../../workflows";
import { root } from "../plan";

const packageJson = parseJson(readFileSync(join(root, "package.json"), "utf8"));
const jobs = [...gitHubJobs(), ...gitLabJobs()];
// Those of the project: a copy that somebody tries things with is not.
const files = execFileSync("git", ["ls-files", "Pulumi.*.yaml"], { cwd: root, encoding: "utf8" }).split("\n");
const stacks = files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);

/** The words of every command of package.json that a job runs. */
function commands({ lines }: Job): string[][] {
  return lines.flatMap((line) =>
    [...line.matchAll(/\bnpm run (?:--silent )?([^|&>]+)/g)].map(([, words = ""]) =>
      words
        .replaceAll('"', "")
        .split(/\s+/)
        .filter((word) => word !== "" && word !== "--" && !/^\d?$/.test(word)),
    ),
  );
}

/** The commands that tests run: the tiers themselves, and those that a test starts by their names. */
function testedCommands(): Set<string> {
  const folder = join(root, "test");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8"));
  const started = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:run|npm)\("([a-z:]+)"/g)].map(([, name = ""]) => name),
  );
  return new Set([...started, "test:check", "test:unit"]);
}

describe("the jobs of CI", () => {
  const used = jobs.flatMap((job) => commands(job).map((words): [string, string[]] => [job.name, words]));

  it("run commands of package.json that the tests run, too", () => {
    expect(used.length).to.be.greaterThan(15);
    const tested = testedCommands();
    for (const [job, [name = ""]] of used) {
      expect(textAt(packageJson, "scripts", name), `${job}: npm run ${name}`).to.be.a("string");
      expect(tested.has(name), `${job}: a test that runs npm run ${name}`).to.equal(true);
    }
  });

  it("give commands on a cluster options that they know, and choose the cluster", () => {
    const onCluster = used.filter(([, [name = ""]]) => ["up", "preview"].includes(name));
    expect(onCluster.length).to.be.greaterThan(6);
    for (const [job, words] of onCluster) {
      expect(parseCommandLine(words, {}).cluster, job).to.equal("current");
    }
  });

  it("look at every stack of the project", () => {
    const matrices = jobs.flatMap(({ name, job }) => {
      const gitHub = listAt(job, "strategy", "matrix", "stack");
      const gitLab = listAt(job, "parallel", "matrix", 0, "STACK");
      const list = gitHub.length > 0 ? gitHub : gitLab;
      return list.length > 0 ? [[name, list] as const] : [];
    });
    expect(matrices.map(([name]) => name)).to.have.members([
      "preview/policy",
      "preview/preview",
      "drift/drift",
      "policy",
      "preview",
      "drift",
    ]);
    for (const [name, list] of matrices) expect(list, name).to.have.members(stacks);
  });

  it("use the versions that the project is tested with", () => {
    const lines = jobs.flatMap((job) => job.lines).join("\n");
    const random = textAt(packageJson, "dependencies", "@pulumi/random");
    const installed = [...lines.matchAll(/plugin install resource (\S+) (\S+)/g)].map(([, name, version]) => [
      name,
      version,
    ]);
    const wanted = [
      ["kubernetes", versions.kubernetesProvider],
      ["random", random],
    ];
    expect(installed).to.deep.include.members(wanted);
    for (const one of installed) expect(wanted).to.deep.include(one);
    const prepare = jobs.find(({ name }) => name === "prepare")?.job;
    const pulumi = listAt(prepare, "runs", "steps").map((step) => textAt(step, "with", "pulumi-version"));
    expect(pulumi).to.include(versions.pulumi);
    expect(textAt(gitLabPipeline(), "default", "image", "name")).to.equal(`pulumi/pulumi:${versions.pulumi}`);
  });

  it("refuse to keep the state on a machine that is thrown away", () => {
    const onCluster = jobs.filter((job) => commands(job).some(([name]) => name === "up" || name === "preview"));
    for (const { name, lines, uses } of onCluster) {
      const prepared = lines.some((line) => line.includes('test -n "$PULUMI_BACKEND_URL"'));
      expect(prepared || uses.includes("./.github/actions/prepare"), name).to.equal(true);
    }
    const prepare = jobs.find(({ name }) => name === "prepare")?.lines.join("\n");
    expect(prepare).to.match(/-z "\$BACKEND"[\s\S]*exit 1/);
  });
});

describe("GitHub's workflows", () => {
  it("may only read, but for the job that comments and the one that opens issues", () => {
    for (const [name, workflow] of gitHubWorkflows())
      expect(at(workflow, "permissions"), name).to.deep.equal({ contents: "read" });
    const more = gitHubJobs().flatMap(({ name, job }) =>
      at(job, "permissions") ? [[name, at(job, "permissions")]] : [],
    );
    expect(Object.fromEntries(more)).to.deep.equal({
      "preview/preview": { contents: "read", "pull-requests": "write" },
      "drift/drift": { contents: "read", issues: "write" },
    });
  });

  it("use actions by the commit, and leave no token in the checkout", () => {
    for (const { name, uses, job } of gitHubJobs()) {
      for (const action of uses) expect(action, name).to.match(/^(\.\/|[\w-]+\/[\w-]+@[0-9a-f]{40}$)/);
      for (const step of listAt(job, "steps")) {
        if (textAt(step, "uses")?.startsWith("actions/checkout@"))
          expect(at(step, "with", "persist-credentials"), name).to.equal(false);
      }
    }
  });

  it("give a pull request secrets only where it is not a fork's, and never run with the target's rights", () => {
    for (const [, workflow] of gitHubWorkflows()) expect(at(workflow, "on", "pull_request_target")).to.equal(undefined);
    const preview = at(gitHubWorkflows().get("preview"), "jobs");
    const withSecrets = Object.entries(preview ?? {}).filter(([, job]) => JSON.stringify(job).includes("secrets."));
    expect(withSecrets.map(([name]) => name)).to.deep.equal(["preview"]);
    expect(textAt(preview, "preview", "if")).to.equal(
      "github.event.pull_request.head.repo.full_name == github.repository",
    );
  });

  it("deploy prod after dev, in its environment, which asks for approval; two runs never at once", () => {
    const deploy = at(gitHubWorkflows().get("deploy"), "jobs");
    expect([at(deploy, "prod-verdict", "needs"), at(deploy, "prod", "needs")]).to.deep.equal(["dev", "prod-verdict"]);
    for (const stack of ["dev", "prod"]) {
      expect(at(deploy, stack, "environment")).to.equal(stack);
      expect(at(deploy, stack, "concurrency")).to.deep.equal({ group: `deploy-${stack}`, "cancel-in-progress": false });
    }
  });
});

describe("GitLab's pipeline", () => {
  const job = (name: string): unknown => gitLabJobs().find((one) => one.name === name)?.job;

  it("deploys prod by hand, one deployment of a stack at a time", () => {
    expect(at(job("deploy-prod"), "rules", 0, "when")).to.equal("manual");
    expect(at(job("deploy-prod"), "needs")).to.deep.equal(["prod-verdict"]);
    for (const stack of ["dev", "prod"]) {
      expect(at(job(`deploy-${stack}`), "resource_group")).to.equal(`deploy-${stack}`);
      expect(at(job(`deploy-${stack}`), "environment", "name")).to.equal(stack);
    }
  });

  it("previews no merge request of a fork, and every job has a script and a rule", () => {
    expect(textAt(job("preview"), "rules", 0, "if")).to.contain(
      "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID",
    );
    for (const one of gitLabJobs()) {
      expect(listAt(one.job, "script"), one.name).to.have.length.greaterThan(0);
      expect(listAt(one.job, "rules"), one.name).to.have.length.greaterThan(0);
      expect(listAt(gitLabPipeline(), "stages"), one.name).to.include(at(one.job, "stage"));
    }
  });
});
