import { expect } from "chai";
import { type HbaSpec, pgHba } from "../../components/postgres/hba";

const spec: HbaSpec = { type: "host", database: "myapp", superuserAccess: false };

/** Every line as its fields, without the heading. */
const lines = (asked: Partial<HbaSpec> = {}): string[] =>
  pgHba({ ...spec, ...asked })
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.trim().replace(/ +/g, " "));

describe("who may connect", () => {
  it("is a table that the first fitting line of decides", () => {
    expect(lines()).to.deep.equal([
      "local all all peer map=pod",
      "local replication all reject",
      "host replication replicator all scram-sha-256",
      "host postgres replicator all scram-sha-256",
      "host all replicator all reject",
      "host all postgres all reject",
      "host template1 all all reject",
      'host "myapp" readonly all scram-sha-256',
      "host all readonly all reject",
      "host all all all scram-sha-256",
      "host all,replication all all reject",
    ]);
  });

  it("has nobody trusted, and ends by rejecting everything else", () => {
    for (const type of ["host", "hostssl"] as const) {
      for (const superuserAccess of [true, false]) {
        const all = lines({ type, superuserAccess });
        for (const line of all) expect(line).to.match(/ (peer map=pod|scram-sha-256|reject)$/);
        expect(all.at(-1)).to.equal("host all,replication all all reject");
        expect(all.filter((line) => line.includes("replication") && !line.endsWith("reject"))).to.have.length(1);
      }
    }
  });

  it("lets the superuser in over the network where it is asked for, and changes nothing else", () => {
    const changed = lines({ superuserAccess: true }).filter((line, index) => line !== lines()[index]);
    expect(changed).to.deep.equal(["host all postgres all scram-sha-256"]);
  });

  it("takes a password over TLS only, where it is asked for; rejects whatever the connection", () => {
    expect(lines({ type: "hostssl" })).to.deep.equal(
      lines().map((line) => line.replace(/^host (.*scram-sha-256)$/, "hostssl $1")),
    );
  });

  for (const [database, written] of [
    ["all", '"all"'],
    ["replication", '"replication"'],
    [`my "app', x`, `"my ""app', x"`],
  ] as const) {
    it(`takes the name of a database for a name: ${database}`, () => {
      expect(lines({ database })).to.include(`host ${written} readonly all scram-sha-256`);
    });
  }
});
