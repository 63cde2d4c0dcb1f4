// SPDX-License-Identifier: Apache-2.0
//
// The query file of the public PromQL compliance project, by path: its templates expanded, range
// answers of both engines over identical data compared as that project's tester does.
package main

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v2"
)

// What the file's templates range over; the tester has these lists in its code, not in the file.
var complianceArguments = map[string]string{
	"range": "1s 15s 1m 5m 15m 1h", "offset": "1m 5m 10m",
	"simpleAggrOp": "sum avg max min count stddev stdvar", "simpleTimeAggrOp": "sum avg max min count stddev stdvar absent last",
	"topBottomOp": "topk bottomk", "quantile": "-0.5 0.1 0.5 0.75 0.95 0.90 0.99 1 1.5",
	"arithBinOp": "+ - * / % ^", "compBinOp": "== != < > <= >=", "binOp": "+ - * / % ^ == != < > <= >=",
	"simpleMathFunc": "abs ceil floor exp sqrt ln log2 log10 round", "extrapolatedRateFunc": "delta rate increase",
	"clampFunc": "clamp_min clamp_max", "instantRateFunc": "idelta irate",
	"dateFunc": "day_of_month day_of_week days_in_month hour minute month year",
}

const complianceTolerance = 1e-5

type complianceCase struct {
	Query       string
	VariantArgs []string `yaml:"variant_args"`
	ShouldFail  bool     `yaml:"should_fail"`
}

func (c complianceCase) expand() ([]string, error) {
	out := []string{c.Query}
	for _, arg := range c.VariantArgs {
		values := strings.Fields(complianceArguments[arg])
		if len(values) == 0 {
			return nil, fmt.Errorf("unknown argument %q of %q", arg, c.Query)
		}
		var next []string
		for _, q := range out {
			for _, v := range values {
				next = append(next, strings.ReplaceAll(q, "{{."+arg+"}}", v))
			}
		}
		out = next
	}
	return out, nil
}

func runCompliance(o Options) *Result {
	r := newResult("compliance")
	if o.Compliance == "" {
		r.skip("no --compliance FILE: the query file is not ours")
		r.summary = "not asked for"
		return r
	}
	text, err := os.ReadFile(o.Compliance)
	if err != nil {
		return broken("compliance", err)
	}
	var file struct {
		TestCases []complianceCase `yaml:"test_cases"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return broken("compliance", err)
	}
	data := demoData()
	memory, engine := newMemory(data), serverSettings().engine()
	product, err := newProduct(o.Plimsoll, serverSettings())
	if err == nil {
		err = product.hold(data)
	}
	if err != nil {
		return broken("compliance", err)
	}
	defer product.close()
	total, failing, obsolete, empty := 0, 0, 0, 0
	for _, c := range file.TestCases {
		exprs, err := c.expand()
		if err != nil {
			r.fail("%v", err)
			continue
		}
		for _, expr := range exprs {
			total++
			q := Query{Expr: expr, Start: demoEnd - 60000 - 600000, End: demoEnd - 60000, Step: 10000}
			want, got := reference(engine, memory, q), product.ask(q)
			switch {
			case c.ShouldFail && want.failed() && got.failed():
				failing++
				r.pass()
				continue
			case c.ShouldFail && want.failed() != got.failed():
				r.fail("%s: should fail; Prometheus: %s; we: %s", expr, want, got)
				continue
			case c.ShouldFail: // Prometheus 3 takes what 2 refused: compared as an ordinary case
				obsolete++
			}
			if want.empty() {
				empty++
			}
			if d := compare(want, got, Rules{Tolerance: complianceTolerance}); d.found() || want.failed() {
				r.fail("%s: %s: %s", expr, d.Kind, d.Detail)
				continue
			}
			r.pass()
		}
	}
	r.summary = fmt.Sprintf("%d of %d; %d fail on both sides as they should, %d should-fail cases are obsolete with Prometheus 3 and compared as ordinary ones; %d answers are empty; no tweaks",
		r.passed, total, failing, obsolete, empty)
	return r
}
