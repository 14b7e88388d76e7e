// Kills slipwayd at random moments under load, as often as the first argument says (50). The second one is the seed.
import { soak } from "../support/soak.ts";

const rounds = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);
await soak(moments(seed, rounds), console.log);

/** The same ones for the same seed: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function* moments(state: number, length: number): Generator<number> {
  for (let index = 0, value = state; index < length; index += 1) {
    value = (value * 1_103_515_245 + 12_345) % 2 ** 31;
    yield value % 1500;
  }
}
