import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findCommand, missingPackages } from "../../../local/tools/debian";
import { buildFolder } from "../../../local/tools/go-build";
import { home, nodeHome, toolsHome } from "../../../local/tools/home";
import { at, listAt, parseJson, textAt } from "../../../local/tools/json";
import { run, runOrThrow, until } from "../../../local/tools/run";
import {
  kubernetesBuild,
  networkPoliciesBuild,
  pauseBuild,
  providerBuild,
  pulumiBuild,
  versions,
} from "../../../local/tools/tools";

/** Runs `work` with these variables of the environment set or removed. */
function withEnv<T>(variables: Record<string, string | undefined>, work: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(variables)) set(name, value);
  try {
    return work();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

describe("tools", () => {
  describe("home", () => {
    it("is the chosen folder, else below the user's data folder", () => {
      expect(withEnv({ KUBERNETES_POSTGRES_HOME: "/srv/kp" }, nodeHome)).to.equal("/srv/kp/node");
      const data = { KUBERNETES_POSTGRES_HOME: undefined, XDG_DATA_HOME: "/data" };
      expect(withEnv(data, toolsHome)).to.equal("/data/kubernetes-postgres/tools");
      const none = { KUBERNETES_POSTGRES_HOME: "", XDG_DATA_HOME: "", HOME: "/home/someone" };
      expect(withEnv(none, home)).to.equal("/home/someone/.local/share/kubernetes-postgres");
    });
  });

  describe("versions", () => {
    const goMod = (folder: string): string => readFileSync(join(folder, "go.mod"), "utf8");
    it("are those of the go.mod files", () => {
      const kubernetes = goMod(kubernetesBuild.source);
      expect(kubernetes).to.include(`k8s.io/kubernetes v${versions.kubernetes}\n`);
      expect(kubernetes).to.match(new RegExp(`k8s.io/client-go v0${versions.kubernetes.slice(1)}\\n`));
      expect(goMod(networkPoliciesBuild.source)).to.include(`kube-network-policies v${versions.networkPolicies}\n`);
      expect(goMod(pulumiBuild.source)).to.include(`github.com/pulumi/pulumi/pkg/v3 v${versions.pulumi}`);
    });

    it("of the SDKs are those of the engine and the provider", () => {
      const pinned = parseJson(readFileSync(join(__dirname, "..", "..", "..", "package.json"), "utf8"));
      expect(textAt(pinned, "dependencies", "@pulumi/pulumi")).to.equal(versions.pulumi);
      expect(textAt(pinned, "dependencies", "@pulumi/kubernetes")).to.equal(versions.kubernetesProvider);
    });
  });

  describe("build folder", () => {
    let copy: string;
    beforeEach(() => {
      copy = mkdtempSync(join(tmpdir(), "build-"));
      cpSync(pauseBuild.source, copy, { recursive: true });
    });
    afterEach(() => rmSync(copy, { recursive: true }));

    it("depends on what the source says, not on where it lies", () => {
      expect(buildFolder({ ...pauseBuild, source: copy })).to.equal(buildFolder(pauseBuild));
    });

    it("changes with source, versions and flags, but not with files that a build makes", () => {
      const before = buildFolder({ ...pauseBuild, source: copy });
      writeFileSync(join(copy, "schema.json"), "{}");
      expect(buildFolder({ ...pauseBuild, source: copy })).to.equal(before);
      expect(buildFolder({ ...pauseBuild, source: copy, variables: ["main.version=2"] })).to.not.equal(before);
      writeFileSync(join(copy, "go.sum"), "changed");
      expect(buildFolder({ ...pauseBuild, source: copy })).to.not.equal(before);
    });

    it("is another for each program", () => {
      const builds = [kubernetesBuild, networkPoliciesBuild, pulumiBuild, providerBuild, pauseBuild];
      expect(new Set(builds.map(buildFolder)).size).to.equal(builds.length);
    });
  });

  describe("Debian packages", () => {
    it("are missing only where their command or file is", () => {
      const packages = [
        { name: "bash", provides: "bash" },
        { name: "passwd-file", provides: "/etc/passwd" },
        { name: "absent", provides: "no-such-command" },
        { name: "absent-file", provides: "/no/such/file" },
      ];
      expect(missingPackages(packages).map((missing) => missing.name)).to.deep.equal(["absent", "absent-file"]);
      expect(findCommand("sh")).to.match(/\/sh$/);
    });
  });

  describe("running programs", () => {
    it("gives exit code, outputs and lines, and feeds the input", async () => {
      const lines: string[] = [];
      const script = "cat; echo bad >&2; exit 3";
      const result = await run("sh", ["-c", script], { input: "one\ntwo\n", onLine: (line) => lines.push(line) });
      expect(result).to.deep.equal({ code: 3, stdout: "one\ntwo\n", stderr: "bad\n" });
      expect(lines).to.have.members(["one", "two", "bad"]);
    });

    it("reports a failure with the program's last words and no stack trace", async () => {
      const error = await runOrThrow("sh", ["-c", "echo the disk is full >&2; exit 1"]).catch((e: unknown) => e);
      expect(String(error)).to.include("ended with code 1").and.include("the disk is full");
    });

    it("says which program could not be started", async () => {
      const error = await run("/no/such/program", []).catch((e: unknown) => e);
      expect(String(error)).to.include("/no/such/program could not be started");
    });

    it("ends at its time also where what the program started lives on", async () => {
      const begun = Date.now();
      const { code, stdout } = await run("sh", ["-c", "echo begun; sleep 9 & wait"], { timeoutMs: 1_000 });
      expect([code, stdout]).to.deep.equal([137, "begun\n"]);
      expect(Date.now() - begun).to.be.lessThan(7_000);
    });

    it("stops asking when time is up", async () => {
      let asked = 0;
      expect(await until(() => ++asked === 3, 1_000, 1)).to.equal(true);
      expect(await until(() => false, 5, 1)).to.equal(false);
    });
  });

  it("reads JSON of unknown shape", () => {
    const value = parseJson('{"items":[{"name":"a"},7,null]}');
    expect(textAt(value, "items", 0, "name")).to.equal("a");
    expect(textAt(value, "items", 1, "name")).to.equal(undefined);
    expect(at(value, "items", 2, "name", "deeper")).to.equal(undefined);
    expect(listAt(value, "items")).to.have.length(3);
    expect(listAt(value, "nothing")).to.deep.equal([]);
  });
});
