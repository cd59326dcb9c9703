import type { ChangeEffects } from "../effects";

/** One setting: what it is, what it may be, and what changing it does. Texts are Markdown and say nothing twice. */
export interface SettingRow extends ChangeEffects {
  readonly meaning: string;
  readonly default: string;
  /** What is accepted, as words or as a list of choices; everything else stops the preview. */
  readonly limits: string | readonly string[];
  /** What there is to know about a change beside its effect. */
  readonly change?: string;
}
