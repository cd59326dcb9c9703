/** Parameters that a user may not set, or not to every value: one row for one reason. */
export interface Rule {
  readonly names: readonly string[];
  /** Only these values are refused; without it, all but the `allowed` one. In the normal spelling (`on`, not `true`). */
  readonly refused?: readonly string[];
  /** By name, the value that does no harm because the server has the same anyway. */
  readonly allowed?: Readonly<Record<string, string>>;
  readonly why: string;
  readonly fix: string;
}

const leaveOut = "Leave it out.";
const perTransaction =
  "Leave it on. A transaction that may be lost can say so itself: SET LOCAL synchronous_commit = off.";

/**
 * Parameters that belong to the component, in whole or in part. First what the pods' scripts and the StatefulSet decide, then values
 * that lose data or keep the server from starting. The idea of one table is CloudNativePG's (its `FixedConfigurationParameters`).
 */
export const rules: readonly Rule[] = [
  {
    names: ["listen_addresses"],
    allowed: { listen_addresses: "*" },
    why: "Replicas and clients reach the server at its pod's address, so it listens on all of them.",
    fix: "Leave it out; a NetworkPolicy restricts who may connect.",
  },
  {
    names: ["port"],
    allowed: { port: "5432" },
    why: "Services, probes and outputs all name port 5432.",
    fix: leaveOut,
  },
  {
    names: ["data_directory", "config_file", "hba_file", "ident_file", "external_pid_file"],
    why: "The pod's files lie where the volume and the ConfigMap are mounted; elsewhere the server would not find them.",
    fix: leaveOut,
  },
  {
    names: ["unix_socket_directories", "unix_socket_group", "unix_socket_permissions", "bonjour", "bonjour_name"],
    why: "Probes and scripts connect through the pod's own socket in /run/postgresql.",
    fix: leaveOut,
  },
  {
    names: [
      "primary_conninfo",
      "primary_slot_name",
      "cluster_name",
      "wal_receiver_create_temp_slot",
      "sync_replication_slots",
    ],
    why: "Each pod sets it for its own ordinal when it starts: one value for all pods would break replication.",
    fix: leaveOut,
  },
  {
    names: ["hot_standby"],
    allowed: { hot_standby: "on" },
    why: "Replicas answer read-only queries, and their readiness depends on it.",
    fix: leaveOut,
  },
  {
    names: ["synchronous_standby_names"],
    why: "It names pods, and must change with their number, or every commit waits without end for one that is away.",
    fix: "Leave it out; the setting synchronousReplicas says how many replicas a commit waits for.",
  },
  {
    names: [
      ...[
        "restore_command",
        "archive_cleanup_command",
        "recovery_end_command",
        "recovery_target",
        "recovery_target_action",
      ],
      ...["recovery_target_inclusive", "recovery_target_lsn", "recovery_target_name", "recovery_target_time"],
      ...["recovery_target_timeline", "recovery_target_xid", "promote_trigger_file"],
    ],
    why: "It would reach replicas too: they would stop at the target, or leave replication, instead of following the primary.",
    fix: "Leave it out; restore a backup into a cluster of its own.",
  },
  {
    names: ["archive_mode", "archive_command", "archive_library", "archive_timeout"],
    allowed: { archive_mode: "off", archive_command: "", archive_library: "", archive_timeout: "0" },
    why: "WAL that cannot be archived is kept whatever max_slot_wal_keep_size says, until it fills the volume and the primary stops.",
    fix: "Leave it out: this component does not archive WAL; replicas keep what they need in slots.",
  },
  {
    names: ["logging_collector", "log_destination"],
    allowed: { logging_collector: "off", log_destination: "stderr" },
    why: "The pod's log is the server's stderr; with files in the volume `kubectl logs` would be empty and the volume would fill.",
    fix: leaveOut,
  },
  {
    names: [
      ...[
        "log_directory",
        "log_filename",
        "log_file_mode",
        "log_rotation_age",
        "log_rotation_size",
        "log_truncate_on_rotation",
      ],
      ...["syslog_facility", "syslog_ident", "syslog_sequence_numbers", "syslog_split_messages", "event_source"],
    ],
    why: "It would have no effect: the server logs to stderr, and Kubernetes keeps and rotates the pod's log.",
    fix: leaveOut,
  },
  {
    names: [
      ...["ssl", "ssl_ca_file", "ssl_cert_file", "ssl_crl_dir", "ssl_crl_file", "ssl_dh_params_file", "ssl_key_file"],
      ...["ssl_passphrase_command", "ssl_passphrase_command_supports_reload"],
    ],
    why: "The setting tls decides whether the servers encrypt, and where their certificates come from; the pods keep the files.",
    fix: "Leave it out; set tls.mode.",
  },
  {
    names: [
      ...["ssl_ciphers", "ssl_ecdh_curve", "ssl_groups", "ssl_tls13_ciphers", "ssl_prefer_server_ciphers"],
      "ssl_max_protocol_version",
    ],
    allowed: { ssl_prefer_server_ciphers: "on", ssl_max_protocol_version: "TLSv1.3" },
    why: "A word that the server cannot use keeps it from starting; what is too weak or too narrow encrypts nothing, or locks clients and replicas out.",
    fix: "Leave it out: OpenSSL's strong ones are used. ssl_min_protocol_version: TLSv1.3 leaves only the strongest.",
  },
  {
    names: ["ssl_min_protocol_version"],
    refused: ["TLSv1", "TLSv1.1"],
    why: "TLS 1.0 and 1.1 are broken and withdrawn (RFC 8996); no client that speaks only these may connect.",
    fix: "Use TLSv1.2 (the default), or TLSv1.3 for newer clients only.",
  },
  {
    names: ["password_encryption"],
    allowed: { password_encryption: "scram-sha-256" },
    why: "pg_hba.conf accepts only scram-sha-256: a password stored as md5 could never log in.",
    fix: leaveOut,
  },
  {
    names: ["wal_level"],
    refused: ["minimal"],
    why: "A primary with wal_level minimal writes too little for a replica to follow.",
    fix: "Use replica (the default) or logical.",
  },
  {
    names: ["fsync"],
    refused: ["off"],
    why: "Commits would not reach the disk: after a crash of the node the database can be damaged beyond repair.",
    fix: perTransaction,
  },
  {
    names: ["full_page_writes"],
    refused: ["off"],
    why: "A crash in the middle of a page write would leave a page that is half old and half new, on replicas as well.",
    fix: "Leave it on; wal_compression makes full pages cheaper.",
  },
  {
    names: ["synchronous_commit"],
    refused: ["off"],
    why: "For the whole cluster it would lose acknowledged commits of every application at each crash of the primary.",
    fix: perTransaction,
  },
  {
    names: ["zero_damaged_pages", "ignore_checksum_failure", "ignore_invalid_pages"],
    refused: ["on"],
    why: "Damaged pages would be overwritten or skipped in silence: rows disappear without an error.",
    fix: "Leave it off; when rescuing data, set it in one session as the superuser.",
  },
  {
    names: ["data_sync_retry"],
    refused: ["on"],
    why: "After a failed flush the kernel may have dropped the data; trying again reports success for rows that are gone.",
    fix: "Leave it off: the server restarts and recovers from WAL.",
  },
  {
    names: ["allow_system_table_mods"],
    refused: ["on"],
    why: "Any statement could destroy the catalogs, and with them the database.",
    fix: "Leave it off; set it in one session as the superuser if you must.",
  },
  {
    names: ["session_replication_role"],
    refused: ["replica"],
    why: "Foreign keys and triggers would stop working in every session of the cluster.",
    fix: "Leave it out; set it in the session that needs it.",
  },
  {
    names: ["default_transaction_read_only"],
    refused: ["on"],
    why: "The primary could not apply its own passwords, and every application would be refused to write.",
    fix: "Set it for a role or a database: ALTER ROLE name SET default_transaction_read_only = on.",
  },
  {
    names: ["db_user_namespace"],
    refused: ["on"],
    why: "Roles would need names like user@database: the application's and the replicas' logins would fail.",
    fix: leaveOut,
  },
  {
    names: ["huge_pages"],
    refused: ["on"],
    why: "The pods ask Kubernetes for no huge pages, and without them the server would not start.",
    fix: "Leave it off.",
  },
  {
    names: ["io_method"],
    refused: ["io_uring"],
    why: "The pods' seccomp profile (RuntimeDefault) forbids io_uring, and the server would not start.",
    fix: "Use worker (the default).",
  },
];

