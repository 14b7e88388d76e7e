import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileOf } from "./sources.ts";

const declarations = /\.d\.ts$/;
// As the compiler writes them: `from "X"`, `import "X"`, `import("X")`.
const imports = /(\bfrom |\bimport |\bimport\()"([^"\n]+)"/g;
const threads = /new URL\("([^"]+)\.ts", import\.meta\.url\)/g;

/**
 * Copies emitted files, and everything that they import, to one tree without packages: `NAME/src/a.js` below `emitted`
 * becomes `NAME/a.js` below `output`. Imports of `@slipway/...` become relative ones.
 *
 * `disposableStack` is the file, below `output`, that has DisposableStack and AsyncDisposableStack for a Node without them.
 */
export class Layout {
  readonly #emitted: string;
  readonly #output: string;
  readonly #disposableStack: string;
  readonly #copied = new Set<string>();

  constructor(emitted: string, output: string, disposableStack: string) {
    this.#emitted = emitted;
    this.#output = output;
    this.#disposableStack = disposableStack;
  }

  /** Copies one emitted `.js` file with its types. Returns its place in the tree. */
  add(file: string): string {
    const place = this.#placeOf(file);
    if (this.#copied.has(file)) return place;
    this.#copied.add(file);
    const isCode = !declarations.test(file);
    const source = readFileSync(file, "utf8");
    const code = source
      // The compiler leaves the names of threads' files as they are.
      .replaceAll(threads, (_, path: string) => {
        this.add(join(dirname(file), `${path}.js`));
        return `new URL("${path}.js", import.meta.url)`;
      })
      .replaceAll(imports, (whole, before: string, specifier: string) => {
        const imported = this.#imported(file, specifier);
        return imported === undefined ? whole : `${before}"${this.#relative(place, this.add(imported))}"`;
      });
    const target = join(this.#output, place);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, isCode ? this.#withStacks(place, code) : code);
    if (isCode) this.add(file.replace(/\.js$/, ".d.ts"));
    return place;
  }

  /** The emitted file that a specifier means in `file`; undefined if it is another's package or Node's. */
  #imported(file: string, specifier: string): string | undefined {
    if (specifier.startsWith("@slipway/")) return fileOf(specifier, this.#emitted);
    return specifier.startsWith(".") ? join(dirname(file), specifier.replace(/\.ts$/, ".js")) : undefined;
  }

  #placeOf(file: string): string {
    return relative(this.#emitted, file).replace("/src/", "/");
  }

  #relative(from: string, to: string): string {
    const path = relative(dirname(from), to);
    return path.startsWith(".") ? path : `./${path}`;
  }

  #withStacks(place: string, code: string): string {
    const names = ["AsyncDisposableStack", "DisposableStack"].filter((name) =>
      new RegExp(`\\b${name}\\b`).test(code),
    );
    if (names.length === 0) return code;
    return `import { ${names.join(", ")} } from "${this.#relative(place, this.#disposableStack)}";\n${code}`;
  }
}
