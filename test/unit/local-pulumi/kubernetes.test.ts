import { expect } from "chai";
import { Kubernetes } from "../../../local/pulumi/pods/kubernetes";

/** Stands for `kubectl proxy`: answers every request with this status and the words of an API server. */
const answering = (status: number): string => `
  const socket = process.argv.find((argument) => argument.startsWith("--unix-socket=")).slice(14);
  const answer = JSON.stringify({ kind: "Status", message: "claims are not yours" });
  require("node:http").createServer((_, response) => response.writeHead(${status}).end(answer)).listen(socket);`;

async function removal(status: number): Promise<string | undefined> {
  const kubernetes = await Kubernetes.connect({ path: process.execPath, args: ["-e", answering(status), "--"] });
  try {
    return await kubernetes.remove("/api/v1/namespaces/n/persistentvolumeclaims/c").then(
      () => undefined,
      (error: Error) => error.message,
    );
  } finally {
    kubernetes.close();
  }
}

describe("a deletion that Kubernetes", () => {
  it("refuses is told with its words, and not taken for done", async () => {
    expect(await removal(403)).to.equal(
      "Kubernetes refused DELETE /api/v1/namespaces/n/persistentvolumeclaims/c: claims are not yours",
    );
  });

  it("has done, or finds nothing to do for, is done", async () => {
    expect([await removal(200), await removal(202), await removal(404)]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
