import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "../kubernetes";
import type { Sampled } from "./sampler";
import type { Values } from "./values";

/** Watches arguments and environments of all processes of this machine, and the files of a folder that come and go. */
export class Sampling {
  private constructor(private readonly sampler: ChildProcess) {}

  /** Resolves when everything was looked at once. */
  static async start(folder?: string): Promise<Sampling> {
    const sampler = fork(join(__dirname, "sampler.ts"), folder === undefined ? [] : [folder], {
      execArgv: ["--require", "tsx/cjs"],
      serialization: "advanced",
    });
    await once(sampler, "message");
    return new Sampling(sampler);
  }

  private ask(needles: string[]): Promise<Sampled> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error("the sampler has ended"));
      this.sampler.once("exit", ended);
      this.sampler.once("message", (answer: Sampled) => {
        this.sampler.off("exit", ended);
        resolve(answer);
      });
      this.sampler.send(needles);
    });
  }

  /** Where values were seen since the start. */
  async found(values: Values): Promise<string[]> {
    const { hits } = await this.ask(values.needles);
    return hits.map(({ where, needle }) => `${where}: ${values.nameAt(needle)}`);
  }

  /** Names of the programs that were seen, which tells that it looked when something happened. */
  async programs(): Promise<string[]> {
    return (await this.ask([])).programs;
  }

  /** Resolves when everything was looked at since the call, however busy the machine is. */
  async looked(): Promise<void> {
    const { looks } = await this.ask([]);
    await eventually("another look at everything", async () => ((await this.ask([])).looks > looks ? true : undefined));
  }

  stop(): void {
    this.sampler.kill();
  }
}
