import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import { writeConfigFiles } from "../../../local/node/config-files";
import { parseTasks } from "../../../local/node/containers";
import { mountsBelow } from "../../../local/node/mounts";
import { freePrefix } from "../../../local/node/network";
import { writeOciLayout } from "../../../local/node/oci";
import { processStartTime } from "../../../local/node/processes";
import { network, networkChoices, paths } from "../../../local/node/settings";
import { namesToMake, type Volume, volumesToReattach } from "../../../local/node/volumes";
import { listAt, parseJson, textAt } from "../../../local/tools/json";
import { runOrThrow } from "../../../local/tools/run";

describe("node", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "node-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describe("network", () => {
    it("is the first choice no route touches", () => {
      expect(freePrefix(["default", "192.168.1.0/24", "127.0.0.0/8"], networkChoices)).to.equal("10.213");
      expect(freePrefix(["10.213.4.0/24"], networkChoices)).to.equal("10.187");
      expect(freePrefix(["10.213.255.1"], networkChoices)).to.equal("10.187");
      expect(freePrefix(["10.0.0.0/8"], networkChoices)).to.equal("172.29");
      expect(freePrefix(["10.0.0.0/8", "172.16.0.0/12"], networkChoices)).to.equal(undefined);
    });

    it("is left alone by routes beside it", () => {
      const number = fc.integer({ min: 0, max: 255 });
      fc.assert(
        fc.property(number, number, fc.integer({ min: 16, max: 32 }), (second, third, bits) => {
          fc.pre(second !== 213);
          expect(freePrefix([`10.${second}.${third}.0/${bits}`], ["10.213"])).to.equal("10.213");
        }),
      );
    });

    it("has ranges that do not overlap", () => {
      const { address, podRange, serviceRange, apiService } = network("10.50");
      expect([address, podRange, serviceRange, apiService]).to.deep.equal([
        "10.50.255.1",
        "10.50.0.0/20",
        "10.50.128.0/20",
        "10.50.128.1",
      ]);
    });
  });

  it("finds the mounts below a folder, the innermost first, and no others", () => {
    const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime master:1 - tmpfs tmpfs rw`;
    const mountinfo = ["/", "/run/kp", "/run/kp/a", "/run/kp/a\\040b", "/run/kpother"].map(line).join("\n");
    expect(mountsBelow(mountinfo, "/run/kp")).to.deep.equal(["/run/kp/a b", "/run/kp/a", "/run/kp"]);
  });

  it("reads containerd's table of tasks", () => {
    const table = "TASK    PID     STATUS\nabc     12      RUNNING\ndef     0       STOPPED\n";
    expect(parseTasks(table)).to.deep.equal([{ id: "abc", pid: 12 }]);
    expect(parseTasks("")).to.deep.equal([]);
  });

  it("knows a process by its start time, and that there is none", () => {
    expect(processStartTime(process.pid)).to.match(/^\d+$/);
    expect(processStartTime(2 ** 30)).to.equal(undefined);
  });

  describe("volumes", () => {
    const volume = (name: string, phase: string): Volume => ({ name, phase, size: "1Gi" });
    it("are made only as far as free and used ones do not suffice", () => {
      expect(namesToMake([], "local", 2)).to.deep.equal(["local-0", "local-1"]);
      expect(namesToMake([volume("local-0", "Bound"), volume("local-1", "Available")], "local", 2)).to.deep.equal([]);
      expect(namesToMake([volume("local-1", "Bound")], "local", 3)).to.deep.equal(["local-0", "local-2"]);
    });

    it("that hold the data of a deleted claim are not counted, nor their names used again", () => {
      expect(namesToMake([volume("local-0", "Released")], "local", 1)).to.deep.equal(["local-1"]);
    });

    describe("of deleted claims", () => {
      const of = (name: string, phase: string, ordinal: number, since = "2026-01-01T00:00:00Z"): Volume => ({
        ...volume(name, phase),
        claim: { namespace: "n", name: `data-postgres-${ordinal}` },
        since,
      });
      const cases: { title: string; volumes: Volume[]; live: string[]; chosen: string[] }[] = [
        { title: "are kept for the next ones", volumes: [of("a", "Released", 0)], live: [], chosen: ["a"] },
        {
          title: "stay when a claim of that name lives, bound to another or not yet bound",
          volumes: [of("a", "Released", 1), of("b", "Bound", 1), of("c", "Released", 2)],
          live: ["n/data-postgres-1", "n/data-postgres-2"],
          chosen: [],
        },
        {
          title: "stay when another volume waits for that claim already",
          volumes: [of("a", "Released", 1), of("b", "Available", 1)],
          live: [],
          chosen: [],
        },
        {
          title: "are told apart by when they were released, the newest counts",
          volumes: [
            of("a", "Released", 1, "2026-01-02T00:00:00Z"),
            of("b", "Released", 1, "2026-01-03T00:00:00Z"),
            of("c", "Released", 1, "2026-01-01T00:00:00Z"),
            of("d", "Released", 2),
          ],
          live: ["n/data-postgres-0"],
          chosen: ["b", "d"],
        },
        { title: "stay when they failed", volumes: [of("a", "Failed", 0)], live: [], chosen: [] },
        { title: "that had none are nobody's", volumes: [volume("a", "Released")], live: [], chosen: [] },
      ];
      for (const { title, volumes, live, chosen } of cases) {
        it(title, () => {
          const names = volumesToReattach(volumes, new Set(live)).map(({ name }) => name);
          expect(names).to.deep.equal(chosen);
        });
      }
    });
  });

  it("listens on its own address only, and its configuration names no secret", () => {
    const at = { ...paths(), config: folder };
    const files = writeConfigFiles(at, network("10.50"));
    const kubelet = parseJson(readFileSync(files.kubelet, "utf8"));
    expect(textAt(kubelet, "address")).to.equal("10.50.255.1");
    expect(textAt(kubelet, "cgroupDriver")).to.equal("cgroupfs");
    expect(readFileSync(files.corefile, "utf8")).to.include("bind 10.50.255.1");
    expect(readFileSync(files.containerd, "utf8")).to.include("restrict_oom_score_adj = true");
  });

  it("writes an unchanged configuration file only once", () => {
    const at = { ...paths(), config: folder };
    const { kubelet } = writeConfigFiles(at, network("10.50"));
    const before = statSync(kubelet, { bigint: true }).mtimeNs;
    writeConfigFiles(at, network("10.50"));
    expect(statSync(kubelet, { bigint: true }).mtimeNs).to.equal(before);
  });

  it("packs a folder as an image that is the same each time", async () => {
    await runOrThrow("sh", ["-c", "mkdir -p rootfs/bin && echo hello > rootfs/bin/hello"], { cwd: folder });
    const pack = async (name: string): Promise<unknown> => {
      const layout = join(folder, name);
      await writeOciLayout(layout, join(folder, "rootfs"), "localhost/hello:1", { User: "999" });
      return parseJson(readFileSync(join(layout, "index.json"), "utf8"));
    };
    const index = await pack("one");
    await runOrThrow("touch", [join(folder, "rootfs", "bin", "hello")]);
    expect(await pack("two")).to.deep.equal(index);
    const [manifest] = listAt(index, "manifests");
    expect(textAt(manifest, "annotations", "io.containerd.image.name")).to.equal("localhost/hello:1");
    const blob = (textAt(manifest, "digest") ?? "").replace("sha256:", "");
    const content = parseJson(readFileSync(join(folder, "one", "blobs", "sha256", blob), "utf8"));
    const layer = (textAt(content, "layers", 0, "digest") ?? "").replace("sha256:", "");
    const listed = await runOrThrow("tar", ["-tf", join(folder, "one", "blobs", "sha256", layer)]);
    expect(listed).to.include("./bin/hello");
  });
});
