// SPDX-License-Identifier: Apache-2.0
//
// Prometheus's built-in promqltest cases against the tested program, through promql.QueryEngine.
//
// promqltest wants a *testing.T, so the cases run in a child process of this program under the
// testing package; the parent reads its verbose output (corpus_report.go). Queries that meet a native
// histogram sample are answered by the reference and counted apart.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/prometheus/prometheus/util/stats"
)

// caseMark starts the lines that corpus_report.go reads.
const caseMark = "@@CASE "

// corpusSettings are those that promqltest gives its own engine.
func corpusSettings() Settings {
	return Settings{
		Lookback: 5 * time.Minute, SubqueryStep: time.Minute, Timeout: 100 * time.Second,
		MaxSamples:            promqltest.DefaultMaxSamplesPerQuery,
		ExperimentalFunctions: true, ExtendedRangeSelectors: true, BinopFill: true,
		DelayedNameRemoval: true, StartTimestamps: true,
	}
}

// runCorpusChild is the child process: it does not return.
func runCorpusChild(binary string) {
	product, err := newProduct(binary, corpusSettings())
	if err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(2)
	}
	os.Args = []string{os.Args[0], "-test.v", "-test.timeout=20m"}
	testing.Main(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "Corpus", F: func(t *testing.T) {
			defer product.close()
			promqltest.RunBuiltinTests(t, newAdapter(product))
		}}}, nil, nil)
}

// adapter is a promql.QueryEngine in front of the tested program.
type adapter struct {
	product   *Product
	held      uint64 // hash of the series that it holds
	reference *promql.Engine
	// The same with one feature off: what differs there is experimental.
	without  map[string]*promql.Engine
	parsers  map[string]parser.Parser
	printing parser.Parser
}

func newAdapter(p *Product) *adapter {
	all := corpusSettings()
	a := &adapter{product: p, reference: all.engine(), without: map[string]*promql.Engine{}, parsers: map[string]parser.Parser{},
		printing: parser.NewParser(all.parserOptions())}
	off := func(change func(*Settings)) Settings {
		s := all
		change(&s)
		return s
	}
	a.without["delayed-name-removal"] = off(func(s *Settings) { s.DelayedNameRemoval = false }).engine()
	a.without["start-timestamps"] = off(func(s *Settings) { s.StartTimestamps = false }).engine()
	a.parsers["experimental-functions"] = parser.NewParser(off(func(s *Settings) { s.ExperimentalFunctions = false }).parserOptions())
	a.parsers["extended-range-selectors"] = parser.NewParser(off(func(s *Settings) { s.ExtendedRangeSelectors = false }).parserOptions())
	a.parsers["binop-fill"] = parser.NewParser(off(func(s *Settings) { s.BinopFill = false }).parserOptions())
	return a
}

func (a *adapter) NewInstantQuery(_ context.Context, st storage.Queryable, _ promql.QueryOpts, expr string, at time.Time) (promql.Query, error) {
	return &corpusQuery{a, st, Query{Expr: expr, At: timestamp.FromTime(at)}}, nil
}

func (a *adapter) NewRangeQuery(_ context.Context, st storage.Queryable, _ promql.QueryOpts, expr string, start, end time.Time, step time.Duration) (promql.Query, error) {
	return &corpusQuery{a, st, Query{Expr: expr, Start: timestamp.FromTime(start), End: timestamp.FromTime(end), Step: step.Milliseconds()}}, nil
}

type corpusQuery struct {
	a  *adapter
	st storage.Queryable
	q  Query
}

func (*corpusQuery) Close()                      {}
func (*corpusQuery) Cancel()                     {}
func (*corpusQuery) Statement() parser.Statement { return nil }
func (*corpusQuery) Stats() *stats.Statistics    { return nil }
func (q *corpusQuery) String() string            { return q.q.Expr }

type note struct {
	text string
	kind error
}

func (n note) Error() string { return n.text }
func (n note) Unwrap() error { return n.kind }

