/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = low] = sorted.length % 2 === 1 ? sorted.slice(middle) : sorted.slice(middle - 1);
  return sorted.length % 2 === 1 ? low : (low + high) / 2;
}

/**
 * How much more one takes than another, measured in the same rounds: the median of the rounds' own ratios. What slows the
 * machine down for a while slows both of a round, and so cancels out.
 * @param values of the first rounds, where one takes so long that it ran in fewer of them.
 */
export function ratio(values: readonly number[], floor: readonly number[]): number {
  if (values.length > floor.length) throw new Error("a ratio needs both to be measured in every round");
  return median(values.map((value, round) => value / (floor[round] ?? Number.NaN)));
}

/** A point of a series: how many, how much. */
export type Point = readonly [number, number];

/** The straight line that is nearest to the points, and how much of what they differ in it explains. */
export interface Line {
  slope: number;
  intercept: number;
  r2: number;
}

export function lineThrough(points: readonly Point[]): Line {
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sum = (term: (point: Point) => number): number => points.reduce((total, point) => total + term(point), 0);
  const slope = sum(([x, y]) => (x - meanX) * (y - meanY)) / sum(([x]) => (x - meanX) ** 2);
  const intercept = meanY - slope * meanX;
  const unexplained = sum(([x, y]) => (y - intercept - slope * x) ** 2);
  const differences = sum(([, y]) => (y - meanY) ** 2);
  // What does not differ at all lies on a line.
  return { slope, intercept, r2: differences === 0 ? 1 : 1 - unexplained / differences };
}
