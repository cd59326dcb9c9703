/** What the servers are asked to do. */
export interface Workload {
  id: string;
  title: string;
  /** Of pgbench. */
  args: string[];
  /** SQL of one transaction; pgbench's own where there is none. */
  script?: string;
  /** How many times what the source's settings do dev and prod have to do. */
  atLeastSource?: number;
}

const clients = ["-n", "-c", "8", "-j", "2"];

/** Sorts 40,000 rows of all columns, joins as many by a hash, groups them: what needs work_mem. */
const wide = `\\set first random(1, 1900000)
select count(*), max(place) from (
  select one.aid, one.filler, row_number() over (order by one.abalance, one.filler, one.aid) as place
  from pgbench_accounts one join pgbench_accounts other on other.aid = one.aid
  where one.aid between :first and :first + 40000 and other.aid between :first and :first + 40000
) sorted;
select bid, aid % 997 as part, count(*), sum(abalance) from pgbench_accounts
  where aid between :first and :first + 40000 group by bid, part order by count(*) desc limit 10;
`;

export const workloads: readonly Workload[] = [
  {
    id: "read-write",
    title: "Reads and writes (TPC-B), from a checkpoint on",
    args: [...clients, "-T", "5"],
    atLeastSource: 1.15,
  },
  { id: "select", title: "Reads by key", args: [...clients, "-S", "-T", "3"] },
  { id: "wide", title: "Sorts and hash joins", args: ["-n", "-c", "2", "-j", "2", "-T", "3"], script: wide },
];
