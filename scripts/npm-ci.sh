# Read by setup.sh and test.sh, at the project's root. npm_ci FLAG...: installs what the lock file says, and puts the
# pinned Node first on the PATH.
npm_ci() {
  own=$(node --version)
  npm ci --loglevel=error --no-audit --no-fund "$@"
  root=$PWD
  . scripts/launch.sh
  find_node
  PATH=$(dirname "$node"):$PATH
  # npm leaves out, silently, what the Node that runs it is too old for: the native parts of the tools. Debian 12 has 18.
  case $own in
    v1*) npm ci --loglevel=error --no-audit --no-fund "$@" ;;
  esac
}