func (q *corpusQuery) Exec(ctx context.Context) *promql.Result {
	series, histograms, err := floatsOf(q.st)
	if err != nil {
		return &promql.Result{Err: err}
	}
	spy := &spyQueryable{Queryable: q.st}
	want := reference(q.a.reference, spy, q.q)
	if spy.hit && histograms {
		mark("histogram", "")
		qry, err := newQuery(q.a.reference, q.st, q.q)
		if err != nil {
			return &promql.Result{Err: err}
		}
		return qry.Exec(ctx)
	}
	mark(q.classify(want))

	if sum := hashOf(series); sum != q.a.held {
		if err := q.a.product.hold(series); err != nil {
			return &promql.Result{Err: err}
		}
		q.a.held = sum
	}
	got := q.a.product.ask(q.q)
	res := &promql.Result{}
	for _, w := range got.Warnings {
		res.Warnings.Add(note{w, annotations.PromQLWarning})
	}
	for _, w := range got.Infos {
		res.Warnings.Add(note{w, annotations.PromQLInfo})
	}
	if got.failed() {
		res.Err = errors.New(got.Error)
		return res
	}
	if res.Value, err = got.toEngine(); err == nil {
		err = q.wellFormed(res.Value)
	}
	if err != nil {
		res.Err = fmt.Errorf("the answer: %w", err)
	}
	return res
}

// wellFormed checks what the runner takes for granted and would panic over.
func (q *corpusQuery) wellFormed(v parser.Value) error {
	if !q.q.isRange() {
		return nil
	}
	m, ok := v.(promql.Matrix)
	if !ok {
		return fmt.Errorf("a range query answered with a %s", v.Type())
	}
	e, err := q.a.printing.ParseExpr(q.q.Expr)
	if err != nil || e.Type() != parser.ValueTypeScalar {
		return nil
	}
	if want := (q.q.End-q.q.Start)/q.q.Step + 1; len(m) != 1 || int64(len(m[0].Floats)) != want {
		return fmt.Errorf("a scalar's range result must have one series with %d points", want)
	}
	return nil
}

// classify says whether the query needs an experimental switch, and which.
func (q *corpusQuery) classify(want Answer) (class, why string) {
	if !want.failed() {
		for _, name := range sortedKeys(q.a.parsers) {
			if _, err := q.a.parsers[name].ParseExpr(q.q.Expr); err != nil {
				return "experimental", name
			}
		}
	}
	for _, name := range sortedKeys(q.a.without) {
		if compare(want, reference(q.a.without[name], q.st, q.q), Rules{Tolerance: 1e-9}).found() {
			return "experimental", name
		}
	}
	return "stable", ""
}

func mark(class, why string) {
	b, _ := json.Marshal(map[string]string{"class": class, "why": why})
	fmt.Printf("\n%s%s\n", caseMark, b)
}

func hashOf(ss []Series) uint64 {
	h := fnv.New64a()
	_ = writeHistory(h, ss)
	return h.Sum64()
}

// floatsOf reads every float sample; samples that are native histograms are left out and reported.
func floatsOf(st storage.Queryable) (out []Series, histograms bool, err error) {
	q, err := st.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, false, err
	}
	defer q.Close()
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, ".*"))
	var it chunkenc.Iterator
	for set.Next() {
		s := Series{Labels: set.At().Labels()}
		it = set.At().Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			if kind != chunkenc.ValFloat {
				histograms = true
				continue
			}
			t, v := it.At()
			s.Points = append(s.Points, Point{t, v})
		}
		if len(s.Points) > 0 {
			out = append(out, s)
		}
	}
	return out, histograms, set.Err()
}

// spyQueryable notices when a query meets a native histogram.
type spyQueryable struct {
	storage.Queryable
	hit bool
}

func (s *spyQueryable) Querier(from, to int64) (storage.Querier, error) {
	q, err := s.Queryable.Querier(from, to)
	return &spyQuerier{q, &s.hit}, err
}

type spyQuerier struct {
	storage.Querier
	hit *bool
}

func (s *spyQuerier) Select(ctx context.Context, isSorted bool, h *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	return &spySet{s.Querier.Select(ctx, isSorted, h, ms...), s.hit}
}

type spySet struct {
	storage.SeriesSet
	hit *bool
}

func (s *spySet) At() storage.Series { return &spySeries{s.SeriesSet.At(), s.hit} }

type spySeries struct {
	storage.Series
	hit *bool
}

func (s *spySeries) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return &spyIterator{s.Series.Iterator(nil), s.hit}
}

type spyIterator struct {
	chunkenc.Iterator
	hit *bool
}

func (s *spyIterator) see(kind chunkenc.ValueType) chunkenc.ValueType {
	if kind == chunkenc.ValHistogram || kind == chunkenc.ValFloatHistogram {
		*s.hit = true
	}
	return kind
}
func (s *spyIterator) Next() chunkenc.ValueType { return s.see(s.Iterator.Next()) }

func (s *spyIterator) Seek(t int64) chunkenc.ValueType { return s.see(s.Iterator.Seek(t)) }
