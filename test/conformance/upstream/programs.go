// SPDX-License-Identifier: Apache-2.0
//
// The parts that need Prometheus's own programs: promtool's verdicts about unit tests of rules, and a server
// that is asked the same as ours, scrapes our pages, and is queried by promtool. The programs are built from
// the module that this program pins; the comparisons are scripts that also run by themselves.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// buildProgram builds one of Prometheus's commands; Go's cache makes that quick from the second time on. The tag
// leaves out the service discoveries of clouds, which nothing here asks for.
func buildProgram(o Options, name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(o.Programs, name))
	if err != nil {
		return "", err
	}
	c := exec.Command("go", "build", "-buildvcs=false", "-tags", "remove_all_sd", "-ldflags", "-s -w", "-o", path, prometheusModule+"/cmd/"+name)
	c.Dir = o.Source
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// runScript shows what a script prints and returns it.
func runScript(o Options, script string, args ...string) (string, error) {
	c := exec.Command("python3", append([]string{filepath.Join(o.Source, "..", script)}, args...)...)
	var out bytes.Buffer
	c.Stdout = io.MultiWriter(os.Stdout, &out)
	c.Stderr = c.Stdout
	err := c.Run()
	return out.String(), err
}

// counted adds up the numbers before a word in a script's last line about all.
func counted(line string, what *regexp.Regexp) int {
	total := 0
	for _, m := range what.FindAllStringSubmatch(line, -1) {
		n, _ := strconv.Atoi(m[1]) // digits
		total += n
	}
	return total
}

func lastLineWith(out, word string) string {
	last := ""
	for _, line := range strings.Split(out, "\n") {
		if strings.HasPrefix(line, word) {
			last = line
		}
	}
	return last
}

// runVerdicts compares `plimsoll test rules` with promtool, test by test, on promtool's files, ours and the packs.
func runVerdicts(o Options) *Result {
	r := newResult("verdicts")
	promtool, err := buildProgram(o, "promtool")
	if err != nil {
		return broken("verdicts", err)
	}
	root := filepath.Join(o.Source, "..", "..", "..")
	out, err := runScript(o, "compare_rule_tests.py", o.Plimsoll, promtool, filepath.Join(root, "rules"),
		filepath.Join(root, "test", "conformance", "rules"), filepath.Join(o.Module, "cmd", "promtool", "testdata"))
	r.summary = lastLineWith(out, "total:")
	r.passed = counted(r.summary, regexp.MustCompile(`(\d+) same`))
	for _, m := range regexp.MustCompile(`(?m)^(\S+\.ya?ml): .*\bexcused: (.*)$`).FindAllStringSubmatch(out, -1) {
		r.skip("%s: %s", m[1], m[2])
	}
	if err != nil {
		r.fail("verdicts differ: %v", err)
	}
	return r
}

// runAPI asks a Prometheus and us the same, byte for byte; see compare_api.py.
func runAPI(o Options) *Result {
	r := newResult("api")
	prometheus, err := buildProgram(o, "prometheus")
	if err != nil {
		return broken("api", err)
	}
	promtool, err := buildProgram(o, "promtool")
	if err != nil {
		return broken("api", err)
	}
	queries, err := parserExpressions(o)
	if err != nil {
		return broken("api", err)
	}
	defer os.Remove(queries)
	out, err := runScript(o, "compare_api.py", "--prometheus", prometheus, "--promtool", promtool, "--plimsoll", o.Plimsoll, "--queries", queries)
	r.summary = lastLineWith(out, "requests ")
	r.passed = counted(r.summary, regexp.MustCompile(`\bsame (\d+)`))
	for _, m := range regexp.MustCompile(`(?m)^known: *(.*)$`).FindAllStringSubmatch(out, -1) {
		r.skip("%s", m[1])
	}
	if err != nil {
		r.fail("answers differ: %v", err)
	}
	return r
}

// parserExpressions writes what the parser's table holds to a file, for the prettifier and the syntax tree.
func parserExpressions(o Options) (string, error) {
	f, err := sourceOf(o, "promql/parser/parse_test.go")
	if err != nil {
		return "", err
	}
	rows, err := tableOf(f, "testExpr")
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "conform-*.jsonl")
	if err != nil {
		return "", err
	}
	defer file.Close()
	for _, row := range rows {
		if expr, ok := constantString(fieldsOf(row)["input"]); ok {
			line, _ := json.Marshal(map[string]string{"expr": expr}) // strings
			if _, err := fmt.Fprintf(file, "%s\n", line); err != nil {
				return "", err
			}
		}
	}
	return file.Name(), nil
}