/** Names of older versions or neighbouring products, with what took their place. */
export const formerNames: ReadonlyMap<string, string> = new Map(
  Object.entries({
    checkpoint_segments: "Use max_wal_size.",
    wal_keep_segments: "Use wal_keep_size (16MB for each segment).",
    sort_mem: "Use work_mem.",
    vacuum_mem: "Use maintenance_work_mem.",
    max_fsm_pages: "Leave it out; PostgreSQL keeps track of free space by itself.",
    standby_mode: "Leave it out; replicas are made by the component.",
    trigger_file: "Leave it out; replicas are made by the component.",
    innodb_buffer_pool_size: "That is MySQL's; use shared_buffers.",
  }),
);

const ruleByName = new Map(rules.flatMap((rule) => rule.names.map((name) => [name, rule] as const)));

/** The rule about a parameter, if any: some of its values or all of them are refused. */
export function ruleOf(name: string): Rule | undefined {
  return ruleByName.get(name);
}

/** The rule that refuses this value, if any. `normal` is the value's normal spelling, or the text where it could not be read. */
export function refusal(name: string, normal: string): Rule | undefined {
  const rule = ruleOf(name);
  if (rule === undefined || rule.allowed?.[name] === normal) return undefined;
  return rule.refused === undefined || rule.refused.includes(normal) ? rule : undefined;
}
