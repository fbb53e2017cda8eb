// Settings as suites, protocols and variants give them.

/** Settings by dotted path, as in `--set agent.batchSize=64`. */
export type Settings = Readonly<Record<string, string | number | boolean | null>>;
