import type { Part } from "../findings";
import { clusters } from "./clusters";
import { program } from "./program";
import { scale } from "./scale";

/** Every part, in the order in which they run and stand in the report. */
export const parts: readonly Part[] = [program, scale, clusters];
