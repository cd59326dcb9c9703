import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import type { Place } from "../../../local/pulumi/deployed-state";
import { stackPaths } from "../../../local/pulumi/paths";
import { forgetPlace, movedPlace, notedPlace, notePlace, othersAt, takenPlace } from "../../../local/pulumi/place";

describe("the place of a stack's cluster", () => {
  let folder: string;
  const paths = (stack: string, cluster = "embedded") => {
    const all = stackPaths(stack, cluster, folder);
    mkdirSync(all.work, { recursive: true });
    return all;
  };
  const orders: Place = { namespace: "orders", name: "postgres" };
  const shop: Place = { namespace: "shop", name: "postgres" };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "place-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is noted for as long as there is data", () => {
    expect(notedPlace(paths("dev"))).to.equal(undefined);
    notePlace(paths("dev"), orders);
    expect(notedPlace(paths("dev"))).to.deep.equal(orders);
    forgetPlace(paths("dev"));
    expect(notedPlace(paths("dev"))).to.equal(undefined);
  });

  it("is taken by another stack that was deployed there, running or not, on the same Kubernetes cluster", () => {
    notePlace(paths("dev"), orders);
    notePlace(paths("elsewhere", "other"), shop);
    expect(othersAt(orders, paths("prod"))).to.deep.equal(["dev"]);
    expect(othersAt(orders, paths("dev"))).to.deep.equal([]);
    expect(othersAt(shop, paths("prod"))).to.deep.equal([]);
    expect(othersAt({ ...orders, name: "second" }, paths("prod"))).to.deep.equal([]);
    const [problem] = takenPlace(orders, ["dev"]);
    expect(`${problem?.setting} ${problem?.asked} ${problem?.why} ${problem?.fix}`).to.match(
      /^namespace orders Stack dev has its cluster postgres.*another namespace or another name.*npm run up\./,
    );
  });

  it("is known from the state of one that an earlier version deployed", () => {
    const { checkpoint } = paths("old");
    mkdirSync(dirname(checkpoint), { recursive: true });
    const inputs = { metadata: orders, spec: {} };
    const resources = [{ type: "kubernetes:apps/v1:StatefulSet", inputs }];
    writeFileSync(checkpoint, JSON.stringify({ version: 3, checkpoint: { latest: { resources } } }));
    expect(othersAt(orders, paths("prod"))).to.deep.equal(["old"]);
  });

  it("keeps data from being deleted that is another's, where the settings name another place than was deployed", () => {
    expect(movedPlace(orders, orders)).to.deep.equal([]);
    expect(movedPlace(orders, undefined)).to.deep.equal([]);
    const problems = movedPlace({ namespace: "shop", name: "second" }, orders);
    expect(problems.map(({ setting, asked, fix }) => `${setting} ${asked} ${fix}`)).to.deep.equal([
      "namespace shop Set it back to orders.",
      "name second Set it back to postgres.",
    ]);
  });
});
