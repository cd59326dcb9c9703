import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { clientProcess, type Login, psycopg2 } from "./client";
import { eventually } from "./kubernetes";

// A new connection for every row, as a client without a pool would; what was acknowledged is printed, one id a line.
// Each line of input is a login; like an app that watches its Secret, it tries the newest and then the one before.
const program = `
import json, sys, threading, time, psycopg2
logins = [json.loads(sys.stdin.readline())]
def listen():
    for line in sys.stdin:
        logins.insert(0, json.loads(line))
threading.Thread(target=listen, daemon=True).start()
number = 0
while True:
    number += 1
    begun = time.time()
    for login in logins[:2]:
        try:
            connection = psycopg2.connect(connect_timeout=2, **login)
            with connection, connection.cursor() as cursor:
                cursor.execute("insert into ledger values (%s)", (number,))
            connection.close()
            print(number, time.time(), flush=True)
            break
        except psycopg2.OperationalError as error:
            if "authentication failed" not in str(error):
                break
        except psycopg2.Error:
            break
    time.sleep(max(0, 0.1 - (time.time() - begun)))
`;

/** What a ledger knows when its client has stopped. Times in seconds. */
export interface Settled {
  acknowledged: number;
  /** Acknowledged ids that the database does not have. */
  lost: number[];
  /** The longest time without an acknowledged row. */
  gap: number;
  /** From a moment (milliseconds since 1970) until the next acknowledged row. */
  backAfter: (moment: number) => number;
}

/** A client that writes a row every 100 ms and remembers, outside the database, which ones were acknowledged. */
export class Ledger {
  private readonly acknowledged: { id: number; at: number }[] = [];
  private readonly closed: Promise<unknown>;

  private constructor(
    private readonly dns: string,
    private readonly connect: () => Login,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    let text = "";
    child.stdout.on("data", (chunk) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [id = 0, at = 0] = line.split(" ").map(Number);
        this.acknowledged.push({ id, at });
      }
    });
    this.closed = new Promise((resolve) => child.on("close", resolve));
  }

  /**
   * Starts writing; resolves when the first rows are acknowledged.
   * @param connect asked again for the final reading, for a password may have changed meanwhile.
   */
  static async start(dns: string, connect: () => Login): Promise<Ledger> {
    await psycopg2(dns, connect(), "create table if not exists ledger (id int primary key); select 1");
    await psycopg2(dns, connect(), "truncate ledger; select 1");
    const ledger = new Ledger(dns, connect, clientProcess(dns, program));
    ledger.use(connect());
    await ledger.writes(3);
    return ledger;
  }

  /** From now on the client logs in like this, and where that is refused, like before. */
  use(login: Login): void {
    this.child.stdin.write(`${JSON.stringify(login)}\n`);
  }

  /** Resolves when this many more rows are acknowledged. @throws Error after `seconds` without. */
  async writes(count: number, seconds = 60): Promise<void> {
    const target = this.acknowledged.length + count;
    const end = Date.now() + seconds * 1000;
    while (this.acknowledged.length < target) {
      if (Date.now() > end) throw new Error(`no row was acknowledged for ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops writing. */
  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.closed;
  }

  /** Stops writing and looks which of the acknowledged rows are there. */
  async settle(): Promise<Settled> {
    await this.stop();
    const rows = await eventually("the reading of the ledger", () =>
      psycopg2(this.dns, this.connect(), "select id from ledger"),
    );
    const present = new Set(rows.map(([id]) => Number(id)));
    const times = this.acknowledged.map(({ at }) => at);
    return {
      acknowledged: times.length,
      lost: this.acknowledged.map(({ id }) => id).filter((id) => !present.has(id)),
      gap: Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at))),
      backAfter: (moment) => (times.find((at) => at * 1000 >= moment) ?? Number.POSITIVE_INFINITY) - moment / 1000,
    };
  }
}
