import { constants } from "node:os";
import { unblockSignal } from "@slipway/linux/signal-mask";

/**
 * Signals that end a process unless it handles them, and have no meaning here: a service manager's reload, a terminal that
 * closes, a peer that leaves, a timer of a library. SIGQUIT still ends the daemon with a core dump, for who wants one.
 */
const ignored: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGPIPE",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGSTKFLT",
  "SIGXCPU",
];

/**
 * What the daemon does about signals: SIGTERM and SIGINT stop it, as often as they come, SIGUSR1 has it dump its state, and
 * no other that can be handled ends it. To be called before anything else: a signal may come during the start.
 */
export function handleSignals(handlers: {
  readonly stop: (signal: NodeJS.Signals) => void;
  readonly dump: () => void;
}): void {
  process.on("SIGTERM", handlers.stop).on("SIGINT", handlers.stop).on("SIGUSR1", handlers.dump);
  for (const signal of ignored) process.on(signal, ignore);
  // Node would open a debugger's port at SIGUSR1. Its flag against that, which bin/slipwayd passes, blocks the signal.
  unblockSignal(constants.signals.SIGUSR1);
}

function ignore(): void {}
