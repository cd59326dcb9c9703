/** What stands where a password belongs. More than one line: the pods refuse to take that for a password. */
export const placeholder = "PLACEHOLDER\nno password: never apply this as it is, README.md says how to fill it in";

/** What stands where the ARN of a key belongs. A list: Kubernetes takes only text there, and refuses the object. */
export const keyPlaceholder = ["PLACEHOLDER for the ARN of a key, README.md says how to fill it in"];
