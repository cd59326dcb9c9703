/** What changing a setting does to a cluster that runs, each in the words that docs/settings.md has for it. */
export const effects = {
  /** Neither the pods nor the files they have mounted change. */
  none: "No pod notices it.",
  /** Only mounted files change: data of a ConfigMap or Secret. */
  reload: "The running pods take it over within about a minute, without a restart.",
  /** The claims ask for more, and mounted files change. */
  grow: "The volumes grow while the pods run, where the driver can.",
  /** The pod template changes. */
  restart: "The pods are restarted one by one, replicas first, the primary last; `updateStrategy` can hold pods back.",
  /** `spec.replicas` of the StatefulSet changes. */
  scale: "Pods with the highest ordinals are added or removed; the others keep running.",
  /** Nothing changes: the message says why, and what to do instead. */
  refused: "`npm run up` and `npm run preview` stop before anything changes, with the reason and the way out.",
} as const satisfies Record<string, string>;

/** A class of effect: what one needs to know before changing a setting. */
export type Effect = keyof typeof effects;

/** What changes of one setting do. */
export interface ChangeEffects {
  /** What a change does, unless `otherwise` says more. */
  readonly effect: Effect;
  /** Other effects that some changes have, and which. */
  readonly otherwise?: readonly { readonly effect: Effect; readonly when: string }[];
}
