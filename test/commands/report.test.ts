import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { HostError, hostOf } from "../../ci/host";
import { driftMarkerOf } from "../../ci/report";
import { at, parseJson } from "../../local/tools/json";
import { marker } from "../../local/verdict/markdown";
import { npm } from "../npm";

describe("where a report is kept", function () {
  this.timeout("30 s");
  interface Asked {
    method: string;
    path: string;
    body: unknown;
    token: string;
  }
  let asked: Asked[];
  let answers: (path: string) => unknown;
  let server: Server;
  let url: string;
  let folder: string;

  before(async () => {
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        const token = `${request.headers.authorization ?? request.headers["private-token"]}`;
        const path = request.url ?? "";
        asked.push({ method: request.method ?? "", path, body: text === "" ? undefined : parseJson(text), token });
        const answer = request.method === "GET" ? answers(path) : {};
        response.statusCode = answer === undefined ? 403 : 200;
        response.end(JSON.stringify(answer ?? {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
    folder = mkdtempSync(join(tmpdir(), "report-"));
  });
  beforeEach(() => {
    asked = [];
    answers = () => [];
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const gitHub = () => ({
    GITHUB_ACTIONS: "true",
    GITHUB_API_URL: url,
    GITHUB_REPOSITORY: "team/db",
    GITHUB_TOKEN: "t0ken",
    PULL_REQUEST: "7",
  });
  const gitLab = () => ({
    GITLAB_CI: "true",
    CI_API_V4_URL: url,
    CI_PROJECT_ID: "3",
    CI_MERGE_REQUEST_IID: "7",
    GITLAB_TOKEN: "t0ken",
  });
  const changes = (): string[] =>
    asked.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`);
  const bot = { type: "Bot" };

  it("on GitHub is a comment of the pull request, the first time a new one", async () => {
    expect(await hostOf(gitHub()).comment(marker("dev"), "body")).to.equal("commented");
    expect(changes()).to.deep.equal(["POST /repos/team/db/issues/7/comments"]);
    expect(asked.at(-1)).to.deep.include({ body: { body: "body" }, token: "Bearer t0ken" });
  });

  it("and then the same one, also on a later page; not a person's, nor another stack's", async () => {
    const other = { id: 1, body: marker("prod"), user: bot };
    const person = { id: 2, body: marker("dev"), user: { type: "User" } };
    const first = Array.from({ length: 100 }, (_, index) => (index === 50 ? person : other));
    answers = (path) => (path.endsWith("page=1") ? first : [{ id: 9, body: `${marker("dev")}\nold`, user: bot }]);
    expect(await hostOf(gitHub()).comment(marker("dev"), "new")).to.equal("changed the comment");
    expect(changes()).to.deep.equal(["PATCH /repos/team/db/issues/comments/9"]);
  });

  it("for drift is one issue, which is closed when the stack is what its settings say again", async () => {
    const host = hostOf(gitHub());
    expect(await host.closeIssue?.(driftMarkerOf("dev"))).to.equal(undefined);
    expect(await host.openIssue?.(driftMarkerOf("dev"), "title", "body")).to.equal("opened an issue");
    answers = () => [{ number: 4, id: 99, body: driftMarkerOf("dev"), user: bot }];
    expect(await host.openIssue?.(driftMarkerOf("dev"), "title", "body")).to.equal("changed issue 4");
    expect(await host.closeIssue?.(driftMarkerOf("dev"))).to.equal("closed issue 4");
    expect(changes()).to.deep.equal([
      "POST /repos/team/db/issues",
      "PATCH /repos/team/db/issues/4",
      "PATCH /repos/team/db/issues/4",
    ]);
    expect(at(asked.at(-1)?.body, "state")).to.equal("closed");
  });

  it("on GitLab is a note of the merge request, and then the same one", async () => {
    const notes: unknown[] = [{ id: 1, body: marker("dev"), author: { id: 1 } }];
    answers = (path) => (path.startsWith("/user") ? { id: 5 } : notes);
    expect(await hostOf(gitLab()).comment(marker("dev"), "body")).to.equal("commented");
    notes.push({ id: 2, body: marker("dev"), author: { id: 5 } });
    expect(await hostOf(gitLab()).comment(marker("dev"), "body")).to.equal("changed the comment");
    const list = "/projects/3/merge_requests/7/notes";
    expect(changes()).to.deep.equal([`POST ${list}`, `PUT ${list}/2`]);
    expect(asked.at(-1)?.token).to.equal("t0ken");
  });

  it("is told where it cannot be: no token, no right, nowhere at all; never the token", async () => {
    expect(() => hostOf({ ...gitHub(), GITHUB_TOKEN: "" })).to.throw("GITHUB_TOKEN is not set");
    expect(() => hostOf({ ...gitLab(), GITLAB_TOKEN: undefined })).to.throw("GITLAB_TOKEN is not set");
    expect(() => hostOf({})).to.throw("nowhere to report to");
    answers = () => undefined;
    const failure = await hostOf(gitHub())
      .comment(marker("dev"), "body")
      .catch((error: Error) => error.message);
    expect(failure)
      .to.match(/answered with 403\. Check the token's permissions/)
      .and.not.contain("t0ken");
  });

  it("is told where nothing answers, or no API does, in words", async () => {
    const failureAt = (address: string): Promise<string> =>
      hostOf({ ...gitHub(), GITHUB_API_URL: address })
        .comment(marker("dev"), "body")
        .catch((error: unknown) => (error instanceof HostError ? error.message : `no HostError: ${error}`));
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const address = closed.address();
    const port = typeof address === "object" ? address?.port : 0;
    await new Promise((resolve) => closed.close(resolve));
    expect(await failureAt(`http://127.0.0.1:${port}`)).to.match(
      /^GET http:.* got no answer \(.*ECONNREFUSED.*\)\. Check the address/,
    );
    const page = createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const there = page.address();
    try {
      const answered = await failureAt(`http://127.0.0.1:${typeof there === "object" ? there?.port : 0}`);
      expect(answered).to.match(/got no answer \(.*JSON.*\)/);
    } finally {
      page.close();
    }
  });

  it("is no issue's end where the verdict is missing, and a folder is no verdict", async () => {
    answers = () => [{ number: 4, body: driftMarkerOf("dev"), user: bot }];
    const runs = [
      ["--code", "0", "--to", "drift", "--verdict", join(folder, "none.md")],
      ["--code", "2", "--verdict", folder],
    ].map((args) => npm("ci:report", ["--stack", "dev", ...args], gitHub()));
    const [missing, directory] = await Promise.all(runs);
    expect([missing?.code, directory?.code]).to.deep.equal([1, 1]);
    expect(missing?.out).to.match(/ended with 0, and its verdict is missing or empty/);
    expect(directory?.err).to.match(/^--verdict .*: is a folder\. Name the file/m);
    expect(changes()).to.deep.equal([]);
  });

  it("is what the command writes, and the job ends as the verdict has it", async () => {
    const [verdict, words, summary] = ["verdict.md", "words.txt", "summary.md"].map((file) => join(folder, file));
    writeFileSync(verdict ?? "", `${marker("dev")}\n## destroys\n`);
    writeFileSync(words ?? "", "progress");
    const args = ["--stack", "dev", "--verdict", verdict ?? "", "--words", words ?? ""];
    const environment = { ...gitHub(), GITHUB_STEP_SUMMARY: summary };
    const refused = await npm("ci:report", [...args, "--code", "3", "--to", "comment"], environment);
    expect(refused.code, refused.err).to.equal(1);
    expect(refused.out).to.match(/## destroys[\s\S]*would go[\s\S]*\(commented\)/);
    expect(readFileSync(summary ?? "", "utf8")).to.contain("## destroys");
    const allowed = await npm("ci:report", [...args, "--code", "3", "--allow-destructive"], environment);
    expect(allowed.code, allowed.err).to.equal(0);
    expect((await npm("ci:report", [...args, "--code", "2", "--to", "drift"], environment)).code).to.equal(1);
    expect(changes()).to.deep.equal(["POST /repos/team/db/issues/7/comments", "POST /repos/team/db/issues"]);
    expect((await npm("ci:report", [...args, "--code", "x"], environment)).code).to.equal(2);
  });
});
