# Read by the programs in bin/ and by other scripts, which have set $root: finds the Node that runs them, and their code.

# The Node that the project pins, else the machine's.
find_node() {
  for node in "$root"/node_modules/node-linux-*/bin/node; do
    [ ! -x "$node" ] || return 0
  done
  node=node
}

# find_code NAME SOURCE: what `npm run build` made, while nothing that it was made of is newer; else the source.
find_code() {
  code=$root/dist/$1.cjs
  [ -e "$code" ] &&
    newer=$(find "$root/packages" "$root/package-lock.json" "$root/scripts/build.ts" -newer "$code" ! -name '*.test.ts' -print -quit) &&
    [ -z "$newer" ] || code=$root/$2
}

# keep_compiled NAME FOLDER: compiled code is kept from start to start; without it, source needs Node's compiler for
# TypeScript, too. Never in a folder that others may write to: FOLDER is for who cannot write to the project's own.
keep_compiled() {
  cache=$root/node_modules/.cache
  [ -w "$root/node_modules" ] || cache=$2
  # Whatever the umask is: who can write there has the next start run it.
  [ -d "$cache/$1" ] || (umask 022 && mkdir -p -m 700 "$cache/$1") 2>/dev/null || :
  export NODE_COMPILE_CACHE="$cache/$1"
}
