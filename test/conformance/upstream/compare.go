// SPDX-License-Identifier: Apache-2.0
//
// When two answers agree.
package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Rules says what must agree besides types, label sets, times and values.
type Rules struct {
	Tolerance float64 // relative; 0: the same bits (any NaN equals any other)
	Absolute  float64 // in addition, where the last bit of a logarithm is what is left
	Notes     bool    // warnings and infos, with their positions
	ErrorText bool
	Order     bool // of an instant vector
}

// Difference between two answers; the zero value: none.
type Difference struct {
	Kind, Detail string
	At           int64 // the first time at which a value differs
	HasAt        bool
}

func (d Difference) found() bool { return d.Kind != "" }

func (r Rules) near(a, b float64) bool {
	tolerance := r.Tolerance
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	if math.Float64bits(a) == math.Float64bits(b) {
		return true
	}
	if tolerance == 0 {
		return false
	}
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		// Go's exp overflows half a binary order before the C library's.
		return tolerance == libmTolerance && a*b > 0 && math.Min(math.Abs(a), math.Abs(b)) > math.MaxFloat64/4
	}
	return a == b || math.Abs(a-b) <= math.Max(r.Absolute, tolerance*math.Max(math.Abs(a), math.Abs(b)))
}

// sampleCount is part of one info: nested histogram_quantile() doubles the count at every step.
var sampleCount = regexp.MustCompile(`over \d+ samples`)

func withoutCounts(notes []string) []string {
	out := sorted(notes)
	for i := range out {
		out[i] = sampleCount.ReplaceAllString(out[i], "over N samples")
	}
	return out
}

// steady cuts out what Prometheus does not keep from run to run: which of several duplicate pairs it names.
func steady(s string) string {
	if strings.HasPrefix(s, "found duplicate series for the match group") {
		i, j, k := strings.Index(s, "{"), strings.LastIndex(s, "];"), strings.Index(s, " on the ")
		if i >= 0 && k > i && j > k {
			if h := strings.Index(s[k:], ": ["); h > 0 {
				return s[:i] + s[k:k+h] + s[j+1:]
			}
		}
	}
	return s
}

func byLabels(rows []Row) []Row {
	out := slices.Clone(rows)
	slices.SortStableFunc(out, func(a, b Row) int { return labels.Compare(a.Labels, b.Labels) })
	return out
}

// compare says how `got` differs from `want`.
func compare(want, got Answer, rules Rules) Difference {
	if want.failed() != got.failed() {
		return Difference{Kind: "verdict", Detail: fmt.Sprintf("want %s; got %s", want, got)}
	}
	if want.failed() {
		if want.ErrorType != got.ErrorType {
			return Difference{Kind: "error type", Detail: fmt.Sprintf("want %s; got %s", want, got)}
		}
		if rules.ErrorText && steady(want.Error) != steady(got.Error) {
			return Difference{Kind: "error text", Detail: fmt.Sprintf("want %q; got %q", want.Error, got.Error)}
		}
		return Difference{}
	}
	if want.Type != got.Type || want.Text != got.Text {
		return Difference{Kind: "type", Detail: fmt.Sprintf("want %s; got %s", want, got)}
	}
	if rules.Order {
		for i := range min(len(want.Rows), len(got.Rows)) {
			if !labels.Equal(want.Rows[i].Labels, got.Rows[i].Labels) {
				return Difference{Kind: "order", Detail: fmt.Sprintf("place %d: want %s; got %s", i, want.Rows[i].Labels, got.Rows[i].Labels)}
			}
		}
	}
	a, b := byLabels(want.Rows), byLabels(got.Rows)
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(b) || i < len(a) && labels.Compare(a[i].Labels, b[i].Labels) < 0:
			return Difference{Kind: "labels", Detail: fmt.Sprintf("missing %s (%d series wanted, %d got)", a[i].Labels, len(a), len(b))}
		case i >= len(a) || labels.Compare(a[i].Labels, b[i].Labels) > 0:
			return Difference{Kind: "labels", Detail: fmt.Sprintf("unexpected %s (%d series wanted, %d got)", b[i].Labels, len(a), len(b))}
		}
		if d := compareRow(a[i], b[i], rules); d.found() {
			return d
		}
	}
	if rules.Notes {
		if !slices.Equal(sorted(want.Warnings), sorted(got.Warnings)) || !slices.Equal(withoutCounts(want.Infos), withoutCounts(got.Infos)) {
			return Difference{Kind: "annotations", Detail: fmt.Sprintf("want %q %q; got %q %q", sorted(want.Warnings), sorted(want.Infos), sorted(got.Warnings), sorted(got.Infos))}
		}
	}
	return Difference{}
}

func compareRow(a, b Row, rules Rules) Difference {
	for i := range max(len(a.T), len(b.T)) {
		if i >= len(a.T) || i >= len(b.T) || a.T[i] != b.T[i] {
			at := int64(math.MaxInt64)
			if i < len(a.T) {
				at = a.T[i]
			}
			if i < len(b.T) {
				at = min(at, b.T[i])
			}
			return Difference{Kind: "times", Detail: fmt.Sprintf("%s: %d points wanted, %d got", a.Labels, len(a.T), len(b.T)), At: at, HasAt: true}
		}
		if i < len(a.V) && !rules.near(a.V[i], b.V[i]) {
			return Difference{Kind: "value", Detail: fmt.Sprintf("%s at %s: want %s; got %s", a.Labels, seconds(a.T[i]), formatValue(a.V[i]), formatValue(b.V[i])), At: a.T[i], HasAt: true}
		}
	}
	return Difference{}
}
