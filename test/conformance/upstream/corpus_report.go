// SPDX-License-Identifier: Apache-2.0
//
// Counts by file of a corpus run, and a list of the cases that were not run or failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sort"
	"strings"
)

// A case of the corpus: the hardest class of its queries decides.
type corpusCase struct {
	name, file, class, why string
	failed                 bool
	output                 []string
}

// What a stable case needs that we do not have; docs/differences.md says so, too.
var corpusExceptions = map[string]string{
	`start_timestamps.test:284 rate(counter_total{type="overlap"}[3m])`: "warns of start timestamps that overlap, which we do not keep",
}

var (
	caseName    = regexp.MustCompile(`^Corpus/testdata/([^/]+)\.test/line_(\d+)/(.*)$`)
	caseVerdict = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \(`)
)

func runCorpus(o Options) *Result {
	self, err := os.Executable()
	if err != nil {
		return broken("corpus", err)
	}
	c := exec.Command(self, "corpus-child", o.Plimsoll)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return broken("corpus", err)
	}
	if err := c.Start(); err != nil {
		return broken("corpus", err)
	}
	cases := readCases(out)
	_ = c.Wait() // its status repeats the verdicts
	return reportCorpus(o, cases)
}

// readCases understands the output of -test.v: which case runs, what it says, how it ends.
func readCases(r io.Reader) []*corpusCase {
	rank := map[string]int{"": 0, "stable": 1, "experimental": 2, "histogram": 3}
	byName := map[string]*corpusCase{}
	var list []*corpusCase
	var now *corpusCase
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 1<<20), 1<<26)
	for sc.Scan() {
		line := sc.Text()
		if name, ok := strings.CutPrefix(line, "=== RUN   "); ok {
			now = nil
			if m := caseName.FindStringSubmatch(name); m != nil {
				now = &corpusCase{name: m[1] + ".test:" + m[2] + " " + m[3], file: m[1]}
				byName[name] = now
				list = append(list, now)
			}
			continue
		}
		if m := caseVerdict.FindStringSubmatch(line); m != nil {
			if x := byName[m[2]]; x != nil {
				x.failed = m[1] != "PASS"
			}
			continue
		}
		if now == nil {
			continue
		}
		if i := strings.Index(line, caseMark); i >= 0 {
			var c struct{ Class, Why string }
			if json.Unmarshal([]byte(line[i+len(caseMark):]), &c) == nil && rank[c.Class] > rank[now.class] {
				now.class, now.why = c.Class, c.Why
			}
		} else if t := strings.TrimSpace(line); t != "" {
			now.output = append(now.output, t)
		}
	}
	return list
}

func reportCorpus(o Options, cases []*corpusCase) *Result {
	type row struct{ stable, stableGood, experimental, experimentalGood, histogram int }
	rows, total := map[string]*row{}, row{}
	r := newResult("corpus")
	reasons := map[string]int{}
	for _, c := range cases {
		x := rows[c.file]
		if x == nil {
			x = &row{}
			rows[c.file] = x
		}
		good := 1
		if c.failed {
			good = 0
		}
		switch c.class {
		case "stable":
			x.stable, x.stableGood = x.stable+1, x.stableGood+good
			why, known := corpusExceptions[c.name]
			switch {
			case !c.failed:
				r.pass()
			case known:
				r.skip("%s: %s", c.name, why)
			default:
				r.fail("%s\n    %s", c.name, strings.Join(c.output[:min(8, len(c.output))], "\n    "))
			}
		case "experimental":
			x.experimental, x.experimentalGood = x.experimental+1, x.experimentalGood+good
			verdict := "agrees"
			if c.failed {
				verdict = "differs"
			}
			reasons[c.why+" "+verdict]++
			r.skip("%s: needs %s (%s)", c.name, c.why, verdict)
		case "histogram":
			x.histogram++
			r.skip("%s: native histograms", c.name)
		default:
			r.fail("%s: asked nothing\n    %s", c.name, strings.Join(c.output, "\n    "))
		}
	}
	o.say("%-24s %16s %16s %10s\n", "file", "stable", "experimental", "histogram")
	line := func(name string, x *row) {
		o.say("%-24s %7d of %5d %7d of %5d %10d\n", name, x.stableGood, x.stable, x.experimentalGood, x.experimental, x.histogram)
	}
	files := sortedKeys(rows)
	for _, f := range files {
		x := rows[f]
		line(f, x)
		total.stable += x.stable
		total.stableGood += x.stableGood
		total.experimental += x.experimental
		total.experimentalGood += x.experimentalGood
		total.histogram += x.histogram
	}
	line("total", &total)
	var why []string
	for k, n := range reasons {
		why = append(why, fmt.Sprintf("%s %d", k, n))
	}
	sort.Strings(why)
	o.say("experimental, not part of the claim: %s\n", strings.Join(why, ", "))
	r.summary = fmt.Sprintf("%d of %d stable float cases", total.stableGood, total.stable)
	return r
}
