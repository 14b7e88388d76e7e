import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

const maxBuffer = 1 << 28;

export function shell(script: string, directory: string): Buffer {
  return execFileSync("sh", ["-ec", script], {
    cwd: directory,
    maxBuffer,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Everything about everything below `path`, a line each: to compare trees. */
export function listTree(path: string): string[] {
  const script = `
    find . -mindepth 1 ! -type d -printf '%P %y %m %U %G %n %s %T@ %l\\n' | sort
    find . -mindepth 1 -type d -printf '%P %y %m %U %G %T@\\n' | sort
    find . -mindepth 1 \\( -type c -o -type b \\) -exec stat -c '%n %t:%T' {} + | sort
    find . -type f -exec sha256sum {} + | sort
    getfattr -hdR -m - -e hex .`;
  return shell(script, path).toString("latin1").split("\n");
}

/** Makes a tree of every kind of file, with every attribute that tar can carry. */
export function makeTree(path: string): string {
  mkdirSync(path, { recursive: true });
  const long = `${"x".repeat(120)}/${"y".repeat(120)}`;
  const script = `
    mkdir -p a/b/c "${long}" empty sticky
    echo hello > a/file; ln a/file a/b/hard; ln a/file hard
    ln -s file a/link; ln -s "$(printf 'z%.0s' $(seq 150))" dangling; ln -s /a absolute
    echo long > "${long}/file"; ln "${long}/file" a/hard-to-long
    mkfifo fifo; mknod null c 1 3; mknod big b 300 70000
    echo x > setuid; chown 3000000:4000000 setuid; chmod 6755 setuid; chmod 1777 sticky; chmod 000 empty
    truncate -s 5M a/sparse; printf data >> a/sparse
    printf data > a/hole; for i in 1 2 3 4 5 6 7; do truncate -s +1M a/hole; printf "$i" >> a/hole; done; truncate -s +1M a/hole
    head -c 300000 /dev/urandom > a/random; : > zero
    setfattr -n user.note -v 'line
two' a/random; setfattr -n user.empty a/random; setfattr -n user.dir -v d a/b
    printf n > "$(printf 'not-utf8-\\377')"; printf n > "ütf"
    touch -d '2001-02-03 04:05:06.789012345' a/random a/b; touch -hd '2002-02-02 01:01:01.5' a/link`;
  shell(script, path);
  return path;
}
