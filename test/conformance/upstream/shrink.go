// SPDX-License-Identifier: Apache-2.0
//
// Makes a differing query small: the shortest sub-expression and one time that still differ.
package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
)

func unwrapped(e parser.Expr) parser.Expr {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// differs asks both engines; a reference that wavers does not count.
func (f *Fuzz) differs(memory *Memory, q Query) (Difference, bool) {
	want, got := reference(f.engine, memory, q), f.product.ask(q)
	rules := f.rules(q.Expr, constructs(q.Expr))
	d := compare(want, got, rules)
	if !d.found() || f.wavers(memory, q, want, rules) {
		return Difference{}, false
	}
	return d, true
}

// instants are the times of a range query at which to try the expression alone.
func instants(q Query, d Difference) []int64 {
	if !q.isRange() {
		return []int64{q.At}
	}
	var out []int64
	if d.HasAt {
		out = append(out, d.At)
	}
	for t := q.Start; t <= q.End && len(out) < 40; t += q.Step {
		out = append(out, t)
	}
	return out
}

func (f *Fuzz) shrink(memory *Memory, q Query, d Difference) (Query, Difference) {
	if q.isRange() {
		for _, t := range instants(q, d) {
			x := Query{Expr: q.Expr, At: t}
			if again, ok := f.differs(memory, x); ok {
				q, d = x, again
				break
			}
		}
	}
	begun := time.Now()
	for budget := 200; budget > 0 && time.Since(begun) < 4*slowQuery; {
		smaller := false
		for _, x := range f.candidates(q, d) {
			budget--
			if again, ok := f.differs(memory, x); ok {
				q, d, smaller = x, again, true
				break
			}
			if budget == 0 || time.Since(begun) > 4*slowQuery {
				break
			}
		}
		if !smaller {
			break
		}
	}
	return q, d
}

// candidates are shorter queries: parts of the expression, and the expression with a part replaced by a
// part of that, at the same times.
func (f *Fuzz) candidates(q Query, d Difference) []Query {
	var out []Query
	with := func(expr string) {
		if len(expr) < len(q.Expr) {
			x := q
			x.Expr = expr
			out = append(out, x)
		}
	}
	subs := subExpressions(q.Expr)
	for _, s := range subs {
		with(s)
		if q.isRange() {
			for _, t := range instants(q, d)[:1] {
				out = append(out, Query{Expr: s, At: t})
			}
		}
	}
	for i := len(subs) - 1; i >= 0; i-- {
		at := strings.Index(q.Expr, subs[i])
		if at < 0 {
			continue
		}
		for _, part := range append(subExpressions(subs[i]), "up", "1") {
			if len(part) < len(subs[i]) {
				if expr := q.Expr[:at] + part + q.Expr[at+len(subs[i]):]; constructs(expr) != nil {
					with(expr)
				}
			}
		}
	}
	return out
}

// feed appends later samples to what the product holds.
func (p *Product) feed(more []Series) error {
	if len(more) == 0 {
		return nil
	}
	p.data = append(p.data, more...)
	var text strings.Builder
	if err := writeHistory(&text, more); err != nil {
		return err
	}
	line, err := json.Marshal(map[string]string{"history": text.String()})
	if err != nil {
		return err
	}
	reply, err := p.talk(line)
	if err != nil {
		return err
	}
	if !strings.Contains(string(reply), `"success"`) {
		return fmt.Errorf("history refused: %s", reply)
	}
	return nil
}
