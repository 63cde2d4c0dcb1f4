// SPDX-License-Identifier: Apache-2.0
//
// Judges the generator and the comparison: twenty and some faults, each put alone into a copy of the
// reference, must be found by random expressions.
//
// The copy is a second build of this program against a patched copy of Prometheus's module in a temporary
// folder; a fault is a replacement in one of its source files that an environment variable switches on, or
// a change of what this program feeds it. Neither plimsoll nor the reference
// that judges it ever holds a fault.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/value"
)

const (
	faultVariable   = "CONFORM_FAULT"
	faultWithin     = 50000 // expressions
	faultFileInside = `package %s

import "os"

func conformFault(name string) bool { return conformFaultName == name }

func conformPick[T any](name string, faulty, right T) T {
	if conformFaultName == name {
		return faulty
	}
	return right
}

var conformFaultName = os.Getenv("` + faultVariable + `")
`
)

type fault struct {
	name, meaning  string
	file, old, new string // file is empty when the fault is made by serve.go
}

var faults = []fault{
	{"left-closed-range", "a range includes its left end", "promql/engine.go", "mint := maxt - selRange\n", "mint := maxt - selRange - conformPick[int64](\"left-closed-range\", 1, 0)\n"},
	{"left-closed-lookback", "a sample as old as the lookback counts", "", "", ""},
	{"no-neumaier", "sums without compensation", "util/kahansum/kahansum.go", "t := sum + inc\n", "t := sum + inc\n\tif conformFault(\"no-neumaier\") {\n\t\treturn t, 0\n\t}\n"},
	{"stale-ignored", "staleness markers are not seen", "", "", ""},
	{"offset-lost-by-at", "an offset beside @ is ignored", "promql/engine.go", "return originalOffset + offsetDiff\n", "return conformPick(\"offset-lost-by-at\", 0, originalOffset) + offsetDiff\n"},
	{"at-end-is-start", "@ end() means @ start()", "promql/engine.go", "n.Timestamp = makeInt64Pointer(timestamp.FromTime(end))\n\t\t}\n\t\treturn n.Timestamp != nil, n.Timestamp != nil", "n.Timestamp = makeInt64Pointer(timestamp.FromTime(conformPick(\"at-end-is-start\", start, end)))\n\t\t}\n\t\treturn n.Timestamp != nil, n.Timestamp != nil"},
	{"reset-ignored", "rate() does not see counter resets", "promql/functions.go", "if currPoint.F < prevPoint.F || (i+1", "if currPoint.F < prevPoint.F && !conformFault(\"reset-ignored\") || (i+1"},
	{"extrapolation-threshold", "the threshold of extrapolation is 1, not 1.1", "promql/functions.go", "averageDurationBetweenSamples * 1.1\n", "averageDurationBetweenSamples * conformPick(\"extrapolation-threshold\", 1.0, 1.1)\n"},
	{"zero-point-ignored", "rate() extrapolates a counter below zero", "promql/functions.go", "samples.Floats[0].F >= 0 {", "samples.Floats[0].F >= 0 && !conformFault(\"zero-point-ignored\") {"},
	{"subquery-unaligned", "subqueries begin where their range does", "promql/engine.go", "start = interval * ((ev.startTimestamp - offsetMillis - rangeMillis) / interval)\n", "start = interval * ((ev.startTimestamp - offsetMillis - rangeMillis) / interval)\n\tif conformFault(\"subquery-unaligned\") {\n\t\tstart = ev.startTimestamp - offsetMillis - rangeMillis\n\t}\n"},
	{"subquery-left-closed", "a subquery includes its left end", "promql/engine.go", "if start <= (ev.startTimestamp - offsetMillis - rangeMillis) {", "if start < (ev.startTimestamp - offsetMillis - rangeMillis) || start == (ev.startTimestamp-offsetMillis-rangeMillis) && !conformFault(\"subquery-left-closed\") {"},
	{"name-kept", "abs() and its like keep the metric's name", "promql/functions.go", "for _, el := range vectorVals[0] {\n\t\tif el.H == nil { // Process only float samples.\n\t\t\tif !enh.enableDelayedNameRemoval {", "for _, el := range vectorVals[0] {\n\t\tif el.H == nil { // Process only float samples.\n\t\t\tif !enh.enableDelayedNameRemoval && !conformFault(\"name-kept\") {"},
	{"greater-returns-right", "a comparison by > returns its right side", "promql/engine.go", "return lhs, nil, lhs > rhs, nil, nil", "return conformPick(\"greater-returns-right\", rhs, lhs), nil, lhs > rhs, nil, nil"},
	{"include-lost", "group_left(label) does not copy the label", "promql/engine.go", "if v := rhs.Get(ln); v != \"\" {", "if v := rhs.Get(ln); v != \"\" && !conformFault(\"include-lost\") {"},
	{"quantile-not-interpolated", "quantiles take the lower of two values", "promql/quantile.go", "weight := rank - math.Floor(rank)\n", "weight := (rank - math.Floor(rank)) * conformPick(\"quantile-not-interpolated\", 0.0, 1.0)\n"},
	{"max-keeps-nan", "max() keeps a NaN that comes first", "promql/engine.go", "if group.floatValue < f || math.IsNaN(group.floatValue) {", "if group.floatValue < f || math.IsNaN(group.floatValue) && !conformFault(\"max-keeps-nan\") {"},
	{"buckets-not-monotonic", "histogram buckets are taken as they are", "promql/quantile.go", "prev := buckets[0].Count\n", "prev := buckets[0].Count\n\tif conformFault(\"buckets-not-monotonic\") {\n\t\treturn false, false, 0, 0, 0\n\t}\n"},
	{"irate-reset-ignored", "irate() does not see a reset", "promql/functions.go", "if !isRate || !(ss[1].F < ss[0].F ||", "if !isRate || !(ss[1].F < ss[0].F && !conformFault(\"irate-reset-ignored\") ||"},
	{"timestamp-of-step", "timestamp() of a selector is the time of the step", "promql/engine.go", "if e.Func.Name == \"timestamp\" ||", "if e.Func.Name == \"timestamp\" && !conformFault(\"timestamp-of-step\") ||"},
	{"absent-label-twice", "absent() keeps a label that two matchers name", "promql/functions.go", "} else {\n\t\t\tb.Del(ma.Name)", "} else if !conformFault(\"absent-label-twice\") {\n\t\t\tb.Del(ma.Name)"},
	{"regex-unanchored", "=~ looks for the expression anywhere", "", "", ""},
	{"changes-of-nan", "changes() counts NaN after NaN", "promql/functions.go", "if curSample.F != prevSample.F && !(math.IsNaN(curSample.F) && math.IsNaN(prevSample.F)) {", "if curSample.F != prevSample.F && (conformFault(\"changes-of-nan\") || !(math.IsNaN(curSample.F) && math.IsNaN(prevSample.F))) {"},
	{"times-rounded", "sample times lose their last bit", "", "", ""},
	{"default-step", "a subquery without a step has another one", "", "", ""},
}

