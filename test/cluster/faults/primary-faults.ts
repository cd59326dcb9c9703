import { type Fault, fewTries, type Subject, tries } from "./fault";

/** A database whose primary can be hurt, by whatever name and means it has one. */
export interface WithPrimary extends Subject {
  killPostmaster(): Promise<void>;
  /** Deletes the primary's pod, with further options of kubectl. */
  deletePrimary(...options: string[]): Promise<void>;
  /** Replaces or restarts all pods, and waits until that is done. */
  roll(): Promise<void>;
}

/** By far what takes longest. */
export const rollingUpdate = "rolling update of all three";

/** What is provoked on every subject, so that they can be compared. */
export const primaryFaults: Fault<WithPrimary>[] = [
  { title: "postmaster killed (SIGKILL)", tries, most: 2, provoke: (subject) => subject.killPostmaster() },
  {
    title: "postmaster killed, four writers",
    tries: fewTries,
    hurriedWriters: 3,
    most: 5,
    provoke: (subject) => subject.killPostmaster(),
  },
  {
    title: "primary's pod deleted by force",
    tries,
    most: 5,
    provoke: (subject) => subject.deletePrimary("--force", "--grace-period=0"),
  },
  { title: "primary's pod deleted", tries, most: 5, provoke: (subject) => subject.deletePrimary() },
  { title: rollingUpdate, tries, most: 5, provoke: (subject) => subject.roll() },
];
