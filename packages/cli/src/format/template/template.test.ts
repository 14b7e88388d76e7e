import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasCode } from "@slipway/fault/fault";
import { parseTemplate } from "../template.ts";

const web = {
  Name: "web",
  State: { Status: "running", ExitCode: 0, Pid: 42 },
  Config: { Env: ["A=b", "PATH=/bin"], Labels: { "org.x": "y", a: "1" }, Cmd: ["sh", "-c", "echo hi"] },
  Mounts: [
    { Source: "/a", Destination: "/b" },
    { Source: "/c", Destination: "/d" },
  ],
  NetworkSettings: { Networks: {} },
  Label: (name: string) => (name === "a" ? "1" : ""),
};

// What `docker inspect` and Go's text/template print of the same.
const cases = [
  ["{{.Name}} {{ .State.Pid }}", "web 42"],
  ["{{.Config.Env}} {{.Config.Labels}}", "[A=b PATH=/bin] map[a:1 org.x:y]"],
  ["{{json .Config.Cmd}} {{.Config.Cmd | json}}", '["sh","-c","echo hi"] ["sh","-c","echo hi"]'],
  ['{{index .Config.Labels "org.x"}}|{{index .Config.Labels "no"}}|{{index .Config.Env 1}}', "y||PATH=/bin"],
  ["{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "/a:/b /c:/d "],
  ["{{range $i, $m := .Mounts}}{{$i}}={{$m.Source}},{{$.Name}} {{end}}", "0=/a,web 1=/c,web "],
  ["{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=1;org.x=y;"],
  ["{{range .NetworkSettings.Networks}}{{.IPAddress}}{{else}}none{{end}}", "none"],
  ['{{if eq .State.Status "exited" "running"}}up{{else}}down{{end}}', "up"],
  ["{{if .State.Health}}{{.State.Health.Status}}{{else if .State.Pid}}unchecked{{end}}", "unchecked"],
  ["{{with .State}}{{.Status}}{{end}}{{with .Nothing}}x{{end}}", "running"],
  ["{{$s := .State}}{{$s.Status}} {{(index .Mounts 1).Source}}", "running /c"],
  ['{{if and (gt .State.Pid 1) (not .Paused)}}{{printf "%-5s|%d" .Name .State.Pid}}{{end}}', "web  |42"],
  [
    '{{join .Config.Cmd " "}} {{len .Mounts}} {{upper .Name}} {{title "a b"}} {{slice .Name 1 2}}',
    "sh -c echo hi 2 WEB A B e",
  ],
  ['{{println .Name}}{{split "a,b" ","}}{{truncate .Name 2}}', "web\n[a b]we"],
  [String.raw`a\t{{- /* no */ -}} {{"x\ty}}"}}`, "ax\ty}}"],
  ['{{.Label "a"}}-{{.Label "b"}}', "1-"],
  ["{{json .State}}", '{"Status":"running","ExitCode":0,"Pid":42}'],
] as const;

describe("parseTemplate", () => {
  for (const [template, text] of cases) {
    it(`fills ${template}`, () => assert.equal(parseTemplate(template)(web), text));
  }

  for (const [template, what] of [
    ["{{.Name", "Name"],
    ["{{if .Name}}x", "if"],
    ["{{end}}", "end"],
    ["{{nope .Name}}", '"nope"'],
    ["{{.Nope}}", '"Nope"'],
    ["{{.State.Nope}}", '"Nope"'],
    ["{{$x}}", '"$x"'],
    ["{{index .Mounts 7}}", "7"],
    ["{{(.Name}}", "Name"],
    ["{{}}", "{{}}"],
  ] as const) {
    it(`refuses ${template}`, () =>
      assert.throws(
        () => parseTemplate(template)(web),
        (error: Error) => hasCode(error, "invalid_argument") && error.message.includes(what),
      ));
  }
});
