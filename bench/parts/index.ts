import type { Part } from "../findings";
import { clusters } from "./clusters";
import { database } from "./database";
import { program } from "./program";
import { recovery } from "./recovery";
import { rollout } from "./rollout";
import { scale } from "./scale";
import { tests } from "./tests";

/** Every part, in the order in which they run and stand in the report. */
export const parts: readonly Part[] = [program, scale, clusters, rollout, recovery, database, tests];
