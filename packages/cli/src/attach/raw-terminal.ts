import { rawSettings, setTerminal, terminalSettings } from "@slipway/linux/pty";

/** Gives a process in a container the terminal as it is, until the scope is left. */
export function rawTerminal(stdin: typeof process.stdin): Disposable {
  // Node remembers the settings, and gives them back also when this process crashes.
  stdin.setRawMode(true);
  // Its raw mode still begins lines for what is shown. The container's terminal does that, or, of a program that fills the
  // screen, nobody may.
  setTerminal(stdin.fd, rawSettings(terminalSettings(stdin.fd)));
  return { [Symbol.dispose]: () => void stdin.setRawMode(false) };
}
