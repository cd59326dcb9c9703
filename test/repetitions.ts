/**
 * How often something is repeated, as an environment variable says.
 * @throws Error unless that is a whole number from 1: no try at all would pass every test.
 */
export function repetitions(variable: string, otherwise: number): number {
  const asked = process.env[variable];
  if (asked === undefined) return otherwise;
  if (!/^\d+$/.test(asked) || Number(asked) < 1) {
    throw new Error(
      `${variable} is "${asked}", which is no number of repetitions: set it to 1 or more, or leave it out`,
    );
  }
  return Number(asked);
}
