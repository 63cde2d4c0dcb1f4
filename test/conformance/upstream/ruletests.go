// SPDX-License-Identifier: Apache-2.0
//
// promtool's own unit-test files: `plimsoll test rules` gives the verdict that promtool's tests expect.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Files about which the verdict differs for a reason; docs/differences.md says so, too.
var ruleTestExceptions = map[string]string{}

type ruleTest struct {
	name   string
	files  []string
	flags  []string
	passes bool
	skip   string
}

// ruleTests reads the table of promtool's own test.
func ruleTests(o Options) ([]ruleTest, error) {
	f, err := sourceOf(o, "cmd/promtool/unittest_test.go")
	if err != nil {
		return nil, err
	}
	var out []ruleTest
	ast.Inspect(f, func(x ast.Node) bool {
		e, ok := x.(ast.Expr)
		if !ok {
			return true
		}
		row := fieldsOf(e)
		if row["name"] == nil || row["args"] == nil {
			return true
		}
		t := ruleTest{passes: true}
		t.name, _ = constantString(row["name"])
		if files, ok := fieldsOf(row["args"])["files"].(*ast.CompositeLit); ok {
			for _, file := range files.Elts {
				if s, ok := constantString(file); ok {
					t.files = append(t.files, s)
				}
			}
		}
		if want, ok := row["want"].(*ast.BasicLit); ok {
			t.passes = want.Value == "0"
		}
		if strings.HasPrefix(t.name, "Disabled feature") {
			t.skip = "the feature is always on in Prometheus 3"
		}
		if run, ok := fieldsOf(row["args"])["run"].(*ast.CompositeLit); ok {
			for _, e := range run.Elts {
				if s, ok := constantString(e); ok {
					t.flags = append(t.flags, "--run", s)
				}
			}
		}
		if row["ignoreUnknownFields"] != nil {
			t.skip = "ignores unknown fields, which we refuse always"
		}
		out = append(out, t)
		return false
	})
	if len(out) == 0 {
		return nil, errors.New("no table in promtool's test")
	}
	return out, nil
}

func runRuleTests(o Options) *Result {
	r := newResult("ruletests")
	tests, err := ruleTests(o)
	if err != nil {
		return broken("ruletests", err)
	}
	if _, output, err := testRules(o); err != nil && strings.Contains(output, "not expected") {
		for _, t := range tests {
			r.skip("%s: this plimsoll has no verb test rules", t.name)
		}
		r.summary = "no verb test rules"
		return r
	}
	for _, t := range tests {
		if t.skip != "" || len(t.files) == 0 {
			r.skip("%s: %s", t.name, t.skip)
			continue
		}
		for _, file := range t.files {
			path := filepath.Join(o.Module, "cmd/promtool", file)
			text, err := os.ReadFile(path)
			if err != nil {
				r.fail("%s: %v", t.name, err)
				continue
			}
			passes, output, err := testRules(o, append(t.flags, path)...)
			switch name := filepath.Base(file); {
			case err != nil:
				r.fail("%s: %s: %v", t.name, name, err)
			case passes == t.passes:
				r.pass()
			case ruleTestExceptions[name] != "":
				r.skip("%s: %s: %s", t.name, name, ruleTestExceptions[name])
			case regexp.MustCompile(`alert_rule_test:`).Match(text):
				r.skip("%s: %s: tests alerts, which we do not evaluate", t.name, name)
			default:
				r.fail("%s: %s: promtool passes: %v; we: %v\n%s", t.name, name, t.passes, passes, output)
			}
		}
	}
	r.summary = fmt.Sprintf("%d rows of promtool's table", len(tests))
	return r
}

// testRules runs the verb on one file; exit status 2 is an error.
func testRules(o Options, args ...string) (passes bool, output string, err error) {
	c := exec.Command(o.Plimsoll, append([]string{"test", "rules"}, args...)...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, out.String(), nil
	}
	return err == nil, out.String(), err
}
