#!/bin/sh
# runc for machines whose kernel criu does not know: a checkpoint is a file that says what was asked for, and a restore
# starts the container anew when that file is there. Everything else is runc's.
# Found on the PATH as runc itself, it must not find itself.
runc=${REAL_RUNC:-runc}
verb= image= bundle= pid_file= leave= root= last=
previous=
for word; do
  case "$previous" in
    --image-path) image=$word ;;
    --bundle) bundle=$word ;;
    --pid-file) pid_file=$word ;;
    --root) root=$word ;;
  esac
  case "$word" in
    checkpoint | restore) verb=${verb:-$word} ;;
    --leave-running) leave=yes ;;
  esac
  previous=$word
  last=$word
done
case "$verb" in
  checkpoint)
    mkdir -p "$image/sub"
    echo "pages of a container" >"$image/sub/pages-1.img"
    [ -n "$leave" ] || exec "$runc" --root "$root" kill "$last" KILL
    ;;
  restore)
    [ "$(cat "$image/sub/pages-1.img")" = "pages of a container" ] || exit 1
    "$runc" --root "$root" create --bundle "$bundle" --pid-file "$pid_file" "$last" && exec "$runc" --root "$root" start "$last"
    ;;
  *) exec "$runc" "$@" ;;
esac
