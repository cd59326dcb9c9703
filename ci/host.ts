/** Where a report is kept so that the next one takes its place. */
export interface Host {
  /** Writes the comment on the pull or merge request, or changes the one that begins with this marker. */
  comment: (marker: string, body: string) => Promise<string>;
  /** Opens an issue, or changes the open one that begins with this marker. Undefined where the host is not asked for that. */
  openIssue?: (marker: string, title: string, body: string) => Promise<string>;
  /** Closes the open issue that begins with this marker. */
  closeIssue?: (marker: string) => Promise<string | undefined>;
}

/** What is wrong with the surroundings; a message for people. */
export class HostError extends Error {}

type Environment = Readonly<Record<string, string | undefined>>;

/** The host whose CI this process runs in. @throws HostError naming the variables that are missing. */
export function hostOf(environment: Environment): Host {
  if (environment.GITHUB_ACTIONS === "true") return gitHub(environment);
  if (environment.GITLAB_CI === "true") return gitLab(environment);
  throw new HostError("Neither GitHub's nor GitLab's CI runs this: there is nowhere to report to. Use --to none.");
}

/** @throws HostError */
function demand(environment: Environment, name: string, what: string): string {
  const value = environment[name];
  if (value === undefined || value === "") throw new HostError(`${name} is not set: ${what}. See docs/ci.md.`);
  return value;
}

interface Note {
  id: number;
  body: string;
  /** Whether a program wrote it. */
  own: boolean;
}

const record = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});

/** Why a request failed: fetch itself only says that it did, and keeps the reason as the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

/** Asks an API and gives its answer. @throws HostError with the answer's status, or why there is none. */
async function ask(method: string, url: string, headers: Record<string, string>, body?: object): Promise<unknown> {
  const unanswered = (error: unknown): never => {
    throw new HostError(
      `${method} ${url} got no answer (${reasonOf(error)}). Check the address and the runner's network, and start the job again.`,
    );
  };
  const response = await fetch(url, {
    method,
    headers: { ...headers, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  }).catch(unanswered);
  if (response.ok) return response.json().catch(unanswered);
  throw new HostError(
    `${method} ${url} was answered with ${response.status}. Check the token's permissions, see docs/ci.md.`,
  );
}

/** All entries of a list that comes in pages. */
async function all(url: string, headers: Record<string, string>): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let page = 1; ; page += 1) {
    const entries = await ask("GET", `${url}${url.includes("?") ? "&" : "?"}per_page=100&page=${page}`, headers);
    if (!Array.isArray(entries)) throw new HostError(`${url} did not answer with a list.`);
    found.push(...entries);
    if (entries.length < 100) return found;
  }
}

function noteOf(entry: unknown, isOwn: (entry: object) => boolean): Note {
  const fields = record(entry);
  const body = "body" in fields ? `${fields.body ?? ""}` : "";
  const id = "number" in fields ? fields.number : "id" in fields ? fields.id : 0;
  return { id: Number(id), body, own: isOwn(fields) };
}

/** A person's text that begins with the marker, too, is left alone. */
const ours = (notes: Note[], marker: string): Note | undefined =>
  notes.find(({ body, own }) => own && body.startsWith(marker));

function gitHub(environment: Environment): Host {
  const base = `${environment.GITHUB_API_URL ?? "https://api.github.com"}/repos/${demand(environment, "GITHUB_REPOSITORY", "it names the repository")}`;
  const token = demand(environment, "GITHUB_TOKEN", "it may write comments and issues");
  const headers = { authorization: `Bearer ${token}`, accept: "application/vnd.github+json" };
  const isBot = (entry: object): boolean => {
    const user = record("user" in entry ? entry.user : undefined);
    return "type" in user && user.type === "Bot";
  };
  const find = async (list: string, marker: string): Promise<Note | undefined> =>
    ours(
      (await all(`${base}/${list}`, headers)).map((entry) => noteOf(entry, isBot)),
      marker,
    );
  return {
    async comment(marker, body) {
      const number = demand(environment, "PULL_REQUEST", "it is the number of the pull request");
      const before = await find(`issues/${number}/comments`, marker);
      if (before === undefined) await ask("POST", `${base}/issues/${number}/comments`, headers, { body });
      else await ask("PATCH", `${base}/issues/comments/${before.id}`, headers, { body });
      return before === undefined ? "commented" : "changed the comment";
    },
    async openIssue(marker, title, body) {
      const before = await find("issues?state=open", marker);
      if (before === undefined) await ask("POST", `${base}/issues`, headers, { title, body });
      else await ask("PATCH", `${base}/issues/${before.id}`, headers, { body });
      return before === undefined ? "opened an issue" : `changed issue ${before.id}`;
    },
    async closeIssue(marker) {
      const before = await find("issues?state=open", marker);
      if (before === undefined) return undefined;
      await ask("PATCH", `${base}/issues/${before.id}`, headers, { state: "closed", state_reason: "completed" });
      return `closed issue ${before.id}`;
    },
  };
}

function gitLab(environment: Environment): Host {
  const api = demand(environment, "CI_API_V4_URL", "it is the address of the API");
  const project = `${api}/projects/${demand(environment, "CI_PROJECT_ID", "it names the project")}`;
  const headers = {
    "private-token": demand(environment, "GITLAB_TOKEN", "it may write notes (a project access token, scope api)"),
  };
  return {
    async comment(marker, body) {
      const request = demand(environment, "CI_MERGE_REQUEST_IID", "it is the number of the merge request");
      const list = `${project}/merge_requests/${request}/notes`;
      const { id } = { id: 0, ...record(await ask("GET", `${api}/user`, headers)) };
      const isMine = (entry: object): boolean => {
        const author = record("author" in entry ? entry.author : undefined);
        return "id" in author && author.id === id;
      };
      const before = ours(
        (await all(list, headers)).map((entry) => noteOf(entry, isMine)),
        marker,
      );
      if (before === undefined) await ask("POST", list, headers, { body });
      else await ask("PUT", `${list}/${before.id}`, headers, { body });
      return before === undefined ? "commented" : "changed the comment";
    },
  };
}
