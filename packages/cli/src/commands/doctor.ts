import { readDuration } from "@slipway/core/config/duration";
import type { Leak } from "@slipway/core/doctor";
import { Fault } from "@slipway/fault/fault";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { formatListing } from "../format/listing.ts";
import type { Column } from "../format/table.ts";

interface DoctorFlags {
  readonly repair?: boolean;
  readonly force?: boolean;
  readonly leastAge: string;
  readonly format?: string;
}

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command)
    .option("--repair", "remove what was found")
    .option("--least-age <duration>", "leave what is younger: it may be in the making", "10s")
    .option("--format <template>", "table, json, or a template such as {{.Where}}")
    .action(async ({ repair = false, force = false, leastAge, format }: DoctorFlags) => {
      const { doctor } = await cli.client();
      const options = { leastAgeMs: Math.round(readDuration("--least-age", leastAge)) };
      const leaks = await doctor.examine(options);
      if (leaks.length === 0 && format === undefined) process.stdout.write("Nothing was left behind.\n");
      else process.stdout.write(formatListing(columns, headings, leaks, format));
      if (leaks.length === 0) return;
      if (!repair) throw new Fault("failed_precondition", `${leaks.length} things were left behind`);
      const alive = leaks.filter(({ isAlive }) => isAlive).length;
      const warning = `This removes them.${alive === 0 ? "" : ` Processes end in ${alive} of them.`}`;
      if (!(await confirmed(warning, force))) return;
      const ids = leaks.map(({ id }) => id);
      const failures = (await doctor.repair(ids, options)).filter(({ failure }) => failure !== undefined);
      for (const { leak, failure = "" } of failures) process.stderr.write(`${leak.where}: ${failure}\n`);
      if (failures.length > 0) throw new Fault("unknown", `${failures.length} things are still there`);
      process.stdout.write(`Removed: ${leaks.length}\n`);
    });
}

const headings = ["Kind", "Namespace", "Where", "Reason"];

const columns: Column<Leak>[] = [
  { heading: "KIND", field: "Kind", text: ({ kind }) => kind },
  { heading: "NAMESPACE", field: "Namespace", text: ({ namespace }) => namespace },
  { heading: "WHERE", field: "Where", text: ({ where }) => where },
  { heading: "REASON", field: "Reason", text: ({ reason }) => reason },
  { heading: "ID", field: "ID", text: ({ id }) => id },
];
