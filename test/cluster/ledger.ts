import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { clientProcess, type Login, psycopg2 } from "./client";
import { eventually } from "./kubernetes";

// What was acknowledged is printed, one id a line. Each line of input is a login; like an app that watches its Secret, a
// writer tries the newest and then the one before. One that pauses opens a new connection for every row, as a client
// without a pool would; one that does not keeps its connection as long as it works.
const program = `
import json, sys, threading, time, psycopg2
ask = json.loads(sys.stdin.readline())
# A cut link is given up in seconds, whoever has to say something next; otherwise TCP waits longer than any cut.
patience = dict(connect_timeout=2, tcp_user_timeout=5000, keepalives_idle=2, keepalives_interval=1)
logins = [json.loads(sys.stdin.readline())]
def listen():
    for line in sys.stdin:
        logins.insert(0, json.loads(line))
threading.Thread(target=listen, daemon=True).start()
connection = None
number = 0
def write(login):
    global connection
    if connection is None:
        connection = psycopg2.connect(**patience, **login)
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into ledger values (%s)", (number,))
    print(number, time.time(), flush=True)
def leave():
    global connection
    if connection is not None:
        connection.close()
    connection = None
while True:
    number += 1 if number else ask["first"] + 1
    begun = time.time()
    for login in logins[:2]:
        try:
            write(login)
            break
        except psycopg2.Error as error:
            leave()
            if "authentication failed" not in str(error):
                print("failed", flush=True)
                break
    else:
        print("failed", flush=True)
    if ask["pause"]:
        leave()
    time.sleep(max(0 if connection else 0.02, ask["pause"] - (time.time() - begun)))
`;

/** Each writer has so many ids for itself. */
const idsEach = 100_000_000;

/** What a ledger knows when its client has stopped. Times in seconds. */
export interface Settled {
  acknowledged: number;
  /** Rows whose writer was told that they failed, or not told anything. */
  failed: number;
  /** Acknowledged ids that the database does not have. */
  lost: number[];
  /** The longest time without an acknowledged row. */
  gap: number;
  /** From a moment (milliseconds since 1970) until the next acknowledged row. */
  backAfter: (moment: number) => number;
}

/**
 * Clients that write rows and remember, outside the database, which ones were acknowledged: one that writes a row every
 * 100 ms, and where asked for, more that write as fast as they can.
 */
export class Ledger {
  private readonly acknowledged: number[] = [];
  private failed = 0;
  /** When rows of the steady writer were acknowledged: the gaps of a hurried one are no measure. */
  private readonly steady: number[] = [];
  private readonly writers: { child: ChildProcessWithoutNullStreams; closed: Promise<unknown> }[] = [];

  private constructor(
    private readonly dns: string,
    private readonly connect: () => Login,
  ) {}

  private addWriter(pause: number): void {
    const child = clientProcess(this.dns, program);
    let text = "";
    child.stdout.on("data", (chunk) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "failed") {
          this.failed += 1;
          continue;
        }
        const [id = 0, at = 0] = line.split(" ").map(Number);
        this.acknowledged.push(id);
        if (id < idsEach) this.steady.push(at);
      }
    });
    child.stdin.write(`${JSON.stringify({ pause, first: this.writers.length * idsEach })}\n`);
    this.writers.push({ child, closed: new Promise((resolve) => child.on("close", resolve)) });
  }

  /**
   * Starts writing; resolves when the first rows are acknowledged.
   * @param connect asked again for the final reading, for a password may have changed meanwhile.
   * @param hurried number of writers beside the one that writes every 100 ms.
   */
  static async start(dns: string, connect: () => Login, hurried = 0): Promise<Ledger> {
    await psycopg2(dns, connect(), "create table if not exists ledger (id int primary key); select 1");
    await psycopg2(dns, connect(), "truncate ledger; select 1");
    const ledger = new Ledger(dns, connect);
    try {
      ledger.addWriter(0.1);
      for (let count = 0; count < hurried; count += 1) ledger.addWriter(0);
      ledger.use(connect());
      await ledger.writes(3);
      return ledger;
    } catch (error) {
      await ledger.stop();
      throw error;
    }
  }

  /** From now on the clients log in like this, and where that is refused, like before. */
  use(login: Login): void {
    for (const { child } of this.writers) child.stdin.write(`${JSON.stringify(login)}\n`);
  }

  /** Resolves when this many more rows of the steady writer are acknowledged. @throws Error after `seconds` without. */
  async writes(count: number, seconds = 60): Promise<void> {
    const target = this.steady.length + count;
    const end = Date.now() + seconds * 1000;
    while (this.steady.length < target) {
      if (Date.now() > end) throw new Error(`no row was acknowledged for ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops writing. */
  async stop(): Promise<void> {
    for (const { child } of this.writers) child.kill("SIGKILL");
    await Promise.all(this.writers.map(({ closed }) => closed));
  }

  /** Stops writing and looks which of the acknowledged rows are there. */
  async settle(): Promise<Settled> {
    await this.stop();
    const rows = await eventually("the reading of the ledger", () =>
      psycopg2(this.dns, this.connect(), "select id from ledger"),
    );
    const present = new Set(rows.map(([id]) => Number(id)));
    const times = this.steady;
    return {
      acknowledged: this.acknowledged.length,
      failed: this.failed,
      lost: this.acknowledged.filter((id) => !present.has(id)),
      gap: Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at))),
      backAfter: (moment) => (times.find((at) => at * 1000 >= moment) ?? Number.POSITIVE_INFINITY) - moment / 1000,
    };
  }
}
