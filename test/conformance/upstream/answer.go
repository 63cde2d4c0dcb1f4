// SPDX-License-Identifier: Apache-2.0
//
// Answers: read from the bytes of the HTTP API, or taken from the reference engine, in one shape.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Query is an instant query (At) or a range query (Step > 0); milliseconds.
type Query struct {
	Expr                 string
	At, Start, End, Step int64
}

func (q Query) isRange() bool { return q.Step > 0 }

func (q Query) String() string {
	if q.isRange() {
		return fmt.Sprintf("%s from %s to %s step %s", q.Expr, seconds(q.Start), seconds(q.End), seconds(q.Step))
	}
	return fmt.Sprintf("%s at %s", q.Expr, seconds(q.At))
}

// line is the request as `plimsoll eval` reads it.
func (q Query) line() []byte {
	e, err := json.Marshal(q.Expr)
	if err != nil {
		panic(err) // a string
	}
	if q.isRange() {
		return fmt.Appendf(nil, `{"expr":%s,"start":%s,"end":%s,"step":%s}`, e, seconds(q.Start), seconds(q.End), seconds(q.Step))
	}
	return fmt.Appendf(nil, `{"expr":%s,"time":%s}`, e, seconds(q.At))
}

// Row is one series of an answer.
type Row struct {
	Labels labels.Labels
	T      []int64
	V      []float64
	Hist   bool
}

// Answer of either engine.
type Answer struct {
	ErrorType, Error string // of a failure; Error is the engine's own text
	Type             string // scalar, string, vector, matrix
	Rows             []Row
	Text             string // of a string
	Warnings, Infos  []string
}

func failure(kind, text string) Answer { return Answer{ErrorType: kind, Error: text} }

func (a Answer) failed() bool { return a.ErrorType != "" }

func (a Answer) empty() bool {
	return !a.failed() && a.Type != "scalar" && a.Type != "string" && len(a.Rows) == 0
}

func (a Answer) String() string {
	if a.failed() {
		return a.ErrorType + ": " + a.Error
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", a.Type, a.Text)
	for _, r := range a.Rows {
		fmt.Fprintf(&b, " %s", r.Labels)
		for i := range r.T {
			if i == 4 {
				fmt.Fprintf(&b, " ... (%d)", len(r.T))
				break
			}
			fmt.Fprintf(&b, " %s@%s", formatValue(r.V[i]), seconds(r.T[i]))
		}
	}
	for _, w := range append(append([]string(nil), a.Warnings...), a.Infos...) {
		fmt.Fprintf(&b, " [%s]", w)
	}
	return b.String()
}

// fromEngine turns a result of the reference engine into an Answer.
func fromEngine(expr string, res *promql.Result) Answer {
	var a Answer
	a.Warnings, a.Infos = res.Warnings.AsStrings(expr, 0, 0)
	if res.Err != nil {
		a.ErrorType, a.Error = errorType(res.Err), res.Err.Error()
		return a
	}
	a.Type = string(res.Value.Type())
	switch x := res.Value.(type) {
	case promql.Scalar:
		a.Rows = []Row{{T: []int64{x.T}, V: []float64{x.V}}}
	case promql.String:
		a.Rows, a.Text = []Row{{T: []int64{x.T}}}, x.V
	case promql.Vector:
		for _, s := range x {
			a.Rows = append(a.Rows, Row{Labels: s.Metric, T: []int64{s.T}, V: []float64{s.F}, Hist: s.H != nil})
		}
	case promql.Matrix:
		for _, s := range x {
			r := Row{Labels: s.Metric, Hist: len(s.Histograms) > 0}
			for _, p := range s.Floats {
				r.T, r.V = append(r.T, p.T), append(r.V, p.F)
			}
			a.Rows = append(a.Rows, r)
		}
	}
	return a
}

func errorType(err error) string {
	var (
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		storage  promql.ErrStorage
	)
	switch {
	case errors.As(err, &canceled):
		return "canceled"
	case errors.As(err, &timeout):
		return "timeout"
	case errors.As(err, &storage):
		return "internal"
	}
	return "execution"
}

// toEngine is the way back, for the corpus's own comparer.
func (a Answer) toEngine() (parser.Value, error) {
	switch a.Type {
	case "scalar":
		return promql.Scalar{T: a.Rows[0].T[0], V: a.Rows[0].V[0]}, nil
	case "string":
		return promql.String{T: a.Rows[0].T[0], V: a.Text}, nil
	case "vector":
		out := promql.Vector{}
		for _, r := range a.Rows {
			out = append(out, promql.Sample{Metric: r.Labels, T: r.T[0], F: r.V[0]})
		}
		return out, nil
	case "matrix":
		out := promql.Matrix{}
		for _, r := range a.Rows {
			s := promql.Series{Metric: r.Labels}
			for i := range r.T {
				s.Floats = append(s.Floats, promql.FPoint{T: r.T[i], F: r.V[i]})
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("unknown result type %q", a.Type)
}

type pair struct {
	t int64
	s string
}

func (p *pair) UnmarshalJSON(b []byte) error {
	var raw [2]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(raw[0]), 64)
	if err != nil {
		return err
	}
	p.t = int64(math.Round(f * 1000))
	return json.Unmarshal(raw[1], &p.s)
}

// readAnswer decodes a body of the HTTP API.
func readAnswer(body []byte) (Answer, error) {
	var env struct {
		Status, ErrorType, Error string
		Warnings, Infos          []string
		Data                     struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &env); err != nil {
		return Answer{}, fmt.Errorf("%w in %.200s", err, body)
	}
	a := Answer{Warnings: env.Warnings, Infos: env.Infos}
	if env.Status != "success" {
		if env.ErrorType == "" {
			return a, fmt.Errorf("neither success nor an error type in %.200s", body)
		}
		a.ErrorType, a.Error = env.ErrorType, strings.TrimPrefix(env.Error, `invalid parameter "query": `)
		return a, nil
	}
	a.Type = env.Data.ResultType
	switch a.Type {
	case "scalar", "string":
		var p pair
		if err := json.Unmarshal(env.Data.Result, &p); err != nil {
			return a, err
		}
		a.Rows = []Row{{T: []int64{p.t}}}
		if a.Type == "string" {
			a.Text = p.s
			return a, nil
		}
		v, err := parseValue(p.s)
		a.Rows[0].V = []float64{v}
		return a, err
	case "vector", "matrix":
		var rows []struct {
			Metric map[string]string
			Value  *pair
			Values []pair
		}
		if err := json.Unmarshal(env.Data.Result, &rows); err != nil {
			return a, err
		}
		for _, row := range rows {
			r := Row{Labels: labels.FromMap(row.Metric)}
			if row.Value != nil {
				row.Values = []pair{*row.Value}
			}
			for _, p := range row.Values {
				v, err := parseValue(p.s)
				if err != nil {
					return a, err
				}
				r.T, r.V = append(r.T, p.t), append(r.V, v)
			}
			a.Rows = append(a.Rows, r)
		}
		return a, nil
	}
	return a, fmt.Errorf("unknown resultType %q", a.Type)
}

func sorted(s []string) []string {
	out := append([]string(nil), s...)
	sort.Strings(out)
	return out
}
