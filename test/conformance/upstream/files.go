// SPDX-License-Identifier: Apache-2.0
//
// Rule files and configuration files that Prometheus tests itself with: `plimsoll check rules` and
// `plimsoll check config` give the same verdict, and refuse by name what we do not have.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// check runs a verb of the product and returns whether it said good, and what it printed.
func check(o Options, args ...string) (good bool, output string, err error) {
	c := exec.Command(o.Plimsoll, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err = c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, out.String(), nil
	}
	return err == nil, out.String(), err
}

// Rule files about which we differ on purpose; docs/differences.md says so, too.
var ruleFileExceptions = map[string]string{
	"cmd/promtool/testdata/rules-bad.yml": "a template in an annotation of an alert, which we do not parse",
}

func runRuleFiles(o Options) *Result {
	r := newResult("rules")
	var files []string
	for _, pattern := range []string{"model/rulefmt/testdata/*.y*ml", "rules/fixtures/*.yaml", "cmd/promtool/testdata/*rules*.yml", "cmd/promtool/testdata/at-modifier.yml", "cmd/promtool/testdata/negative-offset.yml"} {
		found, err := filepath.Glob(filepath.Join(o.Module, pattern))
		if err != nil {
			return broken("rules", err)
		}
		files = append(files, found...)
	}
	p := parser.NewParser(parser.Options{})
	quiet := slog.New(slog.DiscardHandler)
	for _, f := range files {
		name, _ := filepath.Rel(o.Module, f)
		text, err := os.ReadFile(f)
		if err != nil {
			r.fail("%s: %v", name, err)
			continue
		}
		if !regexp.MustCompile(`(?m)^groups:`).Match(text) {
			r.skip("%s: not a rule file", name)
			continue
		}
		_, errs := rulefmt.ParseFile(f, false, model.UTF8Validation, p, quiet)
		good, output, err := check(o, "check", "rules", f)
		switch {
		case err != nil:
			r.fail("%s: %v", name, err)
		case good == (len(errs) == 0):
			r.pass()
		case ruleFileExceptions[name] != "":
			r.skip("%s: %s", name, ruleFileExceptions[name])
		default:
			r.fail("%s: Prometheus says %v; we say %s", name, errs, strings.TrimSpace(output))
		}
	}
	r.summary = fmt.Sprintf("%d rule files", len(files))
	return r
}

// What a configuration can hold that we refuse by name; docs/configuration.md lists it.
var foreignSection = regexp.MustCompile(`(?m)^\s*-?\s*((?:alerting|remote_write|remote_read|tracing|otlp|storage|runtime|oauth2|sigv4|azuread|google_iam|proxy_url|proxy_from_environment|no_proxy|proxy_connect_header|query_log_file|scrape_failure_log_file|[a-z_0-9]+_ref)|(?:[a-z_0-9]+_sd_configs))\s*:`)

// foreign names the first thing of a configuration that is not ours; empty when there is none.
func foreign(text []byte) string {
	for _, m := range foreignSection.FindAllSubmatch(text, -1) {
		if s := string(m[1]); s != "file_sd_configs" {
			return s
		}
	}
	return ""
}

// Files about which we differ for a reason that is no section; docs/configuration.md says so, too.
var configExceptions = map[string]string{}

func runConfigFiles(o Options) *Result {
	r := newResult("config")
	files, err := filepath.Glob(filepath.Join(o.Module, "config/testdata/*.yml"))
	if err != nil || len(files) == 0 {
		return broken("config", fmt.Errorf("no files: %v", err))
	}
	sort.Strings(files)
	quiet := slog.New(slog.DiscardHandler)
	bad, goods, named := 0, 0, 0
	for _, f := range files {
		name := filepath.Base(f)
		text, err := os.ReadFile(f)
		if err != nil {
			r.fail("%s: %v", name, err)
			continue
		}
		// Discovery kinds are linked in by the server, not by this program, so a file's name says what
		// is expected of it; where both can judge, Prometheus's code does.
		section := foreign(text)
		cfg, wantErr := config.LoadFile(f, false, quiet)
		if wantErr == nil {
			_, wantErr = cfg.GetScrapeConfigs() // reads the files that it names
		}
		if section != "" {
			wantErr = nil
			if strings.Contains(name, ".bad.") {
				wantErr = errors.New("a bad file")
			}
		}
		good, output, err := check(o, "check", "config", f)
		output = strings.TrimSpace(output)
		switch {
		case err != nil:
			r.fail("%s: %v", name, err)
		case configExceptions[name] != "":
			r.skip("%s: %s", name, configExceptions[name])
		case wantErr != nil && !good:
			bad++
			r.pass()
		case wantErr == nil && good:
			goods++
			r.pass()
		case section != "" && strings.Contains(output, section), strings.Contains(output, "is not supported by plimsoll"):
			named++
			r.pass()
		default:
			r.fail("%s: Prometheus says %v; we say %s (section of ours to refuse: %q)", name, wantErr, output, section)
		}
	}
	r.summary = fmt.Sprintf("%d files: %d refused by both, %d taken by both, %d refused by us for a section that we name", len(files), bad, goods, named)
	return r
}