// buildFaulty makes the copy; it returns the program.
func buildFaulty(o Options, dir string) (string, error) {
	sources := map[string]string{}
	packages := map[string]string{}
	for _, f := range faults {
		if f.file == "" {
			continue
		}
		if _, ok := sources[f.file]; !ok {
			text, err := os.ReadFile(filepath.Join(o.Module, f.file))
			if err != nil {
				return "", err
			}
			sources[f.file] = string(text)
		}
		if n := strings.Count(sources[f.file], f.old); n != 1 {
			return "", fmt.Errorf("fault %s: %s holds its place %d times", f.name, f.file, n)
		}
		sources[f.file] = strings.Replace(sources[f.file], f.old, f.new, 1)
		packages[filepath.Dir(f.file)] = filepath.Base(filepath.Dir(f.file))
	}
	for folder, name := range packages {
		sources[filepath.Join(folder, "conform_fault.go")] = fmt.Sprintf(faultFileInside, name)
	}
	copied := filepath.Join(dir, "prometheus")
	if err := copyModule(o.Module, copied, sources); err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(o.Source, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(o.Source, "go.sum"))
	if err != nil {
		return "", err
	}
	modFile := filepath.Join(dir, "faulty.mod")
	mod = fmt.Appendf(mod, "\nreplace %s => %s\n", prometheusModule, copied)
	if err := errors.Join(os.WriteFile(modFile, mod, 0o644), os.WriteFile(filepath.Join(dir, "faulty.sum"), sum, 0o644)); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "faulty")
	c := exec.Command("go", "build", "-buildvcs=false", "-modfile", modFile, "-o", program, ".")
	c.Dir = o.Source
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		return "", errors.Join(err, errors.New(out.String()))
	}
	return program, nil
}

