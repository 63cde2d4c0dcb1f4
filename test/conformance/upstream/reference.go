// SPDX-License-Identifier: Apache-2.0
//
// The reference: Prometheus's engine over series held in memory.
package main

import (
	"context"
	"regexp"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// sample gives a Point the shape that the engine iterates over.
type sample struct{ p Point }

func (s sample) T() int64                    { return s.p.T }
func (sample) ST() int64                     { return 0 }
func (s sample) F() float64                  { return s.p.V }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }

type heldSeries struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// Memory is a storage.Queryable over float series. Order, if set, rearranges what unsorted selects
// return: an answer that depends on that order is not part of PromQL's meaning.
type Memory struct {
	series []*heldSeries
	index  map[string]*heldSeries
	Order  func([]storage.Series)
	// For seeded faults: how much more a select returns on the left, and matchers that look anywhere.
	Wider      int64
	Unanchored bool
}

func newMemory(ss []Series) *Memory {
	m := &Memory{index: map[string]*heldSeries{}}
	m.add(ss)
	return m
}

// add merges; of two samples of a series at one time the first stays.
func (m *Memory) add(ss []Series) {
	for _, s := range ss {
		key := string(s.Labels.Bytes(nil))
		held := m.index[key]
		if held == nil {
			held = &heldSeries{labels: s.Labels}
			m.index[key] = held
			m.series = append(m.series, held)
		}
		for _, p := range s.Points {
			held.samples = append(held.samples, sample{p})
		}
		slices.SortStableFunc(held.samples, func(a, b chunks.Sample) int { return int(min(1, max(-1, a.T()-b.T()))) })
		held.samples = slices.CompactFunc(held.samples, func(a, b chunks.Sample) bool { return a.T() == b.T() })
	}
	sort.Slice(m.series, func(i, j int) bool { return labels.Compare(m.series[i].labels, m.series[j].labels) < 0 })
}

// Querier implements storage.Queryable.
func (m *Memory) Querier(mint, maxt int64) (storage.Querier, error) {
	return &memoryQuerier{m, mint - m.Wider, maxt}, nil
}

type memoryQuerier struct {
	m          *Memory
	mint, maxt int64
}

func (q *memoryQuerier) Select(_ context.Context, isSorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	reorder(ms)
	mint, maxt := q.mint, q.maxt
	if hints != nil { // a TSDB returns no samples beside them
		mint, maxt = hints.Start-q.m.Wider, hints.End
	}
	var out []storage.Series
next:
	for _, s := range q.m.series {
		for _, x := range ms {
			v := s.labels.Get(x.Name)
			if !x.Matches(v) && !(q.m.Unanchored && x.Type == labels.MatchRegexp && anywhere(x.Value, v)) {
				continue next
			}
		}
		lo := sort.Search(len(s.samples), func(i int) bool { return s.samples[i].T() >= mint })
		hi := sort.Search(len(s.samples), func(i int) bool { return s.samples[i].T() > maxt })
		if lo < hi { // a TSDB does not return series without samples in the range
			out = append(out, storage.NewListSeries(s.labels, s.samples[lo:hi]))
		}
	}
	if q.m.Order != nil && !isSorted {
		q.m.Order(out)
	}
	return &memorySet{out, -1}
}

func anywhere(pattern, v string) bool {
	found, err := regexp.MatchString(pattern, v)
	return err == nil && found
}

// reorder does to the matchers what a TSDB does as a side effect: those that intersect come before
// those that subtract. The slice belongs to the syntax tree, and absent() reads it afterwards, so
// the order shows in results.
func reorder(ms []*labels.Matcher) {
	mustBeSet := map[string]bool{}
	for _, m := range ms {
		if !m.Matches("") {
			mustBeSet[m.Name] = true
		}
	}
	subtracts := func(m *labels.Matcher) bool {
		return !mustBeSet[m.Name] || (m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp) && m.Matches("")
	}
	sort.SliceStable(ms, func(i, j int) bool { return !subtracts(ms[i]) && subtracts(ms[j]) })
}

func (q *memoryQuerier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	for set := q.Select(context.Background(), true, nil, ms...); set.Next(); {
		if v := set.At().Labels().Get(name); v != "" {
			seen[v] = true
		}
	}
	return sortedKeys(seen), nil, nil
}

func (q *memoryQuerier) LabelNames(_ context.Context, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	seen := map[string]bool{}
	for set := q.Select(context.Background(), true, nil, ms...); set.Next(); {
		set.At().Labels().Range(func(l labels.Label) { seen[l.Name] = true })
	}
	return sortedKeys(seen), nil, nil
}

func (*memoryQuerier) Close() error { return nil }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

type memorySet struct {
	s []storage.Series
	i int
}

func (s *memorySet) Next() bool                      { s.i++; return s.i < len(s.s) }
func (s *memorySet) At() storage.Series              { return s.s[s.i] }
func (*memorySet) Err() error                        { return nil }
func (*memorySet) Warnings() annotations.Annotations { return nil }

// newQuery makes the engine's query of a Query.
func newQuery(e promql.QueryEngine, st storage.Queryable, q Query) (promql.Query, error) {
	if q.isRange() {
		return e.NewRangeQuery(context.Background(), st, nil, q.Expr, timestamp.Time(q.Start), timestamp.Time(q.End), time.Duration(q.Step)*time.Millisecond)
	}
	return e.NewInstantQuery(context.Background(), st, nil, q.Expr, timestamp.Time(q.At))
}

// reference answers a query with Prometheus's engine.
func reference(e promql.QueryEngine, st storage.Queryable, q Query) Answer {
	qry, err := newQuery(e, st, q)
	if err != nil {
		return failure("bad_data", err.Error())
	}
	defer qry.Close()
	return fromEngine(q.Expr, qry.Exec(context.Background()))
}
