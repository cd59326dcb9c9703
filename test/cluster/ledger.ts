import type { ChildProcess } from "node:child_process";
import { expect } from "chai";
import { clientProcess, type Login, psycopg2 } from "./client";

// A new connection for every row, as a client without a pool would; what was acknowledged is printed, one id a line.
const program = `
import json, sys, time, psycopg2
ask = json.load(sys.stdin)
number = 0
while True:
    number += 1
    begun = time.time()
    try:
        connection = psycopg2.connect(connect_timeout=2, **ask["connect"])
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into ledger values (%s)", (number,))
        connection.close()
        print(number, time.time(), flush=True)
    except psycopg2.Error:
        pass
    time.sleep(max(0, 0.1 - (time.time() - begun)))
`;

/** A client that writes a row every 100 ms and remembers, outside the database, which ones were acknowledged. */
export class Ledger {
  private readonly acknowledged: { id: number; at: number }[] = [];
  private readonly closed: Promise<unknown>;

  private constructor(
    private readonly dns: string,
    private readonly connect: Login,
    private readonly child: ChildProcess,
  ) {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [id = 0, at = 0] = line.split(" ").map(Number);
        this.acknowledged.push({ id, at });
      }
    });
    this.closed = new Promise((resolve) => child.on("close", resolve));
  }

  /** Starts writing; resolves when the first rows are acknowledged. */
  static async start(dns: string, connect: Login): Promise<Ledger> {
    await psycopg2(dns, connect, "create table if not exists ledger (id int primary key); select 1");
    await psycopg2(dns, connect, "truncate ledger; select 1");
    const ledger = new Ledger(dns, connect, clientProcess(dns, program, { connect }));
    await ledger.writes(3);
    return ledger;
  }

  /** Resolves when this many more rows are acknowledged. @throws Error after a minute without. */
  async writes(count: number): Promise<void> {
    const target = this.acknowledged.length + count;
    const end = Date.now() + 60_000;
    while (this.acknowledged.length < target) {
      if (Date.now() > end) throw new Error("no row was acknowledged for a minute");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Stops writing and expects every acknowledged row to be there. Returns the longest time without one, in seconds. */
  async settle(): Promise<{ rows: number; gap: number }> {
    this.child.kill("SIGKILL");
    await this.closed;
    const rows = await psycopg2(this.dns, this.connect, "select id from ledger");
    const present = new Set(rows.map(([id]) => Number(id)));
    expect(this.acknowledged.filter(({ id }) => !present.has(id))).to.deep.equal([]);
    const gaps = this.acknowledged.slice(1).map(({ at }, index) => at - (this.acknowledged[index]?.at ?? at));
    return { rows: this.acknowledged.length, gap: Math.max(...gaps) };
  }
}