// copyModule copies what a build needs of a module; `changed` are the files that are to be other than they are.
func copyModule(from, to string, changed map[string]string) error {
	for path, text := range changed {
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(path)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir() && (name == "web/ui" || name == "documentation" || name == "docs"):
			return filepath.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case changed[name] != "" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
}

// runJudge looks for each fault; it takes minutes, so only --judge asks for it.
func runJudge(o Options) *Result {
	r := newResult("judge")
	if !o.Judge {
		r.skip("no --judge")
		r.summary = "not asked for"
		return r
	}
	dir, err := os.MkdirTemp("", "conform")
	if err != nil {
		return broken("judge", err)
	}
	defer os.RemoveAll(dir)
	program, err := buildFaulty(o, dir)
	if err != nil {
		return broken("judge", err)
	}
	look := func(name string, limit int) (*Fuzz, error) {
		if err := os.Setenv(faultVariable, name); err != nil {
			return nil, err
		}
		defer os.Unsetenv(faultVariable)
		f, err := newFuzz(o, program)
		if err != nil {
			return nil, err
		}
		defer f.product.close()
		f.firstOnly = true
		for world := int64(0); f.asked < limit && f.differ == 0; world++ {
			f.world(o.Seed*1000000, world, min(expressionsPerWorld, limit-f.asked))
		}
		return f, nil
	}
	f, err := look("none", 5000)
	if err != nil {
		return broken("judge", err)
	}
	if f.differ > 0 {
		r.fail("without a fault the copy differs: %v", f.finds)
	}
	for _, x := range faults {
		start := time.Now()
		f, err := look(x.name, faultWithin)
		switch {
		case err != nil:
			r.fail("%s: %v", x.name, err)
		case f.differ == 0:
			r.fail("%s (%s) was not found in %d expressions", x.name, x.meaning, f.asked)
		default:
			shown := ""
			for _, list := range f.finds {
				shown = strings.SplitN(list[0], "\n", 2)[0]
			}
			o.say("%-26s found after %6d expressions (%.1f s): %s\n", x.name, f.asked, time.Since(start).Seconds(), shown)
			r.pass()
		}
	}
	r.summary = fmt.Sprintf("%d of %d seeded faults found within %d expressions", r.passed, len(faults), faultWithin)
	return r
}

// faultyData makes the faults that are in the data.
func faultyData(ss []Series) []Series {
	switch os.Getenv(faultVariable) {
	case "stale-ignored":
		for i := range ss {
			var kept []Point
			for _, p := range ss[i].Points {
				if !value.IsStaleNaN(p.V) {
					kept = append(kept, p)
				}
			}
			ss[i].Points = kept
		}
	case "times-rounded":
		for i := range ss {
			for k := range ss[i].Points {
				ss[i].Points[k].T &^= 1
			}
		}
	}
	return ss
}
