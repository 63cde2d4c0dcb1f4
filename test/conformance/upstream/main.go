// SPDX-License-Identifier: Apache-2.0
//
// Command conform judges plimsoll against Prometheus's own code: the packages that its module
// publishes, at the version that go.mod pins. Test inputs are read from that module at run time;
// nothing of them is kept here. docs/conformance.md describes every part and its counts.
//
//	conform [--plimsoll BINARY] [--only PART,...] [--list FILE] [--random N] [--seed S] [--compliance FILE]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	Plimsoll   string // the tested binary
	Module     string // folder of Prometheus's sources, as the module cache has them
	Compliance string // query file
	Source     string // folder of this program's sources
	Programs   string // folder for Prometheus's own programs
	Judge      bool   // seed faults
	Features   string // of both engines, for random expressions
	Random     int    // expressions
	Seed       int64
	World      int64         // the first world, to see a find again
	For        time.Duration // longest run of random expressions; 0: until all are asked
	List       string        // where skipped cases are listed
	Show       int           // failures printed by each part
}

func (Options) say(format string, args ...any) { fmt.Printf(format, args...) }

// Result of one part.
type Result struct {
	part     string
	passed   int
	failures []string
	skips    []string
	summary  string
}

func newResult(part string) *Result { return &Result{part: part} }

func broken(part string, err error) *Result {
	r := newResult(part)
	r.fail("%v", err)
	return r
}

func (r *Result) pass() { r.passed++ }
func (r *Result) fail(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *Result) skip(format string, args ...any) {
	r.skips = append(r.skips, fmt.Sprintf(format, args...))
}

// parts in the order in which they run.
var parts = []struct {
	name string
	run  func(Options) *Result
}{
	{"corpus", runCorpus},
	{"parser", runParserTable},
	{"rules", runRuleFiles},
	{"config", runConfigFiles},
	{"ruletests", runRuleTests},
	{"verdicts", runVerdicts},
	{"api", runAPI},
	{"relabel", runRelabel},
	{"textparse", runTextPages},
	{"compliance", runCompliance},
	{"random", runFuzz},
	{"judge", runJudge},
}

const prometheusModule = "github.com/prometheus/prometheus"

// moduleFolder finds the sources of the module that this program was built with.
func moduleFolder() (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", fmt.Errorf("no build information")
	}
	for _, m := range info.Deps {
		if m.Path != prometheusModule {
			continue
		}
		out, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			return "", fmt.Errorf("go env GOMODCACHE: %w", err)
		}
		dir := filepath.Join(strings.TrimSpace(string(out)), m.Path+"@"+m.Version)
		_, err = os.Stat(dir)
		return dir, err
	}
	return "", fmt.Errorf("built without %s", prometheusModule)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "corpus-child" {
		runCorpusChild(os.Args[2])
	}
	if len(os.Args) > 1 && os.Args[1] == "eval" {
		if err := serveReference(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "conform:", err)
			os.Exit(1)
		}
		return
	}
	var o Options
	only := flag.String("only", "", "comma-separated parts to run (default: all)")
	flag.StringVar(&o.Plimsoll, "plimsoll", "build/plimsoll", "the tested `binary`")
	flag.StringVar(&o.List, "list", "", "write every skipped case with its reason to this `file`")
	flag.StringVar(&o.Compliance, "compliance", "", "query `file` of the public PromQL compliance project")
	flag.StringVar(&o.Features, "enable-feature", "", "feature flags of both engines for random expressions, comma-separated")
	flag.BoolVar(&o.Judge, "judge", false, "judge the generator of expressions by seeded faults")
	flag.StringVar(&o.Source, "source", "test/conformance/upstream", "`folder` of this program's sources")
	flag.StringVar(&o.Programs, "programs", ".cache/conform", "`folder` for Prometheus's own programs, which are built from its module")
	flag.IntVar(&o.Random, "random", 20000, "random expressions")
	flag.Int64Var(&o.Seed, "seed", 1, "of the random expressions")
	flag.Int64Var(&o.World, "world", 0, "first world of the random expressions, as a find names it without the seed")
	flag.DurationVar(&o.For, "for", 0, "stop asking random expressions after this time, and report those asked")
	flag.IntVar(&o.Show, "show", 20, "failures to print of each part")
	flag.Parse()
	var err error
	if o.Module, err = moduleFolder(); err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(2)
	}
	var results []*Result
	for _, p := range parts {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		start := time.Now()
		o.say("=== %s\n", p.name)
		r := p.run(o)
		for i, f := range r.failures {
			if i == o.Show {
				o.say("... and %d more\n", len(r.failures)-i)
				break
			}
			o.say("FAIL %s\n", f)
		}
		o.say("=== %s: %d passed, %d failed, %d skipped; %s (%.1f s)\n\n", p.name, r.passed, len(r.failures), len(r.skips), r.summary, time.Since(start).Seconds())
		results = append(results, r)
	}
	os.Exit(finish(o, results))
}

// finish writes the list of skips and the one line that sums everything up.
func finish(o Options, results []*Result) int {
	passed, failed, skipped := 0, 0, 0
	var list strings.Builder
	for _, r := range results {
		passed, failed, skipped = passed+r.passed, failed+len(r.failures), skipped+len(r.skips)
		for _, s := range r.skips {
			fmt.Fprintf(&list, "%s: %s\n", r.part, s)
		}
	}
	if o.List != "" {
		if err := os.WriteFile(o.List, []byte(list.String()), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "conform:", err)
			return 2
		}
		o.say("skipped cases with their reasons: %s\n", o.List)
	}
	o.say("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || passed == 0 {
		return 1
	}
	return 0
}
